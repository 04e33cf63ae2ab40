import { erc20Abi, formatEther } from "viem";
import { readHoldings } from "../../chain/cashier/tabs.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { facts } from "../show/format.ts";
import { payerArgument } from "./flags.ts";

/** `blockcloud cashier balance` */
export const cashierBalance = chainCommand({
  args: { payer: payerArgument },
  flags: {},
  examples: ["blockcloud cashier balance 0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
  notes: `"free" can be withdrawn at once. "reserved" is the sum of the limits of tabs that are open on chain; "paid" of
it is with the services already, and the rest comes back when the tabs are closed. Uses that no collector has redeemed
yet are not among it: see blockcloud cashier tabs.`,
  async run({ args: { payer }, client, deployment, output, signal }) {
    const { number: block } = await readMoment(client, deployment);
    const [held, bloc] = await Promise.all([
      readHoldings(client, deployment, { payer, block }, { signal }),
      client.readContract({
        address: deployment.contracts.token,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [payer],
        blockNumber: block,
      }),
    ]);
    const { free, reserved, paid, left, tabs } = held;
    output.print(
      { payer, block, free, reserved, paid, left, tabs: tabs.length, bloc },
      [
        `${payer} at the Cashier:`,
        facts([
          ["free", `${formatEther(free)} BLOC`],
          ["reserved", `${formatEther(reserved)} BLOC by ${tabs.length} tabs`],
          ["paid of it", `${formatEther(paid)} BLOC`],
          ["left", `${formatEther(left)} BLOC`],
          ["elsewhere", `${formatEther(bloc)} BLOC in the account itself`],
        ]),
      ].join("\n"),
    );
    return undefined;
  },
});
