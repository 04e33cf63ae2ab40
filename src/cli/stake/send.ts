import { erc20Abi, formatEther } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { address, blocAmount } from "../framework/values.ts";

/** `blockcloud send` */
export const send = transactCommand({
  args: { amount: text("<bloc>", "BLOC to send", blocAmount, { required: true }) },
  flags: { to: text("--to <address>", "who receives it", address, { required: true }) },
  signer: walletKey,
  examples: [
    "blockcloud send 6000 --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--wallet-key-file wallet.key",
  ],
  notes: `One transaction each time: running it again sends again. It sends nothing to the token itself, nor to one of
the deployment's contracts, from which BLOC would not come back.`,
  async run({ args, flags, deployment, transactor, output }) {
    const { amount } = args;
    const { to } = flags;
    const lost = Object.entries(deployment.contracts).find(([, contract]) => contract === to);
    if (lost !== undefined || BigInt(to) === 0n) {
      const what =
        lost === undefined ? "the zero address, which has no key" : `the contract ${lost[0]}`;
      throw new BlockcloudError("RECEIVER_INVALID", `${to} is ${what}: BLOC would be lost there.`, {
        remedy: "Check --to.",
      });
    }
    const call = {
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [to, amount],
    };
    const sent = await transactor.carryOut({
      title: `send ${formatEther(amount)} BLOC`,
      steps: [{ name: `transfer to ${to}`, call, roughGas: 60_000n }],
      bloc: { transferred: amount },
      outcome: [`${to} has ${formatEther(amount)} BLOC more`],
    });
    output.print(
      { to, amount, transactions: sentJson(sent) },
      `${to} received ${formatEther(amount)} BLOC`,
    );
    return undefined;
  },
});
