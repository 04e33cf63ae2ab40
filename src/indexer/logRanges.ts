import type { Address } from "viem";
import * as z from "zod";
import { EndpointFault } from "../chain/rpc/faults.ts";
import type { Timers } from "../node/timers.ts";

/**
 * Size of the logs that are kept, characters of JSON and a part for each log. Above it, further ranges are asked for
 * event by event: an endpoint decides how many and how long its logs are, and Ponder may never take them.
 */
const MOST_KEPT = 25_000_000;
const EACH_LOG = 400;
/** How long the logs of a range are kept, milliseconds: Ponder is busy with other work in between. */
const KEPT_MS = 60_000;
/** A range that an endpoint does not answer in time is asked for in parts if it has more blocks. */
const LEAST_BLOCKS = 16;

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/);
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,12}$/);

/** One event of one contract: Ponder asks for each by itself. */
const filterSchema = z.strictObject({
  ...{ address, topics: z.tuple([hash]), fromBlock: quantity, toBlock: quantity },
});
const logSchema = z.object({ address, topics: z.array(hash).max(4), blockNumber: quantity });

/** Logs by contract and event, as the node gave them; undefined once Ponder has taken them. */
type Events = Map<string, { logs: readonly unknown[]; size: number } | undefined>;

interface Range {
  /** Undefined if they are too many to be kept: only those who waited for them have got them. */
  events: Promise<Events | undefined>;
  /** Size of the logs that are there and were not taken yet. */
  left: number;
}

/** A range of blocks has too many logs, or needs too much time: it must be asked for in parts. */
export class LongRangeError extends Error {
  constructor(options?: ErrorOptions) {
    super("The range of blocks is too long.", options);
    this.name = "LongRangeError";
  }
}

export interface LogRangesDependencies {
  /** Asks the chain's endpoints. */
  request: (method: string, params: unknown) => Promise<unknown>;
  timers: Pick<Timers, "sleep">;
}

/**
 * Logs by ranges of blocks. Ponder asks for each event by itself: some fifty requests for one range. Here the first of
 * them asks the node for all events of all contracts, and the others are answered from that.
 */
export class LogRanges {
  readonly #contracts: ReadonlySet<string>;
  readonly #addresses: readonly Address[];
  readonly #dependencies: LogRangesDependencies;
  readonly #stopping = new AbortController();
  readonly #ranges = new Map<string, Range>();
  /** Ranges that were not answered in time. Ponder waits no longer than the endpoint may, and asks for them again. */
  readonly #slow = new Set<string>();

  /** @param contracts All whose logs are read. */
  constructor(contracts: readonly Address[], dependencies: LogRangesDependencies) {
    this.#addresses = contracts;
    this.#contracts = new Set(contracts.map((each) => each.toLowerCase()));
    this.#dependencies = dependencies;
  }

  /** Begins anew, for a reader that has taken nothing yet. */
  forget(): void {
    this.#ranges.clear();
    this.#slow.clear();
  }

  /** Ends the timers. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * The logs of a filter, from those of its range.
   *
   * @throws EndpointFault or AnswerError of the endpoint, LongRangeError.
   */
  async read(filter: unknown): Promise<unknown> {
    const { data: one } = filterSchema.safeParse(filter);
    if (one === undefined) return await this.#alone(filter);
    const blocks = `${one.fromBlock}-${one.toBlock}`;
    if (this.#slow.has(blocks)) throw new LongRangeError();
    try {
      return await this.#within(blocks, one);
    } catch (error) {
      const isSlow = error instanceof EndpointFault && error.kind === "timeout";
      if (!isSlow || Number(one.toBlock) - Number(one.fromBlock) < LEAST_BLOCKS) throw error;
      if (!this.#slow.has(blocks)) this.#after(KEPT_MS, () => this.#slow.delete(blocks));
      this.#slow.add(blocks);
      throw new LongRangeError({ cause: error });
    }
  }

  async #within(blocks: string, one: z.infer<typeof filterSchema>): Promise<unknown> {
    if (!this.#contracts.has(one.address.toLowerCase())) return await this.#alone(one);
    const known = this.#ranges.get(blocks);
    if (known === undefined && this.#kept() >= MOST_KEPT) return await this.#alone(one);
    const range = known ?? this.#ask(blocks, one);
    const events = await range.events;
    const key = keyOf(one.address, one.topics[0]);
    const found = events?.get(key);
    // Ponder asks again when something was wrong with them, or with their absence.
    if (events === undefined || (found === undefined && events.has(key))) {
      return await this.#alone(one);
    }
    events.set(key, undefined);
    if (found === undefined) return [];
    range.left -= found.size;
    return found.logs;
  }

  #alone(filter: unknown): Promise<unknown> {
    return this.#dependencies.request("eth_getLogs", [filter]);
  }

  #kept(): number {
    let kept = 0;
    for (const { left } of this.#ranges.values()) kept += left;
    return kept;
  }

  #ask(blocks: string, within: { fromBlock: string; toBlock: string }): Range {
    const fetched = this.#fetch(within);
    const range: Range = { events: fetched, left: 0 };
    const drop = () => {
      if (this.#ranges.get(blocks) === range) this.#ranges.delete(blocks);
    };
    this.#ranges.set(blocks, range);
    void fetched.then((events) => {
      // Others that came meanwhile leave no room for it.
      if (this.#kept() >= MOST_KEPT) range.events = Promise.resolve(undefined);
      else for (const found of events.values()) range.left += found?.size ?? 0;
      this.#after(KEPT_MS, drop);
    }, drop); // After a failure the next request asks again.
    return range;
  }

  #after(ms: number, run: () => unknown): void {
    // Stopped: nothing is read any more.
    void this.#dependencies.timers.sleep(ms, this.#stopping.signal).then(run, run);
  }

  async #fetch({ fromBlock, toBlock }: { fromBlock: string; toBlock: string }): Promise<Events> {
    const filter = { address: this.#addresses, fromBlock, toBlock };
    const answer = await this.#dependencies.request("eth_getLogs", [filter]);
    if (!Array.isArray(answer)) throw new EndpointFault("malformed", "Its logs are no list.");
    const events = new Map<string, unknown[]>();
    for (const log of answer as unknown[]) {
      const { data: parsed } = logSchema.safeParse(log);
      const block = Number(parsed?.blockNumber);
      const isAsked =
        this.#contracts.has(parsed?.address.toLowerCase() ?? "") &&
        Number(fromBlock) <= block &&
        block <= Number(toBlock);
      // One that was not asked for must not vanish in silence.
      if (parsed === undefined || !isAsked)
        throw new EndpointFault("malformed", "It gave a log that was not asked for.");
      const key = keyOf(parsed.address, parsed.topics[0] ?? "");
      const same = events.get(key);
      if (same === undefined) events.set(key, [log]);
      else same.push(log);
    }
    return new Map([...events].map(([key, logs]) => [key, { logs, size: sizeOf(logs) }]));
  }
}

function sizeOf(logs: readonly unknown[]): number {
  return JSON.stringify(logs).length + logs.length * EACH_LOG;
}

function keyOf(contract: string, topic: string): string {
  return `${contract}/${topic}`.toLowerCase();
}
