import { salError } from "../errors.ts";
import type { Link } from "../transport/link.ts";
import type { FrameParser } from "../wire/parser.ts";
import type { Outbound } from "./outbound.ts";

/** What an old link asks of its session. */
interface Host {
  /** Offset up to which every frame was handled. */
  readonly received: number;
  /** Smoothed round-trip time of the link, milliseconds. */
  readonly srtt: number;
  /** Handles a new ordered frame. */
  takeLate(
    type: number,
    flow: number,
    pieces: readonly Buffer[],
    length: number,
    size: number,
  ): void;
}

/** How long both links are used, in round trips of the old one and milliseconds: TCP of the new one begins slowly. */
const BESIDE = { roundTrips: 4, leastMs: 50, mostMs: 1_000 };

/**
 * A link that a session leaves for a better one. The new one begins with what was under way, at the pace of a TCP that
 * has just begun. Meanwhile the old one still brings frames, and may take new ones: what comes first counts.
 */
export class OldLink {
  readonly link: Link;
  readonly parser: FrameParser;
  /** How long new frames are worth sending here, milliseconds. */
  readonly besideMs: number;
  readonly #session: Host;
  readonly #outbound: Outbound;
  /** Offset of the next frame that comes, and of the next one that is sent. */
  #position: number;
  readonly #sent: number;

  constructor(
    { link, parser, position }: { link: Link; parser: FrameParser; position: number },
    session: Host,
    outbound: Outbound,
  ) {
    this.link = link;
    this.parser = parser;
    this.#session = session;
    this.#outbound = outbound;
    this.#position = position;
    this.#sent = outbound.sent;
    const { roundTrips, leastMs, mostMs } = BESIDE;
    this.besideMs = Math.min(mostMs, Math.max(leastMs, roundTrips * session.srtt));
  }

  /**
   * An ordered frame has come, as `FrameSink.frame` has it.
   *
   * @throws BlockcloudError `SAL_PROTOCOL`.
   */
  take(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void {
    const session = this.#session;
    const isNew = this.#position === session.received;
    this.#position += size;
    if (isNew) session.takeLate(type, flow, pieces, length, size);
    else if (this.#position > session.received) {
      throw salError("protocol", "The peer repeats its frames with other bounds.");
    }
  }

  /** What is new goes out here, too, until {@link stop}. */
  sendOn(): void {
    this.#outbound.sendBeside(this.link, this.#sent);
  }

  /** The link has room again. */
  drained(): void {
    this.#outbound.pump();
  }

  /** Nothing more is sent here. */
  stop(): void {
    this.#outbound.endBeside(this.link);
  }
}
