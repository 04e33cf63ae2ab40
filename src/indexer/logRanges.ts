import type { Address } from "viem";
import * as z from "zod";
import { EndpointFault } from "../chain/rpc/faults.ts";
import type { Timers } from "../node/timers.ts";

/** Logs that are kept in total; above it, ranges that are not known are asked for event by event. */
const MOST_KEPT = 50_000;
/** How long the logs of a range are kept, milliseconds: Ponder is busy with other work in between. */
const KEPT_MS = 60_000;

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/);
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,12}$/);

/** One event of one contract: Ponder asks for each by itself. */
const filterSchema = z.strictObject({
  ...{ address, topics: z.tuple([hash]), fromBlock: quantity, toBlock: quantity },
});
const logSchema = z.object({ address, topics: z.array(hash).max(4), blockNumber: quantity });

/** Logs by contract and event, as the node gave them; undefined once Ponder has taken them. */
type Events = Map<string, unknown[] | undefined>;

interface Range {
  events: Promise<Events>;
  /** Logs that are there and were not taken yet. */
  left: number;
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

  /** @param contracts All whose logs are read. */
  constructor(contracts: readonly Address[], dependencies: LogRangesDependencies) {
    this.#addresses = contracts;
    this.#contracts = new Set(contracts.map((each) => each.toLowerCase()));
    this.#dependencies = dependencies;
  }

  /** Begins anew, for a reader that has taken nothing yet. */
  forget(): void {
    this.#ranges.clear();
  }

  /** Ends the timers. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * The logs of a filter, from those of its range.
   *
   * @throws EndpointFault or AnswerError of the endpoint.
   */
  async read(filter: unknown): Promise<unknown> {
    const { data: one } = filterSchema.safeParse(filter);
    const alone = () => this.#dependencies.request("eth_getLogs", [filter]);
    if (one === undefined || !this.#contracts.has(one.address.toLowerCase())) return await alone();
    const blocks = `${one.fromBlock}-${one.toBlock}`;
    const known = this.#ranges.get(blocks);
    if (known === undefined && this.#kept() >= MOST_KEPT) return await alone();
    const range = known ?? this.#ask(blocks, one);
    const events = await range.events;
    const key = keyOf(one.address, one.topics[0]);
    if (!events.has(key)) return [];
    const logs = events.get(key);
    // Ponder asks again when something was wrong with them.
    if (logs === undefined) return await alone();
    events.set(key, undefined);
    range.left -= logs.length;
    return logs;
  }

  #kept(): number {
    let kept = 0;
    for (const { left } of this.#ranges.values()) kept += left;
    return kept;
  }

  #ask(blocks: string, within: { fromBlock: string; toBlock: string }): Range {
    const range: Range = { events: this.#fetch(within), left: 0 };
    const drop = () => {
      if (this.#ranges.get(blocks) === range) this.#ranges.delete(blocks);
    };
    this.#ranges.set(blocks, range);
    void range.events.then((events) => {
      for (const logs of events.values()) range.left += logs?.length ?? 0;
      const { timers } = this.#dependencies;
      // Stopped: nothing is read any more.
      void timers.sleep(KEPT_MS, this.#stopping.signal).then(drop, drop);
    }, drop); // After a failure the next request asks again.
    return range;
  }

  async #fetch({ fromBlock, toBlock }: { fromBlock: string; toBlock: string }): Promise<Events> {
    const filter = { address: this.#addresses, fromBlock, toBlock };
    const answer = await this.#dependencies.request("eth_getLogs", [filter]);
    if (!Array.isArray(answer)) throw new EndpointFault("malformed", "Its logs are no list.");
    const events: Events = new Map();
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
    return events;
  }
}

function keyOf(contract: string, topic: string): string {
  return `${contract}/${topic}`.toLowerCase();
}
