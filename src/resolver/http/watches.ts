import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import type { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { HttpProblem } from "./problem.ts";
import { Watch } from "./watch.ts";

export interface WatchLimits {
  /** Total clients. */
  maxWatches: number;
  /** Clients of one address (/64 of IPv6). */
  maxPerPeer: number;
  /** Interval of the heartbeat, at which names are looked up again, milliseconds. */
  heartbeatMs: number;
  /** Buffer for one client, bytes. */
  maxWaitingBytes: number;
}

export interface WatchDependencies {
  resolver: Pick<Resolver, "watch">;
  lookup: BoundedLookup;
  timers: Timers;
  observer: HttpObserver;
}

/** All clients that watch names. */
export class Watches {
  readonly #limits: WatchLimits;
  readonly #dependencies: WatchDependencies;
  readonly #open = new Map<Watch, string>();

  constructor(limits: WatchLimits, dependencies: WatchDependencies) {
    this.#limits = limits;
    this.#dependencies = dependencies;
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
      ...this.#dependencies,
      cut: () => {
        this.#dependencies.observer.cut();
        cut();
      },
      ended: () => {
        this.#open.delete(watch);
        this.#dependencies.observer.watches(this.#open.size);
      },
    });
    this.#open.set(watch, peer);
    this.#dependencies.observer.watches(this.#open.size);
    return watch.stream;
  }

  /** Ends all of them. */
  stop(): void {
    for (const watch of [...this.#open.keys()]) watch.end();
  }
}
