import { peerOf } from "../../net/peer.ts";

/** What a packet's answer may be. */
export type Allowance =
  | "full"
  /** Short and truncated: a client that was not forged asks again over TCP. */
  | "truncated"
  | "none";

export interface ResponseRateOptions {
  /** Answers a second to one network (/24, or /64 of IPv6); 0 for no limit. */
  perSecond: number;
  burst: number;
}

/** Places of the table, a power of two. */
const PLACES = 1 << 14;

/**
 * Limits what anybody can make this server send to addresses that are not theirs: UDP senders can be forged.
 * A token bucket for each network, in a table of fixed size; networks share a bucket where their hashes
 * meet, which nobody outside can foresee. Above the rate every second answer goes out truncated, as in
 * BIND's response rate limiting. Loopback is not limited: nobody can forge it from outside.
 */
export class ResponseRate {
  readonly #options: ResponseRateOptions;
  readonly #seed: number;
  readonly #tokens: Float64Array;
  readonly #at = new Float64Array(PLACES);
  #slip = false;

  constructor(options: ResponseRateOptions, seed: number) {
    this.#options = options;
    this.#seed = seed | 0;
    this.#tokens = new Float64Array(PLACES).fill(options.burst);
  }

  /**
   * Takes an answer from a network's rate.
   *
   * @param now Milliseconds of the monotonic clock.
   */
  take(address: string, now: number): Allowance {
    const { perSecond, burst } = this.#options;
    if (perSecond === 0 || isLoopback(address)) return "full";
    const place = this.#placeOf(address);
    const before = this.#tokens[place] ?? 0;
    const since = now - (this.#at[place] ?? 0);
    const tokens = Math.min(burst, before + (since * perSecond) / 1000);
    this.#at[place] = now;
    this.#tokens[place] = tokens >= 1 ? tokens - 1 : tokens;
    if (tokens >= 1) return "full";
    this.#slip = !this.#slip;
    return this.#slip ? "truncated" : "none";
  }

  #placeOf(address: string): number {
    const network = address.includes(":") ? peerOf(address) : address;
    const end = network.lastIndexOf(".");
    let hash = this.#seed;
    for (let at = 0; at < (end < 0 ? network.length : end); at++) {
      hash = Math.imul(hash ^ network.charCodeAt(at), 0x01000193);
    }
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
