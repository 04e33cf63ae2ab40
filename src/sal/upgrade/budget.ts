import { peerOf } from "../../net/peer.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { Scheduler } from "../../node/scheduler.ts";

/** Tries of direct paths in a minute, in all. */
export const TRIES_PER_MINUTE = 10;
/** Of them for one peer, at most this share. */
const PEER_SHARE = 0.5;
const MAX_PEERS = 1_000;

/**
 * Bounds how often this process tries direct paths: each try dials some addresses that a peer or a relay has named, up to
 * eight times.
 */
export class UpgradeBudget {
  readonly #all: RateLimit;
  readonly #each: RateLimit;

  /** @param perMinute In all; one peer has half of them. */
  constructor(perMinute: number, clock: Scheduler) {
    const perSecond = perMinute / 60;
    const monotonic = () => clock.monotonic();
    const share = Math.max(1, Math.floor(perMinute * PEER_SHARE));
    this.#all = new RateLimit({ perSecond, burst: perMinute, maxPeers: 1 }, monotonic);
    this.#each = new RateLimit(
      { perSecond: share / 60, burst: share, maxPeers: MAX_PEERS },
      monotonic,
    );
  }

  /**
   * Takes a try.
   *
   * @param peer A service's ID, or the address of a visitor.
   * @returns 0, or the milliseconds until there is one.
   */
  take(peer: string): number {
    const key = peer.startsWith("0x") ? peer : peerOf(peer);
    const wait = Math.max(this.#each.peek(key), this.#all.peek("all"));
    if (wait > 0) return wait;
    this.#each.take(key);
    this.#all.take("all");
    return 0;
  }
}
