/** The reward pool's books, counted from its events and from the transfers to and from it (docs/protocol.md, 3.8). */
import { epochBudget, type EpochBudget } from "../../../src/protocol/emission.ts";
import type { Contracts } from "../chain/contracts.ts";
import { addressTopic, argsOf, isEvent, topicOf } from "./events.ts";
import type { Figures } from "./figures.ts";
import type { Opening } from "./opening.ts";
import type { RawLog } from "./raw.ts";
import type { Source } from "./source.ts";

/** What an epoch's budget depends on besides the pool. */
export interface PoolTerms {
  epoch: number;
  activeStake: bigint;
  enrolledStake: bigint;
  epochSeconds: number;
}

export class PoolBooks {
  /** BLOC in wei. */
  balance = 0n;
  reserved = 0n;
  contributions = 0n;
  /** The recounted budget of the epoch; undefined before the epoch's tick. */
  budget: (EpochBudget & { said: EpochBudget }) | undefined;
  readonly #contracts: Contracts;
  readonly #terms: PoolTerms;
  readonly #yieldPercent: bigint;

  private constructor(contracts: Contracts, terms: PoolTerms, yieldPercent: bigint) {
    this.#contracts = contracts;
    this.#terms = terms;
    this.#yieldPercent = yieldPercent;
  }

  /** Counts from the deployment up to a block, and on the way the budget of the epoch. */
  static async read(
    source: Source,
    contracts: Contracts,
    terms: PoolTerms,
    range: { from: bigint; to: bigint; opening: Opening },
    seen: (block: bigint) => void,
  ): Promise<PoolBooks> {
    const { rewardPool, token } = contracts;
    const yieldPercent = await source.read(rewardPool, "yieldPercent", [], range.to);
    const books = new PoolBooks(contracts, terms, BigInt(yieldPercent));
    books.balance = await range.opening.balanceOf(rewardPool.address);
    const { from } = range.opening;
    const transfer = topicOf(token.abi, "Transfer");
    const pool = addressTopic(rewardPool.address);
    const own = (["Reserved", "Released", "Paid", "Contributed"] as const).map((name) =>
      topicOf(rewardPool.abi, name),
    );
    const streams = [
      source.logs({ address: [rewardPool.address], topics: [own] }, range.from, range.to),
      source.logs({ address: [token.address], topics: [[transfer], [pool]] }, from, range.to),
      source.logs({ address: [token.address], topics: [[transfer], null, [pool]] }, from, range.to),
    ];
    for await (const log of merged(streams)) {
      books.#note(log);
      seen(log.blockNumber);
    }
    return books;
  }

  /** Compares the books with the pool's views at their last block. */
  async compare(source: Source, figures: Figures, block: bigint): Promise<void> {
    const { rewardPool } = this.#contracts;
    const forAuditors = await source.read(rewardPool, "reservedForAuditors", [], block);
    const forProviders = await source.read(rewardPool, "reservedForProviders", [], block);
    const contributions = await source.read(rewardPool, "contributions", [], block);
    figures.check({ what: "reserves of the pool" }, this.reserved, forAuditors + forProviders);
    figures.check({ what: "contributions" }, this.contributions, contributions);
  }

  #note(log: RawLog): void {
    const { rewardPool, token } = this.#contracts;
    if (isEvent(log, token, "Transfer")) {
      const { from, to, value } = argsOf(log, token, "Transfer");
      if (from.toLowerCase() === rewardPool.address.toLowerCase()) this.balance -= value;
      if (to.toLowerCase() === rewardPool.address.toLowerCase()) this.balance += value;
    } else if (isEvent(log, rewardPool, "Reserved")) {
      const said = argsOf(log, rewardPool, "Reserved");
      const { epoch, providers, auditors, contributed, bounty } = said;
      if (epoch === this.#terms.epoch) this.budget = { ...this.#recount(), said };
      this.reserved += providers + auditors + bounty;
      this.contributions -= contributed;
    } else if (isEvent(log, rewardPool, "Released")) {
      const { amount, contributed } = argsOf(log, rewardPool, "Released");
      this.reserved -= amount;
      this.contributions += contributed;
    } else if (isEvent(log, rewardPool, "Paid")) {
      this.reserved -= argsOf(log, rewardPool, "Paid").amount;
    } else if (isEvent(log, rewardPool, "Contributed")) {
      this.contributions += argsOf(log, rewardPool, "Contributed").amount;
    }
  }

  #recount(): EpochBudget {
    const { activeStake, enrolledStake, epochSeconds } = this.#terms;
    const available = this.balance - this.reserved - this.contributions;
    const input = { available, contributed: this.contributions, activeStake, enrolledStake };
    return epochBudget(input, this.#yieldPercent, BigInt(epochSeconds));
  }
}

/** Several streams of logs as one, in the chain's order; a log of two streams comes once. */
export async function* merged(streams: readonly AsyncGenerator<RawLog>[]): AsyncGenerator<RawLog> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  let last: RawLog | undefined;
  for (;;) {
    let first: number | undefined;
    for (const [index, head] of heads.entries()) {
      if (head.done === true) continue;
      const best = first === undefined ? undefined : heads[first];
      if (best === undefined || best.done === true || isBefore(head.value, best.value))
        first = index;
    }
    const head = first === undefined ? undefined : heads[first];
    if (first === undefined || head === undefined || head.done === true) return;
    const log = head.value;
    const isSame = last?.blockNumber === log.blockNumber && last.logIndex === log.logIndex;
    if (!isSame) yield log;
    last = log;
    const stream = streams[first];
    if (stream !== undefined) heads[first] = await stream.next();
  }
}

function isBefore(a: RawLog, b: RawLog): boolean {
  return a.blockNumber === b.blockNumber ? a.logIndex < b.logIndex : a.blockNumber < b.blockNumber;
}
