import { peerOf } from "../../net/peer.ts";

/** The response that the rate allows. */
export type Allowance =
  | "full"
  /** A truncated response: a client whose address is not forged asks again over TCP. */
  | "truncated"
  | "none";

export interface ResponseRateOptions {
  /** Responses per second to one network (/24, or /64 for IPv6); 0 for no limit. */
  perSecond: number;
  burst: number;
}

/** Size of the table, a power of two. */
const PLACES = 1 << 14;

/**
 * Limits the responses that an attacker can direct at other addresses by forging the source of UDP packets.
 * Each network has a token bucket in a table of fixed size. Networks with the same hash share a bucket;
 * hashes depend on a secret seed, so clients cannot predict them. Above the rate, every second response is
 * sent truncated, as in BIND's response rate limiting. Loopback is not limited, because other hosts cannot
 * forge it.
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
   * Takes one response from a network's bucket.
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
