import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { Link } from "../transport/link.ts";
import type { Flow } from "./flow.ts";
import { Replay } from "./replay.ts";
import { MAX_WINDOW, PathEstimate } from "./rtt.ts";
import { Scheduler } from "./scheduler.ts";
import { SEGMENT_BYTES, segmentPool } from "./segments.ts";

/** Most bytes that wait for a peer: those of flows, and control frames, which do not wait for the window. */
const MAX_HELD = MAX_WINDOW + 4 * 1024 * 1024;
/** Bytes that a link is given ahead of the network. */
const MAX_QUEUED = 64 * 1024;

export interface OutboundParts {
  /** Monotonic milliseconds. */
  now(): number;
  /** A segment is about to be sent; `isFirst` says that the peer owed no acknowledgement before. */
  composed(isFirst: boolean): void;
}

/** This side's ordered stream as its sender sees it: what waits, what was sent, and what the peer acknowledged. */
export class Outbound {
  readonly path = new PathEstimate();
  readonly #parts: OutboundParts;
  readonly #scheduler = new Scheduler(segmentPool);
  readonly #replay = new Replay(segmentPool);
  #link: Link | undefined;
  /** A link that was left, which gets the new frames, too, and the offset of its next one. */
  #beside: { link: Link; sent: number } | undefined;
  #isPumping = false;
  #isScheduled = false;
  #isOver = false;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** Whether the peer owes an acknowledgement. */
  get hasUnacknowledged(): boolean {
    return this.#replay.unacknowledged > 0;
  }

  /** Memory that waits for acknowledgements, bytes. */
  get held(): number {
    return this.#replay.held;
  }

  /**
   * The next link begins at an offset.
   *
   * @returns Whether the bytes from there on are kept; if not, nothing has changed.
   */
  rewind(offset: number): boolean {
    return this.#replay.rewind(offset);
  }

  /** Offset up to which the present link was given everything. */
  get sent(): number {
    return this.#replay.sent;
  }

  /** The stream goes on over a link, once {@link pump} is called. */
  attach(link: Link): void {
    this.#link = link;
    this.#beside = undefined;
    this.path.reset();
  }

  detach(): void {
    this.#link = undefined;
    this.#beside = undefined;
  }

  /**
   * What is new goes out over a link that was left, too.
   *
   * @param sent Offset up to which it was given everything.
   */
  sendBeside(link: Link, sent: number): void {
    this.#beside = { link, sent };
    this.pump();
  }

  endBeside(link: Link): void {
    if (this.#beside?.link === link) this.#beside = undefined;
  }

  /**
   * Sends a control frame.
   *
   * @returns The error that ends the session, if the peer acknowledges nothing.
   */
  control(frame: Buffer): BlockcloudError | undefined {
    if (this.#scheduler.control(frame) + this.#replay.held > MAX_HELD) {
      return salError("busy", "The peer acknowledges nothing.");
    }
    this.#schedule();
    return undefined;
  }

  /** The flow has something to send. */
  ready(flow: Flow): void {
    this.#scheduler.ready(flow);
    this.#schedule();
  }

  /** @throws BlockcloudError `SAL_PROTOCOL` for an offset that was not sent. */
  acknowledge(offset: number): void {
    const before = this.#replay.acknowledged;
    const wasFull = this.#room < SEGMENT_BYTES;
    this.#replay.acknowledge(offset);
    const { acknowledged, unacknowledged } = this.#replay;
    const isBusy = wasFull || unacknowledged > 0;
    this.path.delivered(acknowledged - before, this.#parts.now(), isBusy);
    if (this.#scheduler.hasFlows) this.pump();
  }

  /** Gives the link what it takes. */
  pump(): void {
    // Writing calls back, and so does what a flow's program does when its bytes were taken.
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      this.#pumpPresent();
      this.#pumpBeside();
    } finally {
      this.#isPumping = false;
    }
  }

  #pumpPresent(): void {
    while (this.#link !== undefined && this.#link.queued < MAX_QUEUED) {
      if (!this.#replay.hasUnsent && !this.#compose()) return;
      const bytes = this.#replay.take();
      if (bytes === undefined) return;
      this.#link.write(bytes);
    }
  }

  #pumpBeside(): void {
    for (let old = this.#beside; old !== undefined; old = this.#beside) {
      // The peer counts what comes: a link that is behind is of no more use.
      if (old.sent < this.#replay.acknowledged) this.#beside = undefined;
      if (this.#beside === undefined || old.link.queued >= MAX_QUEUED) return;
      if (old.sent === this.#replay.end && !this.#compose()) return;
      const bytes = this.#replay.from(old.sent);
      if (bytes === undefined) return;
      old.sent += bytes.length;
      old.link.write(bytes);
    }
  }

  /** Forgets everything; the session is over. */
  clear(): void {
    this.#isOver = true;
    this.#scheduler.clear();
    this.#replay.clear();
  }

  /** Sends at the end of this turn of the event loop, so that what the program does in one turn shares a record. */
  #schedule(): void {
    if (this.#isScheduled || this.#link === undefined) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.pump();
    });
  }

  /** Bytes of flows that may be sent before an acknowledgement comes. */
  get #room(): number {
    const { unacknowledged, held } = this.#replay;
    return Math.min(this.path.window - unacknowledged, MAX_WINDOW - held);
  }

  #compose(): boolean {
    const { unacknowledged } = this.#replay;
    const room = this.#room;
    // The window is larger than a segment, so an acknowledgement will come and make room for a whole one.
    const segment = this.#scheduler.compose(room < SEGMENT_BYTES ? 0 : room, this.path.segment);
    // The program of a flow, which was told that its bytes were taken, may have ended the session.
    if (segment === undefined || this.#isOver) return false;
    this.#replay.append(segment.buffer, segment.length);
    this.#parts.composed(unacknowledged === 0);
    return true;
  }
}
