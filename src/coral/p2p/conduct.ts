import { boundedTable, type BoundedTable } from "../../node/boundedTable.ts";

/** How much a peer bears, and for how long. */
export interface ConductLimits {
  /** Points without consequence, because honest nodes differ in their knowledge of the chain. */
  tolerated: number;
  /** Points at which a peer is cut off. */
  most: number;
  /** Half-life of points, milliseconds. */
  halfLifeMs: number;
  /** How long a peer stays cut off, milliseconds. */
  cutMs: number;
  /** Peers whose points are stored; the peer that was blamed longest ago is dropped first. */
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
  /** When `points` was computed, by the monotonic clock. */
  at: number;
  /** When the peer's cut ends, by the monotonic clock. */
  cutUntil: number;
  /** Points that depend on the state of a service on chain, by service number. */
  doubts: Map<bigint, number>;
}

/** Services for which the points of one peer are counted separately. */
const MAX_DOUBTS = 64;

/**
 * The penalty points of each peer, across all protocols and reconnections. Gossipsub's own score is lost when
 * a peer reconnects.
 */
export class Conduct {
  readonly #limits: ConductLimits;
  readonly #monotonic: () => number;
  readonly #cut: (peer: string) => void;
  /** Forgets the peer that was blamed longest ago: only blame counts as a use. */
  readonly #entries: BoundedTable<string, Entry>;

  /** @param cut Is told once when a peer goes too far. */
  constructor(limits: ConductLimits, monotonic: () => number, cut: (peer: string) => void) {
    this.#limits = limits;
    this.#entries = boundedTable(limits.peers);
    this.#monotonic = monotonic;
    this.#cut = cut;
  }

  /**
   * Adds penalty points to a peer.
   *
   * @param about The service, if the message is wrong only by the state of the service on chain.
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
    this.#entries.set(peer, entry);
    if (entry.points < this.#limits.most || entry.cutUntil > now) return;
    entry.cutUntil = now + this.#limits.cutMs;
    this.#cut(peer);
  }

  /**
   * Removes the points that depend on the state of a service: it changed, so a peer that knew the change
   * earlier was right.
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

  /** The score for Gossipsub: 0 for a peer in good standing, negative for others. */
  score(peer: string): number {
    return Math.min(0, this.#limits.tolerated - this.#points(this.#entries.peek(peer)));
  }

  /** Whether a peer is cut off at present. */
  isCut(peer: string): boolean {
    return (this.#entries.peek(peer)?.cutUntil ?? -Infinity) > this.#monotonic();
  }

  #points(entry: Entry | undefined): number {
    if (entry === undefined) return 0;
    return entry.points * 0.5 ** ((this.#monotonic() - entry.at) / this.#limits.halfLifeMs);
  }
}
