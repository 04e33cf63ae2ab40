import { parseEventLogs } from "viem";
import { abis } from "@protocol/abis.ts";
import type { Sources } from "../context.tsx";
import type { EpochRow } from "../model.ts";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { readerOf } from "./reader.ts";

/** Transactions whose gas is read for the gas of an audit. */
const MAX_RECEIPTS = 60;
const auditAbi = [...abis.proofOfService, ...abis.settlement];
const gasEvents = new Set(["Ticked", "Committed", "Revealed", "Claimed", "Collected"]);

/** The rounds of the newest epochs from the chain alone, oldest first, the current one included. */
export async function readEpochRows(
  sources: Sources,
  head: Head,
  last: number,
  signal: AbortSignal,
): Promise<{ rows: EpochRow[]; isWhole: boolean }> {
  const { client, contracts } = sources;
  const first = Math.max(0, head.epoch - last + 1);
  const reader = readerOf(sources);
  const range = { from: await reader.firstBlock(first, head), to: head.number };
  const address = [contracts.proofOfService.address, contracts.settlement.address];
  const read = await readEvents(
    range,
    async ({ from, to }) =>
      parseEventLogs({
        abi: auditAbi,
        logs: await client.getLogs({ address, fromBlock: from, toBlock: to }),
      }),
    signal,
  );
  const rows = new Map<number, EpochRow>();
  for (let epoch = first; epoch <= head.epoch; epoch++) rows.set(epoch, emptyRow(epoch));
  for (const event of read.events) add(rows, event);
  const gas = await gasOf(sources, head, read.events);
  for (const [epoch, value] of gas) {
    const row = rows.get(epoch);
    if (row !== undefined) row.gasPerAudit = value;
  }
  return { rows: [...rows.values()], isWhole: read.isWhole };
}

type AuditEvent = ReturnType<typeof parseEventLogs<typeof auditAbi>>[number];

function emptyRow(epoch: number): EpochRow {
  return {
    epoch,
    hasSeed: false,
    committed: 0,
    revealed: 0,
    claimed: 0,
    reported: 0,
    votes: 0,
    paidVotes: 0,
    auditorsPaid: 0n,
    providersPaid: 0n,
    verdicts: undefined,
    gasPerAudit: undefined,
  };
}

function add(rows: ReadonlyMap<number, EpochRow>, event: AuditEvent): void {
  if (!("epoch" in event.args)) return;
  const row = rows.get(event.args.epoch);
  if (row === undefined) return;
  if (event.eventName === "Ticked") row.hasSeed = true;
  if (event.eventName === "Committed") row.committed += 1;
  if (event.eventName === "Reported") row.reported += 1;
  if (event.eventName === "Revealed") {
    // A round has one event for each chunk; the first one counts it.
    if (event.args.index === 0) row.revealed += 1;
    row.votes += Number(event.args.votes);
  }
  if (event.eventName === "Claimed") {
    if (event.args.index === 0) row.claimed += 1;
    row.paidVotes += Number(event.args.paidVotes);
    row.auditorsPaid += event.args.reward;
  }
  if (event.eventName === "Settled") row.providersPaid += event.args.reward;
}

/** Gas of an audit in the last whole epoch, if its transactions are few enough to be read one by one. */
async function gasOf(
  sources: Sources,
  head: Head,
  events: readonly AuditEvent[],
): Promise<Map<number, number>> {
  const epoch = head.epoch - 1;
  const reader = readerOf(sources);
  const from = await reader.firstBlock(epoch, head);
  const to = (await reader.firstBlock(epoch + 1, head)) - 1n;
  const own = events.filter(({ blockNumber }) => blockNumber >= from && blockNumber <= to);
  const hashes = new Set(
    own
      .filter(({ eventName }) => gasEvents.has(eventName))
      .map(({ transactionHash }) => transactionHash),
  );
  const votes = own.reduce(
    (sum, event) => (event.eventName === "Revealed" ? sum + Number(event.args.votes) : sum),
    0,
  );
  if (votes === 0 || hashes.size > MAX_RECEIPTS) return new Map();
  const receipts = await Promise.all(
    [...hashes].map((hash) => sources.client.getTransactionReceipt({ hash })),
  );
  const gas = receipts.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0);
  return new Map([[epoch, Math.round(gas / votes)]]);
}
