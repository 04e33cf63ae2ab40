/** What the views of the contracts must answer if the recount is right. */
import { noteCashier } from "./cashierViews.ts";
import { NOBODY } from "./figures.ts";
import { noting } from "./noting.ts";
import type { Replay } from "./replay.ts";
import { shownElement } from "./rounds.ts";
import { RING } from "./terms.ts";

/** Notes all figures that the contracts show by views at the record's last block. */
export function noteViews(replay: Replay): void {
  const { epoch: current } = lastMoment(replay);
  const first = Math.max(0, current - RING + 4);
  const epochs = Array.from({ length: current - first + 1 }, (_, index) => first + index);
  noteMoney(replay);
  noteServices(replay, epochs);
  noteAuditors(replay, epochs);
  noteEpochs(replay, epochs);
  noteCashier(replay, epochs, current);
  // Only what is final: a tally can grow to the end of the next epoch.
  noteTallies(
    replay,
    epochs.filter((epoch) => epoch + 2 <= current),
  );
}

function lastMoment(replay: Replay): { epoch: number } {
  const { books } = replay;
  return { epoch: books.epochAt(books.record.blocks.at(-1)!.timestamp) };
}

function noteMoney(replay: Replay): void {
  const note = noting(replay);
  const { books, pool } = replay;
  note({ what: "genesis" }, "registry", "genesis", [], replay.genesis);
  for (const [holder, balance] of books.ledger.balances) {
    if (holder === NOBODY) continue;
    note({ what: "balance", party: holder }, "token", "balanceOf", [holder], balance);
  }
  const supply = -books.ledger.balanceOf(NOBODY);
  note({ what: "supply" }, "token", "totalSupply", [], supply);
  note({ what: "contributions" }, "rewardPool", "contributions", [], pool.contributions);
  const { reservedForAuditors, reservedForProviders } = pool;
  note({ what: "reserve" }, "rewardPool", "reservedForAuditors", [], reservedForAuditors);
  note({ what: "reserve" }, "rewardPool", "reservedForProviders", [], reservedForProviders);
}

function noteServices(replay: Replay, epochs: readonly number[]): void {
  const note = noting(replay);
  const { registry, stakes, settlement } = replay;
  for (const { number, owner, firstEpoch, slot, active, key } of registry.services.values()) {
    const party = `service ${number}`;
    note({ what: "owner", party }, "registry", "ownerOf", [number], owner);
    note({ what: "first epoch", party }, "registry", "firstEpoch", [number], firstEpoch);
    const through = settlement.settledThrough.get(number);
    if (through !== undefined) {
      note({ what: "settled", party }, "settlement", "settledThrough", [number], through);
    }
    for (const epoch of epochs.filter((each) => each >= firstEpoch)) {
      const state = { 0: slot.at(epoch), 1: active.at(epoch), 2: key.at(epoch) };
      note({ what: "state", epoch, party }, "registry", "auditAt", [number, epoch], state);
      const counted = replay.epochs.countedStake(number, epoch);
      const stake = { 0: stakes.at(number, epoch), 1: counted };
      note({ what: "stake", epoch, party }, "staking", "serviceStakeAt", [number, epoch], stake);
      const staker = stakes.stakerAt(number, epoch);
      note({ what: "staker", epoch, party }, "staking", "stakerAt", [number, epoch], staker);
    }
  }
}

function noteAuditors(replay: Replay, epochs: readonly number[]): void {
  const note = noting(replay);
  const { auditors } = replay;
  for (const auditor of auditors.all.values()) {
    const { address, operator, earned } = auditor;
    note({ what: "earned", party: address }, "proofOfService", "earnedOf", [address], earned);
    const shown = shownElement(auditor);
    const state = {
      0: operator,
      ...(shown && { 1: shown.element, 2: shown.epoch }),
    };
    note({ what: "auditor", party: address }, "proofOfService", "auditorOf", [address], state);
    for (const epoch of epochs) {
      const about = { what: "stake", epoch, party: address };
      const stake = auditors.countedStake(address, epoch);
      note(about, "staking", "auditorStakeAt", [address, epoch], stake);
      const round = replay.rounds.rounds.get(`${address}/${epoch}`);
      if (round === undefined || round.reported) continue;
      const claimed = [...round.claimed].reduce((bits, index) => bits | (1n << BigInt(index)), 0n);
      const args = [address, epoch];
      const done = { 0: true, 1: round.revealed, 2: claimed };
      note({ ...about, what: "round" }, "proofOfService", "roundOf", args, done);
    }
  }
}

function noteEpochs(replay: Replay, epochs: readonly number[]): void {
  const note = noting(replay);
  for (const epoch of epochs) {
    const totals = replay.registry.activeIn(epoch);
    const activeStake = totals.reduce(
      (sum, { number }) => sum + replay.epochs.countedStake(number, epoch),
      0n,
    );
    const enrolledStake = replay.auditors.enrolledStake(epoch);
    const sums = { 0: activeStake, 1: totals.length, 2: enrolledStake };
    note({ what: "totals", epoch }, "staking", "totalsAt", [epoch], sums);
    const entry = replay.epochs.recorded.get(epoch);
    if (entry === undefined) continue;
    const { seed, previous, activeServices, recordedAt, budget } = entry;
    const recorded = { 0: seed, 1: previous, 2: activeServices, 3: recordedAt };
    note({ what: "seed", epoch }, "proofOfService", "seedOf", [epoch], recorded);
    const { auditors, auditorsLeft, contributed, providers, providersLeft } = budget;
    const ours = { 0: auditors, 1: auditorsLeft, 2: contributed, 3: enrolledStake };
    note({ what: "budget of auditors", epoch }, "proofOfService", "budgetOf", [epoch], ours);
    const theirs = { 0: providers, 1: providersLeft, 2: activeStake };
    note({ what: "budget of providers", epoch }, "settlement", "budgetOf", [epoch], theirs);
  }
}

function noteTallies(replay: Replay, epochs: readonly number[]): void {
  const note = noting(replay);
  for (const epoch of epochs) {
    for (const [key, tally] of replay.rounds.tallies) {
      const [shard, of] = key.split("/").map(Number) as [number, number];
      if (of !== epoch) continue;
      const word = tally.word(Math.floor(epoch / RING) % 4096);
      const about = { what: "tally", epoch, party: `shard ${shard}` };
      note(about, "proofOfService", "tallyOf", [BigInt(shard), epoch], word);
    }
    for (const service of replay.registry.services.values()) {
      if (!service.active.at(epoch) || !replay.epochs.recorded.has(epoch)) continue;
      const verdict = replay.rounds.verdict(service.number, epoch);
      const about = { what: "verdict", epoch, party: `service ${service.number}` };
      const answer = { ...(verdict !== undefined && { 0: verdict }), 1: verdict !== undefined };
      note(about, "settlement", "verdictOf", [service.number, epoch], answer);
    }
  }
}
