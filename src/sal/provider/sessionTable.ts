import { PeerBounds } from "../../net/peerBounds.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { SalLimitValues } from "./limits.ts";
import { Orphans } from "./orphans.ts";
import type { ProviderSession } from "./providerSession.ts";

/** Metrics of sessions. */
export interface SessionObserver {
  opened(): void;
  resumed(): void;
  orphaned(): void;
  ended(code: string): void;
}

/** How often orphans are checked for their age, and links for their silence, milliseconds. */
const SWEEP_MS = 1_000;

/** The sessions of a provider by their ID. */
export class SessionTable {
  readonly #limits: SalLimitValues;
  readonly #clock: Scheduler;
  readonly #sessions = new Map<string, ProviderSession>();
  readonly #bounds: PeerBounds;
  readonly #orphans: Orphans;
  #sweep: (() => void) | undefined;

  constructor(limits: SalLimitValues, clock: Scheduler) {
    this.#limits = limits;
    this.#clock = clock;
    this.#orphans = new Orphans(limits);
    this.#bounds = new PeerBounds({
      total: limits.maxSessions,
      perPeer: limits.maxSessionsPerPeer,
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  all(): ProviderSession[] {
    return [...this.#sessions.values()];
  }

  find(id: Buffer): ProviderSession | undefined {
    return this.#sessions.get(id.toString("latin1"));
  }

  /** @throws BlockcloudError `SAL_BUSY`. */
  add(session: ProviderSession): void {
    const { address } = session.peer;
    // A client that is here takes the place of one that may not come back.
    if (this.#bounds.reached(address) === "total") this.#orphans.dropOne();
    const reached = this.#bounds.reached(address);
    if (reached !== undefined) throw salError("busy", `Too many sessions (${reached}).`);
    this.#bounds.add(address);
    this.#sessions.set(session.id.toString("latin1"), session);
    this.#plan();
  }

  remove(session: ProviderSession): void {
    if (!this.#sessions.delete(session.id.toString("latin1"))) return;
    this.#orphans.delete(session);
    this.#bounds.remove(session.peer.address);
  }

  /** The session has a link again. */
  adopted(session: ProviderSession): void {
    this.#orphans.delete(session);
  }

  /** The session has lost its link. */
  orphaned(session: ProviderSession): void {
    if (!this.#sessions.has(session.id.toString("latin1"))) return;
    this.#orphans.add(session, this.#clock.monotonic());
  }

  #plan(): void {
    if (this.#sessions.size === 0) return;
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      // A client that has lost its network does not close its connection.
      for (const session of this.#sessions.values()) session.forsake(this.#limits.silentMs);
      const { orphanMs, idleOrphanMs } = this.#limits;
      this.#orphans.dropOld(this.#clock.monotonic(), ({ hasFlows }) =>
        hasFlows ? orphanMs : idleOrphanMs,
      );
      this.#plan();
    });
  }

  /** Ends the checks; sessions stay as they are. */
  stop(): void {
    this.#sweep?.();
    this.#sweep = undefined;
  }
}
