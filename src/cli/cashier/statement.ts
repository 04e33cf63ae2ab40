import { formatEther } from "viem";
import { blockAt } from "../../chain/blocks.ts";
import { dayOf, readStatement } from "../../chain/cashier/statement.ts";
import { readHoldings } from "../../chain/cashier/tabs.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { text, toggle } from "../framework/flag.ts";
import { refine } from "../framework/values.ts";
import { facts, utc } from "../show/format.ts";
import { payerArgument } from "./flags.ts";
import { statementCsv, statementRows, statementTable } from "./statementRows.ts";
import { WalletBooks } from "./walletBooks.ts";

const utcDay = refine((given) => {
  const seconds = Date.parse(`${given}T00:00:00Z`) / 1000;
  return /^\d{4}-\d{2}-\d{2}$/.test(given) && Number.isFinite(seconds) ? seconds : undefined;
}, "Give a day in UTC, for example 2027-01-31.");

/** `blockcloud cashier statement` */
export const cashierStatement = chainCommand({
  args: { payer: payerArgument },
  flags: {
    since: text("--since <day>", "first day, in UTC (default: the deployment's first)", utcDay, {}),
    csv: toggle("--csv", "print the rows as CSV, for a spreadsheet"),
    state,
  },
  examples: [
    "blockcloud cashier statement 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "blockcloud cashier statement 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --since 2026-11-01 --csv",
  ],
  notes: `"redeemed" comes from the chain's events, by the day in which a collector redeemed. "signed" comes from the
wallet in the state folder, by the day of use; it is empty for an account whose wallet is elsewhere. Without --since the
command checks that deposits, withdrawals and payments add up to what the account holds, to the last wei.`,
  async run({ args: { payer }, flags, client, deployment, output, progress, signal }) {
    const moment = await readMoment(client, deployment);
    const to = moment.number;
    const first = BigInt(deployment.block);
    const { since } = flags;
    let from = since === undefined ? first : await blockAt(client, since, { from: first, to });
    progress.update("reading events");
    const gone = (oldest: bigint) => {
      from = oldest;
      progress.say(`the endpoint has dropped events before block ${oldest}`);
    };
    const blocks = { from, to };
    const chain = await readStatement(client, deployment, { payer, blocks }, { gone, signal });
    const held = await readHoldings(client, deployment, { payer, block: to }, { signal });
    progress.clear();
    const { deposited, withdrawn, paid } = chain;
    const opening = held.left - deposited + withdrawn + paid;
    if (from === first && opening !== 0n) {
      const message = `The events of ${payer} differ from its account by ${formatEther(opening)} BLOC.`;
      throw new BlockcloudError("STATEMENT_INCOMPLETE", message, {
        retryable: true,
        remedy: "The RPC endpoint has lost events: name another one.",
      });
    }
    const books = WalletBooks.read(flags.state, deployment, payer);
    const signed = books.rows.filter(({ day }) => since === undefined || day >= dayOf(since));
    const rows = statementRows(chain, signed);
    const total = signed.reduce((sum, { amount }) => sum + amount, 0n);
    const sums = { opening, deposited, withdrawn, redeemed: paid, left: held.left, signed: total };
    const bloc = (amount: bigint) => `${formatEther(amount)} BLOC`;
    const summary = facts([
      ["from", `block ${from}`],
      ["to", `block ${to}, ${utc(moment.timestamp)}`],
      ["opening", from === first ? undefined : bloc(opening)],
      ["deposited", bloc(deposited)],
      ["withdrawn", bloc(withdrawn)],
      ["redeemed", bloc(paid)],
      ["left", bloc(held.left)],
      ["signed", signed.length === 0 ? undefined : bloc(total)],
    ]);
    const shown = rows.length === 0 ? "no payments" : statementTable(rows);
    output.print(
      { payer, blocks: { from, to }, until: moment.timestamp, ...sums, rows },
      flags.csv ? statementCsv(rows) : `${shown}\n\n${summary}`,
    );
    return undefined;
  },
});
