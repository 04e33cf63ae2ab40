import { PeerBounds } from "../../net/peerBounds.ts";
import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import type { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { HttpProblem } from "./problem.ts";
import { Watch } from "./watch.ts";

export interface WatchLimits {
  /** Total clients; 0 for no limit. */
  maxWatches: number;
  /** Clients of one address (/64 of IPv6), and four times as many of one network; 0 for no limit. */
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
  readonly #open = new Set<Watch>();
  readonly #bounds: PeerBounds;

  constructor(limits: WatchLimits, dependencies: WatchDependencies) {
    this.#limits = limits;
    this.#bounds = new PeerBounds({ total: limits.maxWatches, perPeer: limits.maxPerPeer });
    this.#dependencies = dependencies;
  }

  /**
   * Opens a stream of events for a client.
   *
   * @param cut Ends the client's connection at once.
   * @throws HttpProblem `WATCHES_EXCEEDED`, `WATCHES_FULL`.
   */
  open(names: readonly string[], address: string, cut: () => void): ReadableStream<Uint8Array> {
    const reached = this.#bounds.reached(address);
    if (reached !== undefined) {
      throw new HttpProblem(reached === "total" ? "WATCHES_FULL" : "WATCHES_EXCEEDED");
    }
    const watch = new Watch(names, this.#limits, {
      ...this.#dependencies,
      cut: () => {
        this.#dependencies.observer.cut();
        cut();
      },
      ended: () => {
        this.#open.delete(watch);
        this.#bounds.remove(address);
        this.#dependencies.observer.watches(this.#open.size);
      },
    });
    this.#open.add(watch);
    this.#bounds.add(address);
    this.#dependencies.observer.watches(this.#open.size);
    return watch.stream;
  }

  /** Ends all of them. */
  stop(): void {
    for (const watch of [...this.#open]) watch.end();
  }
}
