import { parseEventLogs, type Address } from "viem";
import type { Sources } from "../context.tsx";
import { many } from "../format.ts";
import type { AuditorRoundRow, AuditorRow, Listing } from "../model.ts";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { readerOf } from "./reader.ts";

/** Auditors that are read from the chain alone. */
const MOST = 200;
/** Epochs whose rounds are counted. */
export const ROUNDS_READ = 24;
const names = ["Committed", "Revealed", "Claimed", "Reported"] as const;

/** The constants of the contract that deadlines follow from. */
export const CLAIM_EPOCHS = 128;
export const LAPSE_EPOCHS = 24;

/** Auditors from the chain alone: those that ever enrolled, and their rounds of the newest epochs. */
export async function readAuditors(
  sources: Sources,
  head: Head,
  signal: AbortSignal,
): Promise<Listing<AuditorRow>> {
  const { client, contracts, config } = sources;
  const range = { from: BigInt(config.deployment.block), to: head.number };
  const enrolled = await readEvents(
    range,
    async ({ from, to }) => {
      const logs = await client.getContractEvents({
        ...contracts.staking,
        eventName: "AuditorEnrolled",
        fromBlock: from,
        toBlock: to,
      });
      return parseEventLogs({ abi: contracts.staking.abi, eventName: "AuditorEnrolled", logs });
    },
    signal,
  );
  const auditors = [...new Set(enrolled.events.map(({ args }) => args.auditor))];
  const rounds = await readRounds(sources, head, signal);
  const rows = await Promise.all(
    auditors.slice(-MOST).map((auditor) => {
      const own = rounds.get(auditor) ?? [];
      return readRow(sources, head, { auditor, rounds: own });
    }),
  );
  const missing = [
    ...(auditors.length > MOST
      ? [`${many(auditors.length - MOST, "auditor")} that enrolled before these`]
      : []),
    ...(enrolled.isWhole ? [] : [`those that enrolled before block ${enrolled.from}`]),
  ];
  return {
    rows,
    source: "chain",
    leftOut: missing.length === 0 ? undefined : `${missing.join(" and ")}, which need the index`,
  };
}

/** Rounds of the newest epochs by auditor, oldest first. */
export async function readRounds(
  sources: Sources,
  head: Head,
  signal: AbortSignal,
  auditor?: Address,
): Promise<Map<Address, AuditorRoundRow[]>> {
  const { client, contracts } = sources;
  const { abi, address } = contracts.proofOfService;
  const first = Math.max(0, head.epoch - ROUNDS_READ);
  const from = await readerOf(sources).firstBlock(first, head);
  const { events } = await readEvents(
    { from, to: head.number },
    async (piece) =>
      parseEventLogs({
        abi,
        eventName: [...names],
        logs: await client.getLogs({ address, fromBlock: piece.from, toBlock: piece.to }),
      }),
    signal,
  );
  const found = new Map<Address, Map<number, AuditorRoundRow>>();
  const unclaimedChunks = new Map<AuditorRoundRow, number>();
  for (const event of events) {
    const { auditor: owner, epoch } = event.args;
    if ((auditor !== undefined && owner !== auditor) || epoch < first) continue;
    const own = found.get(owner) ?? new Map<number, AuditorRoundRow>();
    found.set(owner, own);
    const row = own.get(epoch) ?? {
      epoch,
      state: "committed",
      votes: 0,
      paidVotes: 0,
      reward: 0n,
      claimBy: epoch + 1 + CLAIM_EPOCHS,
    };
    own.set(epoch, row);
    const chunks = unclaimedChunks.get(row) ?? 0;
    if (event.eventName === "Reported") row.state = "reported";
    if (event.eventName === "Revealed") {
      row.state = "revealed";
      unclaimedChunks.set(row, chunks + 1);
      row.votes += Number(event.args.votes);
    }
    if (event.eventName === "Claimed") {
      if (chunks === 1) row.state = "claimed";
      unclaimedChunks.set(row, chunks - 1);
      row.paidVotes += Number(event.args.paidVotes);
      row.reward += event.args.reward;
    }
  }
  return new Map(
    [...found].map(([owner, rows]) => [
      owner,
      [...rows.values()].sort((a, b) => a.epoch - b.epoch),
    ]),
  );
}

/** Rounds whose pay can be claimed in an epoch, the one that ends first in front. */
export function unclaimedOf(
  rounds: readonly AuditorRoundRow[],
  current: number,
): AuditorRoundRow[] {
  return rounds
    .filter(
      ({ state, epoch, claimBy }) =>
        state === "revealed" && epoch + 2 <= current && claimBy >= current,
    )
    .sort((a, b) => a.claimBy - b.claimBy);
}

async function readRow(
  sources: Sources,
  head: Head,
  { auditor, rounds }: { auditor: Address; rounds: readonly AuditorRoundRow[] },
): Promise<AuditorRow> {
  const { client, contracts } = sources;
  const args = [auditor] as const;
  const [[stake, enrolledSince], [operator], uncollected] = await Promise.all([
    client.readContract({ ...contracts.staking, functionName: "auditorStake", args }),
    client.readContract({ ...contracts.proofOfService, functionName: "auditorOf", args }),
    client.readContract({ ...contracts.proofOfService, functionName: "earnedOf", args }),
  ]);
  const open = unclaimedOf(rounds, head.epoch);
  const revealed = rounds.filter(({ state }) => state === "revealed" || state === "claimed");
  return {
    auditor,
    operator: BigInt(operator) === 0n ? undefined : operator,
    stake,
    enrolledSince,
    isEnrolled: enrolledSince !== 0,
    rounds: rounds.length,
    revealed: revealed.length,
    votes: rounds.reduce((sum, { votes }) => sum + votes, 0),
    paidVotes: rounds.reduce((sum, { paidVotes }) => sum + paidVotes, 0),
    rewards: rounds.reduce((sum, { reward }) => sum + reward, 0n),
    uncollected,
    unclaimed: open.length,
    claimBy: open[0]?.claimBy,
    lastRevealed: revealed.at(-1)?.epoch,
  };
}
