import { PeerBounds } from "../../net/peerBounds.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { SalLimitValues } from "./limits.ts";
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

/** The sessions of a provider by their ID, and those without a link by their age. */
export class SessionTable {
  readonly #limits: SalLimitValues;
  readonly #clock: Scheduler;
  readonly #sessions = new Map<string, ProviderSession>();
  readonly #bounds: PeerBounds;
  /** Since when a session has no link, the oldest first. */
  readonly #orphans = new Map<ProviderSession, number>();
  #sweep: (() => void) | undefined;

  constructor(limits: SalLimitValues, clock: Scheduler) {
    this.#limits = limits;
    this.#clock = clock;
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
    const [oldest] = this.#orphans.keys();
    if (this.#bounds.reached(address) === "total") oldest?.drop();
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
    this.#orphans.set(session, this.#clock.monotonic());
    this.#keepWithinBudget();
  }

  #plan(): void {
    if (this.#sessions.size === 0) return;
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      // A client that has lost its network does not close its connection.
      for (const session of this.#sessions.values()) session.forsake(this.#limits.silentMs);
      this.#dropOld();
      this.#plan();
    });
  }

  #dropOld(): void {
    const now = this.#clock.monotonic();
    const { orphanMs, idleOrphanMs } = this.#limits;
    for (const [session, since] of [...this.#orphans]) {
      if (now - since >= (session.hasFlows ? orphanMs : idleOrphanMs)) session.drop();
    }
  }

  #keepWithinBudget(): void {
    const { maxOrphans, maxOrphanBytes } = this.#limits;
    let bytes = 0;
    for (const session of this.#orphans.keys()) bytes += session.held;
    for (const session of [...this.#orphans.keys()]) {
      const isWithin = maxOrphans === 0 || this.#orphans.size <= maxOrphans;
      if (isWithin && bytes <= maxOrphanBytes) return;
      bytes -= session.held;
      session.drop();
    }
  }

  /** Ends the checks; sessions stay as they are. */
  stop(): void {
    this.#sweep?.();
    this.#sweep = undefined;
  }
}
