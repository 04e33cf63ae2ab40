import type { Timers } from "../../node/timers.ts";
import { rcodes } from "./codes.ts";

/** Events of the DNS front, for metrics. */
export interface DnsObserver {
  /** The number of responses with a code since the last call. */
  answered(transport: Transport, rcode: string, count: number): void;
  /** The time of a response, seconds; `sent` for cached answers, `found` for those that needed a lookup. */
  took(way: "sent" | "found", seconds: number): void;
  /** The number of responses that were truncated or dropped by a network's rate since the last call. */
  limited(outcome: "truncated" | "dropped", count: number): void;
  /** The number of open TCP connections. */
  connections(open: number): void;
}

export type Transport = "udp" | "tcp";
export const transports: readonly Transport[] = ["udp", "tcp"];

/** Names of the codes by number. */
const names = new Map<number, string>(Object.entries(rcodes).map(([name, code]) => [code, name]));
/** Interval between reports of the sums, milliseconds. */
const EVERY_MS = 1_000;
/** One of this many cached answers is timed. */
const SAMPLE = 64;

/**
 * Counts responses in plain numbers, and reports the sums: updating a metric for each packet would cost more
 * than the response.
 */
export class Tally {
  readonly #observer: DnsObserver;
  readonly #timers: Timers;
  readonly #answers = { udp: new Float64Array(32), tcp: new Float64Array(32) };
  #truncated = 0;
  #dropped = 0;
  #sample = 0;
  #ending: AbortController | undefined;

  constructor(observer: DnsObserver, timers: Timers) {
    this.#observer = observer;
    this.#timers = timers;
  }

  answered(transport: Transport, rcode: number): void {
    const counts = this.#answers[transport];
    counts[rcode] = (counts[rcode] ?? 0) + 1;
  }

  /** A cached answer was sent. */
  sent(transport: Transport, rcode: number, since: number): void {
    this.answered(transport, rcode);
    this.#sample = (this.#sample + 1) % SAMPLE;
    if (this.#sample === 0) this.#observer.took("sent", this.#since(since));
  }

  /** An answer that needed a lookup was sent. */
  found(transport: Transport, rcode: number, since: number): void {
    this.answered(transport, rcode);
    this.#observer.took("found", this.#since(since));
  }

  limited(outcome: "truncated" | "dropped"): void {
    if (outcome === "truncated") this.#truncated += 1;
    else this.#dropped += 1;
  }

  connections(open: number): void {
    this.#observer.connections(open);
  }

  start(): void {
    const ending = new AbortController();
    this.#ending = ending;
    void this.#run(ending.signal);
  }

  stop(): void {
    this.#ending?.abort();
    this.#handOn();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The sleep rejects only on an abort, which ends the loop.
      await this.#timers.sleep(EVERY_MS, signal).catch(() => undefined);
      this.#handOn();
    }
  }

  #handOn(): void {
    for (const transport of transports) {
      this.#answers[transport].forEach((count, rcode) => {
        if (count > 0) this.#observer.answered(transport, names.get(rcode) ?? "other", count);
      });
      this.#answers[transport].fill(0);
    }
    if (this.#truncated > 0) this.#observer.limited("truncated", this.#truncated);
    if (this.#dropped > 0) this.#observer.limited("dropped", this.#dropped);
    this.#truncated = 0;
    this.#dropped = 0;
  }

  #since(start: number): number {
    return (this.#timers.monotonic() - start) / 1000;
  }
}
