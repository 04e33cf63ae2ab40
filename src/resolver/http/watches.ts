import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import type { LookUps } from "./lookUps.ts";
import type { HttpObserver } from "./observer.ts";
import { HttpProblem } from "./problem.ts";
import { Watch } from "./watch.ts";

export interface WatchLimits {
  /** Clients in all. */
  maxWatches: number;
  /** Clients of one address (/64 of IPv6). */
  maxPerPeer: number;
  /** Between two signs of life; names are looked at again each time. Milliseconds. */
  heartbeatMs: number;
  /** What may wait for one client, bytes. */
  maxWaitingBytes: number;
}

export interface WatchDependencies {
  resolver: Pick<Resolver, "watch">;
  lookUps: LookUps;
  timers: Timers;
  observer: HttpObserver;
}

/** Everybody who watches. */
export class Watches {
  readonly #limits: WatchLimits;
  readonly #d: WatchDependencies;
  readonly #open = new Map<Watch, string>();

  constructor(limits: WatchLimits, dependencies: WatchDependencies) {
    this.#limits = limits;
    this.#d = dependencies;
  }

  /**
   * Opens a stream of events for a client.
   *
   * @param cut Ends the client's connection at once.
   * @throws HttpProblem `WATCHES_EXCEEDED`, `WATCHES_FULL`.
   */
  open(names: readonly string[], peer: string, cut: () => void): ReadableStream<Uint8Array> {
    const { maxWatches, maxPerPeer } = this.#limits;
    if (this.#open.size >= maxWatches) throw new HttpProblem("WATCHES_FULL");
    const same = [...this.#open.values()].filter((each) => each === peer).length;
    if (same >= maxPerPeer) throw new HttpProblem("WATCHES_EXCEEDED");
    const watch = new Watch(names, this.#limits, {
      ...this.#d,
      cut: () => {
        this.#d.observer.cut();
        cut();
      },
      ended: () => {
        this.#open.delete(watch);
        this.#d.observer.watches(this.#open.size);
      },
    });
    this.#open.set(watch, peer);
    this.#d.observer.watches(this.#open.size);
    return watch.stream;
  }

  /** Ends all of them. */
  stop(): void {
    for (const watch of [...this.#open.keys()]) watch.end();
  }
}
