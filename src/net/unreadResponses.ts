import type { ServerResponse } from "node:http";
import { PeerBounds, type Bound, type PeerLimits } from "./peerBounds.ts";

interface Unread {
  address: string;
  bytes: number;
}

/**
 * Responses that wait in memory, because their clients do not read them. Neither one address nor one network can make a
 * server keep more than its part: the connection of a response beyond it is cut. When all memory for such responses is
 * taken, the one that has waited longest makes room. One response always has room, however long it is.
 */
export class UnreadResponses {
  readonly #bounds: PeerBounds;
  readonly #refused: (bound: Bound) => void;
  /** The one that has waited longest first. */
  readonly #waiting = new Map<ServerResponse, Unread>();

  /**
   * @param limits Bytes.
   * @param refused Called for each connection that is cut.
   */
  constructor(limits: PeerLimits, refused: (bound: Bound) => void) {
    this.#bounds = new PeerBounds(limits);
    this.#refused = refused;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#bounds.size;
  }

  /** Whether a client has so much to read that it gets nothing more before it has. */
  isReached(address: string): boolean {
    const bound = this.#bounds.reached(address);
    return bound !== undefined && bound !== "total";
  }

  /** A response waits for its client. */
  add(response: ServerResponse, address: string, bytes: number): void {
    for (;;) {
      const bound = this.#bounds.reached(address);
      if (bound === undefined) break;
      const [oldest] = bound === "total" ? this.#waiting.keys() : [];
      this.#cut(oldest ?? response, bound);
      if (oldest === undefined) return;
    }
    this.#bounds.add(address, bytes);
    this.#waiting.set(response, { address, bytes });
    response.once("close", () => {
      this.#forget(response);
    });
  }

  #cut(response: ServerResponse, bound: Bound): void {
    // It no longer counts, although its closing takes a moment.
    this.#forget(response);
    this.#refused(bound);
    response.req.socket.destroy();
  }

  #forget(response: ServerResponse): void {
    const unread = this.#waiting.get(response);
    if (unread === undefined) return;
    this.#waiting.delete(response);
    this.#bounds.remove(unread.address, unread.bytes);
  }
}
