import type { Scheduler } from "../../node/scheduler.ts";

/** Times of the watch, milliseconds. */
export interface PathTimes {
  /** Silence of an active session before the peer is asked. */
  pingMs: number;
  /** Silence after that, at least, before a second link is dialled; 4 round trips if they take longer. */
  silenceMs: number;
  /** Most that false alarms raise that to. */
  mostSilenceMs: number;
  /** How long after its last ordered frame a session counts as active. */
  activeMs: number;
  /** Pause between questions of an idle session. */
  idleMs: number;
}

export const PATH_TIMES: PathTimes = {
  pingMs: 50,
  silenceMs: 150,
  mostSilenceMs: 10_000,
  activeMs: 1_000,
  idleMs: 20_000,
};

/** What the watch sees of a session. */
export interface WatchedPath {
  /** When the last byte came, monotonic milliseconds. */
  readonly heardAt: number;
  /** When the last frame of the ordered stream came or went; questions and answers do not count. */
  readonly activeAt: number;
  readonly srtt: number;
  readonly hasUnacknowledged: boolean;
  ping(): void;
}

/**
 * Notices that a path has become silent. Silence closes nothing: it asks the peer, and then calls for a second link. A
 * false alarm doubles the patience.
 */
export class PathWatch {
  readonly #path: WatchedPath;
  readonly #clock: Scheduler;
  readonly #times: PathTimes;
  readonly #onSilence: () => void;
  #patience = 1;
  #pingedAt: number | undefined;
  #isAlarmed = false;
  #cancel: (() => void) | undefined;
  #isRunning = false;
  /** Whether the next check comes soon; an idle session is checked rarely. */
  #isActive = false;

  /** @param onSilence Called once for each silence. */
  constructor(
    path: WatchedPath,
    clock: Scheduler,
    onSilence: () => void,
    times: PathTimes = PATH_TIMES,
  ) {
    this.#path = path;
    this.#clock = clock;
    this.#onSilence = onSilence;
    this.#times = times;
  }

  /** Another link is used from now on. */
  start(): void {
    this.#isRunning = true;
    this.#pingedAt = undefined;
    this.#isAlarmed = false;
    this.#plan(this.#times.pingMs);
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** A byte came; returns whether it proves an alarm false. */
  heard(): boolean {
    this.#pingedAt = undefined;
    if (!this.#isRunning) return false;
    if (!this.#isActive) this.#plan(this.#times.pingMs);
    if (!this.#isAlarmed) return false;
    this.#isAlarmed = false;
    this.#patience *= 2;
    this.#plan(this.#times.pingMs);
    return true;
  }

  /** The program sends something: silence counts from now on. */
  sending(): void {
    if (this.#isRunning && !this.#isActive) this.#plan(this.#times.pingMs);
  }

  #plan(milliseconds: number, isActive = true): void {
    this.#isActive = isActive;
    this.#cancel?.();
    this.#cancel = this.#clock.after(milliseconds, () => {
      this.#check();
    });
  }

  #check(): void {
    this.#cancel = undefined;
    if (!this.#isRunning || this.#isAlarmed) return;
    const { pingMs, activeMs, idleMs } = this.#times;
    const now = this.#clock.monotonic();
    const { heardAt, activeAt } = this.#path;
    if (this.#pingedAt !== undefined) {
      const left = this.#pingedAt + this.#silence() - now;
      if (left > 0) {
        this.#plan(left);
        return;
      }
      this.#isAlarmed = true;
      this.#onSilence();
      return;
    }
    const silent = now - heardAt;
    const isActive = now - activeAt < activeMs || this.#path.hasUnacknowledged;
    const wait = (isActive ? pingMs : idleMs) - silent;
    if (wait > 0) {
      this.#plan(wait, isActive);
      return;
    }
    this.#pingedAt = now;
    this.#path.ping();
    this.#plan(this.#silence());
  }

  #silence(): number {
    const { silenceMs, mostSilenceMs } = this.#times;
    return Math.min(mostSilenceMs, Math.max(silenceMs, 4 * this.#path.srtt) * this.#patience);
  }
}
