import type { Hex } from "viem";
import type { MoveReason, PathKind, PathObserver } from "../sal/client/dependencies.ts";

/** How many moves of one service are kept, and of how many services. */
const MOVES = 10;
const SERVICES = 1_000;

/** A session went on over another path. */
export interface PathMove {
  /** Unix milliseconds. */
  at: number;
  reason: MoveReason;
  /** The endpoint of the record that led to the new path. */
  endpoint: string;
  path: PathKind;
  /** From the last byte of the old path until the new one was there, milliseconds; a session at rest has few bytes. */
  gapMs: number;
}

/** The newest moves of the console's own sessions with each service. */
export class PathLog implements PathObserver {
  readonly #moves = new Map<string, readonly PathMove[]>();
  readonly #now: () => number;

  /** @param now The time of day, Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  moved({ serviceId, ...move }: Omit<PathMove, "at"> & { serviceId: Hex }): void {
    const key = serviceId.toLowerCase();
    const moves = [...this.of(serviceId), { at: this.#now(), ...move }].slice(-MOVES);
    // The service whose sessions have not moved for longest makes room.
    this.#moves.delete(key);
    this.#moves.set(key, moves);
    for (const oldest of this.#moves.keys()) {
      if (this.#moves.size <= SERVICES) break;
      this.#moves.delete(oldest);
    }
  }

  /** The moves of a service's sessions, the oldest first. */
  of(serviceId: string): readonly PathMove[] {
    return this.#moves.get(serviceId.toLowerCase()) ?? [];
  }
}
