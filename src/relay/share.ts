import type { Scheduler } from "../node/scheduler.ts";
import { ByteRate } from "./byteRate.ts";

/** How much more than the rate may have been carried before new visitors are refused, milliseconds. */
const MOST_DEBT_MS = 250;

/** What may be taken together: by the providers of one address, or by all pairs of a relay. 0: no limit. */
export interface ShareLimits {
  bytesPerSecond: number;
  /** Bytes that wait for the slower sides of pairs. */
  queuedBytes: number;
}

/** The parts of a relay's limits that its peers use now. */
export class Share {
  readonly rate: ByteRate;
  readonly #mostQueued: number;
  #queued = 0;

  constructor(limits: ShareLimits, clock: Pick<Scheduler, "monotonic">) {
    this.rate = new ByteRate(limits.bytesPerSecond, clock);
    this.#mostQueued = limits.queuedBytes;
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.#queued;
  }

  /** Bytes wait from now on; give them back by {@link left}. */
  queue(bytes: number): void {
    this.#queued += bytes;
  }

  /** They wait no longer. */
  left(bytes: number): void {
    this.#queued -= bytes;
  }

  /** Whether so much waits that a pair should read only when nothing of its own waits. */
  get isFull(): boolean {
    return this.#mostQueued > 0 && this.#queued >= this.#mostQueued;
  }

  /** Whether new visitors are refused. Those that are here slow down instead. */
  get isTaken(): boolean {
    return this.isFull || this.rate.debtMs > MOST_DEBT_MS;
  }
}
