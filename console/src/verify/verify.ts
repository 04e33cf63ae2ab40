/**
 * Recounts an epoch from raw blocks, calldata and events by the protocol's own formulas, and compares each figure
 * with what the contracts say.
 */
import type { Address, Hex } from "viem";
import { RING } from "../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { CLAIM_EPOCHS } from "../../../src/protocol/round.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { compareBalances, compareEarnings } from "./balances.ts";
import { Book } from "./book.ts";
import { Claims } from "./claims.ts";
import { contractsOf } from "../chain/contracts.ts";
import type { VerifiedDeployment } from "./deployment.ts";
import { Figures, whileKnown, type Difference, type Skipped } from "./figures.ts";
import { locate } from "./locate.ts";
import { openingOf } from "./opening.ts";
import { PoolBooks } from "./pool.ts";
import type { Progress, Stage } from "./progress.ts";
import type { RawBlock } from "./raw.ts";
import { followRounds } from "./replay.ts";
import { Rounds } from "./rounds.ts";
import type { Rpc } from "./rpc.ts";
import { readTicks, recountSeed, type Tick } from "./seeds.ts";
import { recountSettlement, type ServicePay } from "./settlement.ts";
import { Source } from "./source.ts";
import { compareEpochViews } from "./views.ts";

export interface VerifyRequest {
  deployment: VerifiedDeployment;
  epoch: number;
}

/** An auditor's round by the recount; BLOC in wei. */
export interface AuditorResult {
  auditor: Address;
  /** Weights by shard with active services, as drawn; empty if it did not reveal. */
  drawn: readonly { shard: number; weight: number }[];
  revealed: boolean;
  votes: number;
  paidVotes: number;
  reward: bigint;
}

export interface VerifyResult {
  epoch: number;
  /** The block up to which the chain was read. */
  head: { number: bigint; hash: Hex };
  seed: Hex;
  /** By the recount, BLOC in wei. */
  budget: { providers: bigint; auditors: bigint };
  services: readonly ServicePay[];
  auditors: readonly AuditorResult[];
  compared: number;
  /** How many figures of each kind were compared. */
  kinds: Readonly<Record<string, number>>;
  /** The first ones; `differing` counts all. */
  differences: readonly Difference[];
  differing: number;
  /** Figures that could not be compared; `omitted` counts all. */
  skipped: readonly Skipped[];
  omitted: number;
}

/**
 * Recounts one epoch.
 *
 * @throws BlockcloudError `EPOCH_NOT_FINAL`, `EPOCH_WITHOUT_SEED`, `CHAIN_MISMATCH`, `VERIFY_REORGANISED`, and the
 *   errors of `httpRpc`.
 */
export async function verifyEpoch(
  { deployment, epoch }: VerifyRequest,
  rpc: Rpc,
  { signal, progress }: { signal: AbortSignal; progress(state: Progress): void },
): Promise<VerifyResult> {
  const source = new Source(rpc, signal);
  const contracts = contractsOf(deployment);
  const figures = new Figures();
  const at = (stage: Stage, share = 0) => {
    progress({ stage, share });
  };
  at("blocks");
  const { newest, blocks } = await locate(source, deployment, epoch);
  const first = BigInt(deployment.block);
  const head = newest.number;
  const within = (stage: Stage, from: bigint, to: bigint) => (block: bigint) => {
    at(stage, to <= from ? 1 : Number(block - from) / Number(to - from));
  };

  at("stakes");
  const before = { from: first, to: blocks.beforeLast, head };
  const book = await Book.read(
    source,
    contracts,
    epoch,
    before,
    within("stakes", first, before.to),
  );
  const active = [...book.activeIn(epoch).values()];
  const activeStake = active.reduce((sum, { counted }) => sum + counted, 0n);
  const enrolled = book.enrolledIn(epoch);
  const enrolledStake = [...enrolled.values()].reduce((sum, stake) => sum + stake, 0n);

  at("seed");
  const ticks = await readTicks(source, contracts, { from: blocks.carried, to: head }, epoch);
  const tick = ticks.get(epoch);
  if (tick === undefined) throw withoutSeed(epoch);
  const seed = await recountSeed(source, deployment, epoch, blocks.first);
  const about = (what: string) => ({ what, epoch });
  figures.check(about("seed"), seed, tick.seed);
  figures.check(about("stake of active services"), activeStake, tick.activeStake);
  figures.check(about("stake of enrolled auditors"), enrolledStake, tick.enrolledStake);
  figures.check(about("active services"), active.length, tick.activeServices);

  at("rounds");
  const counted = new Map<number, Promise<Rounds | undefined>>();
  const roundsOf = (each: number): Promise<Rounds | undefined> => {
    const known = counted.get(each) ?? countRounds(each, ticks.get(each));
    counted.set(each, known);
    return known;
  };
  const countRounds = async (each: number, recorded: Tick | undefined) => {
    if (recorded === undefined) return undefined;
    const rounds = new Rounds({
      epoch: each,
      seed: each === epoch ? seed : recorded.seed,
      book,
      figures,
    });
    const range = await blocks.rangeOf(each, each + 1);
    const terms = { epoch: each, rounds, figures };
    await followRounds(source, contracts, terms, range, ["Committed", "Revealed"]);
    return rounds;
  };
  const rounds = await roundsOf(epoch);
  if (rounds === undefined) throw withoutSeed(epoch);

  at("pool");
  const poolTerms = { epoch, activeStake, enrolledStake, epochSeconds: deployment.epochSeconds };
  const all = { from: first, to: head };
  const opening = await openingOf(source, contracts, first);
  const pool =
    opening &&
    (await PoolBooks.read(
      source,
      contracts,
      poolTerms,
      { ...all, opening },
      within("pool", first, head),
    ));
  const budgets = comparedBudget(figures, tick, pool?.budget);

  at("claims");
  const sampled = [...ticks.values()].find((each) => each.epoch >= epoch + 2);
  const claims = new Claims(
    {
      epoch,
      timing: deployment,
      book,
      figures,
      receipts: new ReceiptSigner(
        blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
      ),
      budget: budgets.auditors,
      activeServices: BigInt(active.length),
      sampled,
    },
    rounds,
  );
  const claimable = await blocks.rangeOf(epoch + 2, epoch + 1 + CLAIM_EPOCHS);
  const terms = { epoch, rounds, figures, claims };
  await followRounds(source, contracts, terms, claimable, ["Claimed", "Reported"]);

  at("settlements");
  const payable = await blocks.rangeOf(epoch + 2, epoch + 2 * RING);
  const viewAt = await blocks.viewAt();
  const { pays, left } = await recountSettlement(
    source,
    contracts,
    { epoch, timing: deployment, book, figures, budget: budgets.providers, activeStake, roundsOf },
    payable,
    viewAt,
  );
  const rest = viewAt === head ? { providers: left, auditors: claims.left } : undefined;
  const views = { epoch, seed, rounds, pays, book, figures, left: rest };
  await whileKnown(figures, about("views of the epoch"), () =>
    compareEpochViews(source, contracts, views, viewAt),
  );

  at("balances");
  const auditors = [...rounds.rounds.keys()];
  const { rewardPool, staking, proofOfService } = contracts;
  await whileKnown(figures, { what: "balances" }, async () => {
    await compareEarnings(source, contracts, auditors, figures, all);
    if (pool === undefined || opening === undefined) {
      figures.skip({ what: "balances" }, NO_OPENING);
      return;
    }
    await pool.compare(source, figures, head);
    const holders = [rewardPool.address, staking.address, proofOfService.address, ...auditors];
    await compareBalances(source, contracts, holders, figures, { opening, to: head });
  });

  await unchanged(source, newest, blocks.first);
  at("balances", 1);
  const { compared, kinds, differences, differing, skipped, omitted } = figures;
  return {
    epoch,
    head: { number: head, hash: newest.hash },
    seed,
    budget: budgets,
    services: pays,
    auditors: auditors.map((auditor) => auditorResult(rounds, auditor)),
    compared,
    kinds: Object.fromEntries(kinds),
    differences,
    differing,
    skipped,
    omitted,
  };
}

const NO_OPENING =
  "the node has neither the token's deployment nor the state before the registry's";

/** The budget of the epoch by the recount; without the pool's books, what the contract recorded. */
function comparedBudget(figures: Figures, tick: Tick, budget: PoolBooks["budget"] | undefined) {
  const about = (what: string) => ({ what, epoch: tick.epoch });
  const { providersBudget, auditorsBudget } = tick;
  if (budget === undefined) {
    figures.skip(about("budget"), NO_OPENING);
    return { providers: providersBudget, auditors: auditorsBudget };
  }
  for (const name of ["providers", "auditors", "contributed", "bounty"] as const) {
    figures.check(about(`budget: ${name}`), budget[name], budget.said[name]);
  }
  figures.check(about("budget of services"), budget.providers, providersBudget);
  figures.check(about("budget of auditors"), budget.auditors, auditorsBudget);
  return { providers: budget.providers, auditors: budget.auditors };
}

function auditorResult(rounds: Rounds, auditor: Address): AuditorResult {
  const round = rounds.round(auditor);
  const { votes, paidVotes, reward } = round;
  const revealed = round.count > 0 && round.chunks.length === round.count;
  return { auditor, drawn: rounds.drawOf(round), revealed, votes, paidVotes, reward };
}

async function unchanged(source: Source, newest: RawBlock, first: bigint): Promise<void> {
  const again = await source.newest();
  const now =
    again.number === newest.number ? again : await source.block(newest.number, { fresh: true });
  if (now.hash === newest.hash) return;
  throw new BlockcloudError(
    "VERIFY_REORGANISED",
    `Block ${newest.number} was replaced while the epoch from block ${first} on was recounted.`,
    { retryable: true, remedy: "Run again." },
  );
}

function withoutSeed(epoch: number): BlockcloudError {
  return new BlockcloudError(
    "EPOCH_WITHOUT_SEED",
    `No seed was recorded for epoch ${epoch}: it has no audits and no pay.`,
    { remedy: "Choose another epoch." },
  );
}
