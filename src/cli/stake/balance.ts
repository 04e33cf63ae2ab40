import { erc20Abi, formatEther } from "viem";
import { chainCommand } from "../framework/chainCommand.ts";
import { text } from "../framework/flag.ts";
import { address } from "../framework/values.ts";

/** `blockcloud balance` */
export const balance = chainCommand({
  args: { of: text("<address>", "the account", address, { required: true }) },
  flags: {},
  examples: ["blockcloud balance 0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
  notes: `Staked and unbonding BLOC is not among it: see "blockcloud service show" and "blockcloud auditor status".
"blockcloud key address" shows the address of a key file.`,
  async run({ args, client, deployment, output }) {
    const { of } = args;
    const [ether, bloc] = await Promise.all([
      client.getBalance({ address: of }),
      client.readContract({
        address: deployment.contracts.token,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [of],
      }),
    ]);
    output.print(
      { address: of, ether, bloc },
      `${of} has ${formatEther(ether)} ETH and ${formatEther(bloc)} BLOC`,
    );
    return undefined;
  },
});
