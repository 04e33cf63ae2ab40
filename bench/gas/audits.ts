import { parseEther } from "viem";
import { MAX_STEPS } from "../../src/protocol/hashChain.ts";
import { numbers } from "../../src/chain/views/contracts.ts";
import { RING } from "../../src/protocol/epoch.ts";
import { BenchChain, type Mined } from "../chain.ts";
import { Fleet, type BenchAuditor, type BenchRound, type RoundKind } from "../fleet.ts";
import { patterns, Season, type Charge, type Part, type Pattern, type Played } from "./season.ts";
import { churn, Dust } from "./history.ts";
import { storageWritten, type StorageWritten } from "./storage.ts";

/** Auditor i of 20 stakes 100,000 / i BLOC: the last has the minimum, the first is drawn in each shard. */
const STAKES: readonly bigint[] = Array.from(
  { length: 20 },
  (_, index) => parseEther("100000") / BigInt(index + 1),
);

/**
 * The rounds of the epochs of a lap. Epochs from the third on are measured: a round is revealed in the next epoch and
 * claimed in the one after, in batches with neighbouring rounds. The first reveal includes the walk along the hash
 * chain.
 */
const MEASURED = 2;
/** Number of measured epochs, because draws differ: by 4% of the votes with 1,000 services, by 1% with 10,000. */
const EPOCHS_MEASURED = { few: 6, many: 1 };
const MANY = 5_000;

function firstLap(epochs: number): readonly RoundKind[] {
  // Reports in each epoch use all entries of the ring; FAILED votes need no receipts.
  const failed = Array.from({ length: epochs }, (): RoundKind => "failed");
  return ["failed", "failed", "votes", ...failed, "empty"];
}

function laterLap(epochs: number): readonly RoundKind[] {
  const votes = Array.from({ length: epochs }, (): RoundKind => "votes");
  return ["empty", "empty", ...votes, "failed", "empty"];
}

/** Gas by phase. */
export type ByPhase = Record<"tick" | Part["kind"] | "total", number>;

/** The gas of a phase as a straight line over the auditors. */
export interface Line {
  /** Gas of an auditor without votes. */
  perAuditor: number;
  /** Additional gas per vote. */
  perVote: number;
  /** Additional gas per report word: the same slope in another unit. */
  perWord: number;
}

/** All transactions of an audited epoch, mean of the measured epochs. */
export interface AuditedEpoch {
  transactions: number;
  gas: ByPhase;
  gasPerAudit: ByPhase;
  lines: Record<Part["kind"], Line>;
}

/**
 * The history. `dense`: none. `churned`: other services were registered in between and never became active, half of
 * the services left, and later others took their slots. `dust`: in each epoch of a year, and during the measurement, a
 * service's stake and an auditor's stake change by one wei.
 */
export type History = "dense" | "churned" | "dust";

export interface Audits {
  services: number;
  history: History;
  shards: number;
  auditors: number;
  /** Mean of the measured epochs. */
  votes: number;
  words: number;
  patterns: Record<Pattern, AuditedEpoch>;
  /** The first reveal on the chain: the first chunk of the auditor with the largest stake. */
  coldReveal: { words: number; chainSteps: number; gas: number };
  /** Storage written by an epoch's transactions, including settlements, by the epochs since the ring's first use. */
  storage: Record<string, StorageWritten>;
}

/**
 * Measures an audited epoch on a used ring.
 *
 * @param options.storage Whether to measure storage, for one more lap of the ring.
 * @param options.auditors Number of auditors: those with the largest stakes of twenty. Default: all.
 * @param options.epochs Number of measured epochs. Default: enough to average the draws' differences.
 */
export async function measureAudits(
  options: {
    services: number;
    storage?: boolean;
    history?: History;
    auditors?: number;
    epochs?: number;
  },
  say: (message: string) => void,
): Promise<Audits> {
  const { services, history = "dense" } = options;
  const progress = (message: string) => {
    say(`${services.toLocaleString("en-US")} services, ${history}: ${message}`);
  };
  const chain = await BenchChain.start();
  try {
    const fleet = new Fleet(chain, { services, stakes: STAKES.slice(0, options.auditors) });
    progress("registering");
    if (history === "churned") await churn(chain, fleet);
    else await fleet.register(progress);
    const dust = history === "dust" ? await Dust.begin(chain, fleet) : undefined;
    if (dust !== undefined) {
      progress("a year of dust");
      await dust.year();
    }
    const since = await fleet.enrol();
    const season = new Season(chain, fleet, () => dust?.add());

    const usual = services < MANY ? EPOCHS_MEASURED.few : EPOCHS_MEASURED.many;
    const measured = options.epochs ?? usual;
    // As late as the hash chain allows, so that the first reveal takes the longest walk.
    const first = since - 1 + MAX_STEPS;
    progress("first time around the ring");
    const cold = await playLap(season, first, firstLap(measured), false);
    const [biggest] = fleet.auditors;
    const [chunk] = biggest ? (cold.rounds.get(first)?.get(biggest)?.opened.chunks ?? []) : [];
    const coldReveal = {
      words: chunk?.words.length ?? 0,
      chainSteps: MAX_STEPS,
      gas: cold.played[1]?.transactions[1]?.gas ?? NaN,
    };
    if (options.storage === true) await settleAll(chain, fleet, first + MEASURED);

    progress(`${RING} epochs later`);
    const later = laterLap(measured);
    const warm = await playLap(season, first + RING, later, true);
    const storage: Audits["storage"] = {};
    if (options.storage === true) {
      storage[`E+${RING}`] = await storageOf(chain, fleet, warm, first + RING);
      progress(`${2 * RING} epochs later`);
      const again = await playLap(season, first + 2 * RING, later, false);
      storage[`E+${2 * RING}`] = await storageOf(chain, fleet, again, first + 2 * RING);
    }

    const audited = numbers(first + RING + MEASURED, first + RING + MEASURED + measured - 1);
    const rounds = audited.flatMap((epoch) => [...(warm.rounds.get(epoch) ?? [])]);
    const mean = (count: (round: BenchRound) => number) =>
      Math.round(rounds.reduce((total, [, round]) => total + count(round), 0) / measured);
    return {
      services,
      history,
      shards: fleet.shards,
      auditors: fleet.auditors.length,
      votes: mean(({ votes }) => votes),
      words: mean(({ words }) => words),
      patterns: mapPatterns((pattern) => summary(warm, audited, pattern)),
      coldReveal,
      storage,
    };
  } finally {
    await chain.stop();
  }
}

/** Simulated epochs with their rounds. */
interface Lap {
  played: Played[];
  rounds: Map<number, ReadonlyMap<BenchAuditor, BenchRound>>;
}

async function playLap(
  season: Season,
  first: number,
  kinds: readonly RoundKind[],
  measured: boolean,
): Promise<Lap> {
  const lap: Lap = { played: [], rounds: new Map() };
  for (const [index, kind] of kinds.entries()) {
    lap.played.push(await season.play(first + index, kind, measured));
    lap.rounds.set(first + index, season.rounds(first + index));
  }
  return lap;
}

/** All storage that the last epoch of a lap wrote. */
async function storageOf(
  chain: BenchChain,
  fleet: Fleet,
  lap: Lap,
  first: number,
): Promise<StorageWritten> {
  const settled = await settleAll(chain, fleet, first + MEASURED);
  return storageWritten(chain, [...(lap.played.at(-1)?.transactions ?? []), ...settled]);
}

async function settleAll(chain: BenchChain, fleet: Fleet, upTo: number): Promise<Mined[]> {
  const mined: Mined[] = [];
  for (let number = 1; number <= fleet.services; number++) {
    const args = [BigInt(number), upTo];
    const call = { contract: "settlement", functionName: "settle", args } as const;
    mined.push(await chain.send({ from: fleet.keeper, ...call }));
  }
  return mined;
}

function mapPatterns<T>(value: (pattern: Pattern) => T): Record<Pattern, T> {
  return Object.fromEntries(patterns.map((pattern) => [pattern, value(pattern)])) as never;
}

function summary(lap: Lap, audited: readonly number[], pattern: Pattern): AuditedEpoch {
  const rounds = audited.flatMap((epoch) =>
    [...(lap.rounds.get(epoch) ?? [])].map(([auditor, round]) => ({ epoch, auditor, round })),
  );
  const votes = rounds.reduce((sum, { round }) => sum + round.votes, 0);
  const words = rounds.reduce((sum, { round }) => sum + round.words, 0);
  const charges = lap.played
    .flatMap((played) => played.charges[pattern])
    .filter(({ epoch }) => audited.includes(epoch));
  const of = (kind: Part["kind"]) => charges.filter((charge) => charge.kind === kind);
  const total = (some: readonly Charge[]) => some.reduce((sum, { gas }) => sum + gas, 0);

  const tick = lap.played
    .slice(MEASURED, MEASURED + audited.length)
    .reduce((sum, played) => sum + played.tick.gas, 0);
  const gas: ByPhase = {
    tick,
    commit: total(of("commit")),
    reveal: total(of("reveal")),
    claim: total(of("claim")),
    total: tick + total(charges),
  };
  const line = (kind: Part["kind"]): Line => {
    const voted = rounds.filter(({ round }) => round.votes > 0);
    const points = voted.map(({ epoch, auditor, round }) => ({
      x: round.votes,
      y: total(of(kind).filter((charge) => charge.auditor === auditor && charge.epoch === epoch)),
    }));
    const { at0, slope } = fit(points);
    return {
      perAuditor: whole(at0),
      perVote: whole(slope),
      perWord: whole((slope * votes) / words),
    };
  };
  const rounded = (by: number) =>
    Object.fromEntries(
      Object.entries(gas).map(([phase, value]) => [phase, Math.round(value / by)]),
    ) as ByPhase;
  return {
    transactions: 1 + charges.reduce((sum, { share }) => sum + share, 0) / audited.length,
    gas: rounded(audited.length),
    gasPerAudit: rounded(votes),
    lines: { commit: line("commit"), reveal: line("reveal"), claim: line("claim") },
  };
}

/**
 * The line through points by the medians of slopes and offsets (Theil and Sen), which is robust against the largest
 * auditor, because it sends its chunks in several transactions.
 */
function fit(points: readonly { x: number; y: number }[]): { at0: number; slope: number } {
  const slopes = points.flatMap((one, index) =>
    points
      .slice(index + 1)
      .filter((other) => other.x !== one.x)
      .map((other) => (other.y - one.y) / (other.x - one.x)),
  );
  const slope = median(slopes);
  return { at0: median(points.map(({ x, y }) => y - slope * x)), slope };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Rounded, without the sign of a zero. */
function whole(value: number): number {
  return Math.round(value) + 0;
}
