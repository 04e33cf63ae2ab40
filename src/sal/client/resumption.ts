import type { Scheduler } from "../../node/scheduler.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
import type { ResumeKeys } from "../handshake/secrets.ts";
import type { OldLink } from "../session/oldLink.ts";
import type { Session } from "../session/session.ts";
import type { Link } from "../transport/link.ts";
import { ParkedLink } from "../upgrade/parkedLink.ts";
import type { MoveReason, PathKind } from "./dependencies.ts";
import { resume } from "./resume.ts";

export interface Move {
  reason: MoveReason;
  /** The endpoint of the record by which the service was found. */
  endpoint: string;
  link: ProvenLink;
  kind: PathKind | undefined;
  /** Whether the receipt is of this move, and not one that the link had before. */
  isFresh: boolean;
  /** From the last byte of the old link to the new one, milliseconds. */
  gapMs: number;
}

/** A link that a session may go on over. */
export interface Place {
  endpoint: string;
  link: ProvenLink;
  /** Of a path that was found without the record. */
  kind?: PathKind;
}

export interface ResumptionParts {
  id: Buffer;
  keys: ResumeKeys;
  session: Session;
  moved(move: Move): void;
  clock: Scheduler;
}

/** Lets a session go on over other links, over one at a time, each time with a higher attempt. */
export class Resumption {
  readonly #parts: ResumptionParts;
  /** The highest one so far, and the one that led to the link in use. */
  #attempt = 0;
  #led = 0;
  #inUse: Place;
  #running: Promise<void> | undefined;
  /** The old link, if the provider gave it up before its answer came over the new one. */
  #left: Link | undefined;
  #parked: ParkedLink | undefined;
  /** A link that was parked and is being used again: its receipt is an old one. */
  #warm: Link | undefined;

  constructor(first: Place, parts: ResumptionParts) {
    this.#parts = parts;
    this.#inUse = first;
  }

  /** That led to the link in use; 0 for the session's first one. */
  get attempt(): number {
    return this.#led;
  }

  /** Whether the provider was asked to go on over another link, and has not answered. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The relayed link that a session on a direct one can go back to. */
  get parked(): ParkedLink | undefined {
    return this.#parked;
  }

  /**
   * Takes the parked link once the provider answers over it.
   *
   * @throws BlockcloudError `SAL_NO_PATH` if it is gone; or the signal's reason.
   */
  async takeParked(parked: ParkedLink, signal: AbortSignal): Promise<Place> {
    const link = await parked.take(signal);
    this.#warm = link.greeting.link;
    return { endpoint: parked.endpoint, link };
  }

  /**
   * Resumes the session over a link.
   *
   * @throws BlockcloudError as `resume`; the link is given up then.
   */
  async onto(place: Place, reason: MoveReason, signal: AbortSignal): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const running = this.#resume(place, reason, signal);
    this.#running = running.catch(() => undefined);
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
  }

  /** The provider takes and sends nothing more over the link in use; returns whether that belongs to a resumption. */
  handedOver(): boolean {
    const left = this.#parts.session.detach();
    if (this.#running === undefined) {
      left?.destroy();
      return false;
    }
    this.#left = left;
    return true;
  }

  stop(): void {
    this.#parked?.close();
    this.#dropLeft();
  }

  #dropLeft(): void {
    this.#left?.destroy();
  }

  async #resume(
    { endpoint, link, kind }: Place,
    reason: MoveReason,
    signal: AbortSignal,
  ): Promise<void> {
    const { id, keys, session, moved, clock } = this.#parts;
    if (signal.aborted) {
      link.greeting.abandon(signal.reason);
      signal.throwIfAborted();
    }
    this.#attempt += 1;
    this.#left = undefined;
    const srttMs = session.srtt;
    try {
      await resume({ id, keys, session, clock }, this.#attempt, link, signal, (old, gapMs) => {
        this.#part(old, { endpoint, link }, srttMs);
        const isFresh = link.greeting.link !== this.#warm;
        moved({ reason, endpoint, link, kind, isFresh, gapMs });
      });
    } catch (error) {
      this.#dropLeft();
      throw error;
    } finally {
      this.#left = undefined;
    }
  }

  /** Gives the old link up; one of a relay stays open beside a direct one. */
  #part(old: OldLink | undefined, next: Place, srttMs: number): void {
    const before = this.#inUse;
    this.#inUse = next;
    this.#led = this.#attempt;
    const last = old?.link ?? this.#left;
    const isRelayed = next.link.greeting.link.relayed !== undefined;
    if (isRelayed) this.#parked?.close();
    const mayPark = !isRelayed && last?.relayed !== undefined;
    if (!mayPark || last !== before.link.greeting.link) {
      old?.parser.stop();
      last?.destroy();
      return;
    }
    const { endpoint, link: proven } = before;
    const parked = { endpoint, proven, old, srttMs };
    this.#parked?.close();
    const one = new ParkedLink(parked, this.#parts.clock, () => {
      if (this.#parked === one) this.#parked = undefined;
    });
    this.#parked = one;
    // Sending on may end the session: a program decides when its bytes are taken.
    if (this.#parts.session.end !== undefined) one.close();
  }
}
