import type { Use } from "../../cashier/price.ts";

/** Counts requests, and the time in which a session serves flows. */
export class UseCount {
  readonly #now: () => number;
  requests = 0;
  #milliseconds = 0;
  #since: number | undefined;

  /** @param now Monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begins or ends to count time. */
  run(isRunning: boolean): void {
    if (isRunning === (this.#since !== undefined)) return;
    const now = this.#now();
    if (this.#since !== undefined) this.#milliseconds += now - this.#since;
    this.#since = isRunning ? now : undefined;
  }

  /** @param bytes As the session's meter counts them. */
  use(bytes: number): Use {
    const running = this.#since === undefined ? 0 : this.#now() - this.#since;
    const milliseconds = Math.floor(this.#milliseconds + running);
    return { bytes, requests: this.requests, milliseconds };
  }
}

export const NO_USE: Use = { bytes: 0, requests: 0, milliseconds: 0 };

/** The use between two moments of one count. */
export function useSince(now: Use, before: Use): Use {
  return {
    bytes: Math.max(0, now.bytes - before.bytes),
    requests: Math.max(0, now.requests - before.requests),
    milliseconds: Math.max(0, now.milliseconds - before.milliseconds),
  };
}

/** The smaller of two counts in each part. */
export function leastUse(a: Use, b: Use): Use {
  return {
    bytes: Math.min(a.bytes, b.bytes),
    requests: Math.min(a.requests, b.requests),
    milliseconds: Math.min(a.milliseconds, b.milliseconds),
  };
}
