import { networkOf, peerOf } from "./peer.ts";

/** How much a server holds at a time, of connections, streams or bytes; 0 for no limit. */
export interface PeerLimits {
  total: number;
  /** Of one peer: an IPv4 address, or an IPv6 /64. */
  perPeer: number;
}

/** The bound that is reached. */
export const bounds = ["total", "peer", "network"] as const;
export type Bound = (typeof bounds)[number];

/** Peers of one network (/24, or /48 of IPv6) whose full share the network may hold together. */
const PEERS_OF_A_NETWORK = 4;

/** Counts what clients hold, so that neither one address nor one network can take all there is. */
export class PeerBounds {
  readonly #limits: PeerLimits;
  /** By peer and by network; their texts differ. */
  readonly #held = new Map<string, number>();
  #size = 0;

  constructor(limits: PeerLimits) {
    this.#limits = limits;
  }

  /** How much is held in total. */
  get size(): number {
    return this.#size;
  }

  /** The bound that one more of an address would exceed; undefined if there is room. */
  reached(address: string): Bound | undefined {
    const { total, perPeer } = this.#limits;
    if (perPeer > 0) {
      if (this.#count(peerOf(address)) >= perPeer) return "peer";
      if (this.#count(networkOf(address)) >= PEERS_OF_A_NETWORK * perPeer) return "network";
    }
    return total > 0 && this.#size >= total ? "total" : undefined;
  }

  /** Counts more of an address; the caller has asked whether there is room. */
  add(address: string, amount = 1): void {
    this.#size += amount;
    this.#change(peerOf(address), amount);
    this.#change(networkOf(address), amount);
  }

  /** Counts less. */
  remove(address: string, amount = 1): void {
    this.#size -= amount;
    this.#change(peerOf(address), -amount);
    this.#change(networkOf(address), -amount);
  }

  #count(key: string): number {
    return this.#held.get(key) ?? 0;
  }

  #change(key: string, by: number): void {
    const count = this.#count(key) + by;
    if (count === 0) this.#held.delete(key);
    else this.#held.set(key, count);
  }
}
