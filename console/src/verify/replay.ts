/** Plays the calls of an epoch's rounds again, in the chain's order. */
import type { Hex } from "viem";
import { readTransaction, type RoundCall, type RoundTransaction } from "./calls.ts";
import type { Claims } from "./claims.ts";
import type { Contracts } from "../chain/contracts.ts";
import { argsOf, isEvent, numberTopic, topicOf } from "./events.ts";
import type { Figures } from "./figures.ts";
import type { Rounds } from "./rounds.ts";
import type { Source } from "./source.ts";

export interface ReplayTerms {
  epoch: number;
  rounds: Rounds;
  figures: Figures;
  /** Without it claims are not followed. */
  claims?: Claims;
}

type EventName = "Committed" | "Revealed" | "Claimed" | "Reported";

/** Follows the transactions that have these events of the epoch, in a range of blocks. */
export async function followRounds(
  source: Source,
  contracts: Contracts,
  terms: ReplayTerms,
  { from, to }: { from: bigint; to: bigint },
  names: readonly EventName[],
): Promise<void> {
  const { proofOfService } = contracts;
  const selectors = names.map((name) => topicOf(proofOfService.abi, name));
  const topics = [selectors, null, [numberTopic(terms.epoch)]];
  let last: Hex | undefined;
  for await (const log of source.logs({ address: [proofOfService.address], topics }, from, to)) {
    // The events of a transaction stand together.
    if (log.transactionHash === last) continue;
    last = log.transactionHash;
    play(contracts, terms, await readTransaction(source, contracts, log));
  }
}

function play(
  { proofOfService }: Contracts,
  { epoch, rounds, figures, claims }: ReplayTerms,
  { calls, logs }: RoundTransaction,
): void {
  const left = [...calls];
  for (const log of logs) {
    if (isEvent(log, proofOfService, "Committed")) {
      const said = argsOf(log, proofOfService, "Committed");
      if (said.epoch !== epoch) continue;
      const about = { what: "commitment by calldata", epoch, party: said.auditor };
      const call = take(left, "commit", (each) => each.epoch === epoch);
      if (figures.check(about, said.auditor, call?.auditor) && call !== undefined)
        rounds.commit(said.auditor, call.commitment);
    } else if (isEvent(log, proofOfService, "Revealed")) {
      const said = argsOf(log, proofOfService, "Revealed");
      if (said.epoch !== epoch) continue;
      const party = `${said.auditor}, chunk ${said.index}`;
      const call = take(left, "reveal", ({ chunk }) => chunk.epoch === epoch);
      const about = { what: "reveal by calldata", epoch, party };
      if (!figures.check(about, said.auditor, call?.chunk.auditor) || call === undefined) continue;
      figures.check({ what: "revealed chunk", epoch, party }, call.chunk.index, said.index);
      const votes = rounds.reveal(call.chunk);
      figures.check({ what: "votes of a reveal", epoch, party }, votes, said.votes);
    } else if (claims !== undefined && isEvent(log, proofOfService, "Claimed")) {
      const said = argsOf(log, proofOfService, "Claimed");
      if (said.epoch !== epoch) continue;
      const party = `${said.auditor}, chunk ${said.index}`;
      const call = take(left, "claim", ({ chunk }) => chunk.epoch === epoch);
      const about = { what: "claim by calldata", epoch, party };
      if (!figures.check(about, said.auditor, call?.chunk.auditor) || call === undefined) continue;
      figures.check({ what: "claimed chunk", epoch, party }, call.chunk.index, said.index);
      const { paidVotes, reward } = claims.claim(call.chunk, call.sampleEpoch, call.samples);
      figures.check({ what: "paid votes of a claim", epoch, party }, paidVotes, said.paidVotes);
      figures.check({ what: "pay of an auditor", epoch, party }, reward, said.reward);
    } else if (claims !== undefined && isEvent(log, proofOfService, "Reported")) {
      const { auditor, epoch: reported } = argsOf(log, proofOfService, "Reported");
      if (reported !== epoch) continue;
      const round = rounds.round(auditor);
      const about = { what: "report of a round that was not revealed", epoch, party: auditor };
      const isOpen = round.count === 0 || round.chunks.length < round.count;
      figures.check(about, true, isOpen && !round.reported);
      round.reported = true;
    }
  }
}

/** The first call of a kind that fits; it is not found again. */
function take<N extends RoundCall["name"]>(
  calls: RoundCall[],
  name: N,
  fits: (call: Extract<RoundCall, { name: N }>) => boolean,
): Extract<RoundCall, { name: N }> | undefined {
  const index = calls.findIndex(
    (call) => call.name === name && fits(call as Extract<RoundCall, { name: N }>),
  );
  if (index === -1) return undefined;
  const [call] = calls.splice(index, 1);
  return call as Extract<RoundCall, { name: N }>;
}
