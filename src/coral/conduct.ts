/** How much a peer bears, and for how long. */
export interface ConductLimits {
  /** Points that are nobody's concern: honest nodes differ in what they know of the chain. */
  tolerated: number;
  /** Points at which a peer is cut off. */
  most: number;
  /** Milliseconds in which half of the points is forgotten. */
  halfLifeMs: number;
  /** Milliseconds that a peer stays cut off. */
  cutMs: number;
  /** Peers that are remembered; those that were silent longest go first. */
  peers: number;
}

export const defaultConductLimits: ConductLimits = {
  tolerated: 20,
  most: 100,
  halfLifeMs: 60_000,
  cutMs: 600_000,
  peers: 10_000,
};

interface Entry {
  points: number;
  /** When `points` was true, by the monotonic clock. */
  at: number;
  /** Up to when the peer is cut off. */
  cutUntil: number;
  /** Points that rest on what the chain says of a service, by its number. */
  doubts: Map<bigint, number>;
}

/** Services that points of one peer are kept apart for. */
const MAX_DOUBTS = 64;

/**
 * What each peer has done wrong, over all protocols and over reconnections: libp2p's gossip forgets a score
 * when a peer comes back.
 */
export class Conduct {
  readonly #limits: ConductLimits;
  readonly #monotonic: () => number;
  readonly #cut: (peer: string) => void;
  readonly #entries = new Map<string, Entry>();

  /** @param cut Is told once when a peer goes too far. */
  constructor(limits: ConductLimits, monotonic: () => number, cut: (peer: string) => void) {
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#cut = cut;
  }

  /**
   * Adds to what a peer has done wrong.
   *
   * @param about The service, where the chain's word on it is what makes it wrong.
   */
  blame(peer: string, points: number, about?: bigint): void {
    const now = this.#monotonic();
    const known = this.#entries.get(peer);
    const entry: Entry = {
      points: this.#points(known) + points,
      at: now,
      cutUntil: known?.cutUntil ?? -Infinity,
      doubts: known?.doubts ?? new Map<bigint, number>(),
    };
    if (about !== undefined && (entry.doubts.has(about) || entry.doubts.size < MAX_DOUBTS)) {
      entry.doubts.set(about, (entry.doubts.get(about) ?? 0) + points);
    }
    this.#entries.delete(peer);
    this.#entries.set(peer, entry);
    if (this.#entries.size > this.#limits.peers) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    if (entry.points < this.#limits.most || entry.cutUntil > now) return;
    entry.cutUntil = now + this.#limits.cutMs;
    this.#cut(peer);
  }

  /**
   * Takes back what rests on the chain's word on a service: it changed, so that whoever was ahead of us
   * was right.
   */
  forgive(number: bigint): void {
    for (const entry of this.#entries.values()) {
      const doubted = entry.doubts.get(number);
      if (doubted === undefined) continue;
      entry.doubts.delete(number);
      entry.points = Math.max(0, entry.points - doubted);
      if (this.#points(entry) < this.#limits.most) entry.cutUntil = -Infinity;
    }
  }

  /** A score as gossip wants it: 0 for a peer that is well, below it for one that is not. */
  score(peer: string): number {
    return Math.min(0, this.#limits.tolerated - this.#points(this.#entries.get(peer)));
  }

  /** Whether nothing is to do with a peer for now. */
  isCut(peer: string): boolean {
    return (this.#entries.get(peer)?.cutUntil ?? -Infinity) > this.#monotonic();
  }

  #points(entry: Entry | undefined): number {
    if (entry === undefined) return 0;
    return entry.points * 0.5 ** ((this.#monotonic() - entry.at) / this.#limits.halfLifeMs);
  }
}
