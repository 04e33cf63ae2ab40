import { parseEventLogs } from "viem";
import type { Sources } from "../context.tsx";
import type { ChallengeRow } from "../index/service.ts";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";

const states = {
  ChallengeOpened: "open",
  ChallengeAnswered: "answered",
  ChallengeUnanswered: "unanswered",
  ChallengeAnnulled: "annulled",
} as const;

/** Challenges of a service from the chain alone, the newest first. */
export async function readChallenges(
  { client, contracts, config }: Sources,
  head: Head,
  number: bigint,
  signal: AbortSignal,
): Promise<ChallengeRow[]> {
  const { abi, address } = contracts.challengeBook;
  const { events } = await readEvents(
    { from: BigInt(config.deployment.block), to: head.number },
    async ({ from, to }) =>
      parseEventLogs({
        abi,
        logs: await client.getLogs({ address, fromBlock: from, toBlock: to }),
      }),
    signal,
  );
  const found = new Map<bigint, ChallengeRow>();
  for (const event of events) {
    if (!("number" in event.args) || event.args.number !== number) continue;
    const { id } = event.args;
    if (event.eventName === "ChallengeOpened") {
      const { timestamp } = await client.getBlock({ blockNumber: event.blockNumber });
      const { challenger } = event.args;
      found.set(id, { id, challenger, openedAt: Number(timestamp), state: "open", slashed: 0n });
    }
    const row = found.get(id);
    if (row === undefined) continue;
    row.state = states[event.eventName];
    if (event.eventName === "ChallengeUnanswered") row.slashed = event.args.slashed;
  }
  return [...found.values()].reverse();
}
