import { formatEther } from "viem";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import { Cashier } from "../../chain/cashier/cashier.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { blocAmount, refine } from "../framework/values.ts";
import { payerKey } from "./flags.ts";

const amountOrAll = refine<bigint | "all">(
  (given) => (given === "all" ? given : blocAmount.safeParse(given).data),
  'Give an amount of BLOC, for example 12.5, or "all".',
);

/** `blockcloud cashier withdraw` */
export const cashierWithdraw = transactCommand({
  args: { amount: text("<bloc>", 'BLOC to withdraw, or "all"', amountOrAll, { required: true }) },
  flags: {},
  signer: payerKey,
  examples: [
    "blockcloud cashier withdraw 12.5 --payer-key-file payer.key",
    "blockcloud cashier withdraw all --payer-key-file payer.key",
  ],
  notes: `Takes BLOC from the free part of the account, at once. What open tabs reserve comes back when they are closed:
see blockcloud cashier tabs and blockcloud cashier close. "all" is the free part.`,
  async run({ args, client, deployment, transactor, output }) {
    const payer = transactor.account;
    const cashier = new Cashier(client, deployment);
    const { free, reserved } = await cashier.accountOf(payer);
    const amount = args.amount === "all" ? free : args.amount;
    if (amount === 0n || amount > free) {
      const wanted = amount === 0n ? "" : ` of ${formatEther(amount)}`;
      const message = `${payer} has ${formatEther(free)} BLOC${wanted} free at the Cashier.`;
      throw new BlockcloudError("NOTHING_FREE", message, {
        remedy:
          reserved === 0n
            ? "Give a smaller amount, above 0."
            : `Tabs reserve ${formatEther(reserved)} BLOC: blockcloud cashier tabs lists them.`,
      });
    }
    const sent = await transactor.carryOut({
      title: `withdraw ${formatEther(amount)} BLOC from the Cashier`,
      steps: [{ name: "withdraw", call: cashierCalls(deployment).withdraw(amount) }],
      bloc: { received: amount },
      outcome: [`${formatEther(free - amount)} BLOC free at the Cashier`],
    });
    const account = await cashier.accountOf(payer);
    output.print(
      { payer, withdrawn: amount, ...account, transactions: sentJson(sent) },
      `${payer} received ${formatEther(amount)} BLOC`,
    );
    return undefined;
  },
});
