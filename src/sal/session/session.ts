import type { Scheduler as Clock } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { MeteredFlow, type FlowMeter } from "../pay/meteredFlow.ts";
import { retire, type Link, type LinkHandler } from "../transport/link.ts";
import { encodeFrame, encodeNumberFrame } from "../wire/encode.ts";
import { FrameType, isOptional, isOrdered } from "../wire/frames.ts";
import { joined, type FrameParser, type FrameSink } from "../wire/parser.ts";
import { decodeReason, encodeReason } from "../wire/reason.ts";
import { readNumber } from "../wire/read.ts";
import { creditPool, type CreditPool } from "./credit.ts";
import { Flow, type FlowHost } from "./flow.ts";
import { Inbound, MAX_ANSWERS } from "./inbound.ts";
import { OldLink } from "./oldLink.ts";
import { Outbound } from "./outbound.ts";
import type { SessionDependencies, SessionRole } from "./role.ts";

/** A link, and what cuts its bytes into frames. */
export interface Line {
  readonly link: Link;
  readonly parser: FrameParser;
}

/**
 * A session: one reliable stream of frames in each direction, over one link at a time. Links break and are replaced;
 * the session goes on where the peer's last acknowledged frame ended. This class knows nothing of proofs: a link is
 * attached when both sides have shown that they may use it.
 */
export class Session implements FrameSink, FlowHost {
  readonly credit: CreditPool;
  readonly #clock: Clock;
  readonly #role: SessionRole;
  readonly #flows = new Map<number, Flow>();
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  #link: Link | undefined;
  #parser: FrameParser | undefined;
  #heardAt: number;
  #activeAt: number;
  #end: BlockcloudError | undefined;

  constructor(role: SessionRole, dependencies: SessionDependencies) {
    this.#role = role;
    this.#clock = dependencies.clock;
    this.credit = dependencies.credit ?? creditPool;
    this.#inbound = new Inbound(dependencies.clock);
    this.#outbound = new Outbound({
      now: () => this.now(),
      composed: (isFirst) => {
        this.#activeAt = this.now();
        if (isFirst) this.#role.sending();
      },
    });
    this.#heardAt = this.now();
    this.#activeAt = this.#heardAt;
  }

  get srtt(): number {
    return this.#outbound.path.srtt;
  }

  /** Least round-trip time of the link, milliseconds. */
  get leastRtt(): number {
    return this.#outbound.path.least;
  }

  /** Offset of the peer's stream up to which every frame was handled. */
  get received(): number {
    return this.#inbound.received;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get flows(): ReadonlyMap<number, Flow> {
    return this.#flows;
  }

  /** When the last byte came, monotonic milliseconds. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** When the last frame of the ordered stream came or went. */
  get activeAt(): number {
    return this.#activeAt;
  }

  /** Whether the peer owes an acknowledgement. */
  get hasUnacknowledged(): boolean {
    return this.#outbound.hasUnacknowledged;
  }

  /** Memory that waits for acknowledgements, bytes. */
  get held(): number {
    return this.#outbound.held;
  }

  /** Why the session is over; undefined while it lives. */
  get end(): BlockcloudError | undefined {
    return this.#end;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Goes on over a link. The present one, if any, is given up without a word; if it may still bring frames, its parser
   * goes on, and gets another sink at once.
   *
   * @param parser The link's parser, between two frames.
   * @param position Offset of the first frame that the peer sends on this link.
   * @param peerReceived Offset up to which the peer has this side's frames.
   * @param how.first A frame that goes before all others.
   * @param how.isLate Whether the present link may still bring frames.
   * @returns Whether the bytes from `peerReceived` on are there; if not, nothing has changed.
   */
  attach(
    link: Link,
    parser: FrameParser,
    position: number,
    peerReceived: number,
    { first, isLate = false }: { first?: Buffer; isLate?: boolean } = {},
  ): boolean {
    if (this.#end !== undefined) return false;
    if (position > this.#inbound.received || !this.#outbound.rewind(peerReceived)) return false;
    if (!isLate) this.#parser?.stop();
    this.#detach();
    this.#link = link;
    this.#parser = parser;
    parser.sink = this;
    link.handler = this.#handlerOf(link, parser);
    this.#heardAt = this.now();
    this.#outbound.attach(link);
    if (first !== undefined) link.write(first);
    this.ping();
    this.#inbound.attach(link, position);
    this.#outbound.pump();
    return true;
  }

  /**
   * This side asks to go on over another link from {@link received} on: the peer must keep all from there, so nothing
   * more is acknowledged until {@link attach} or {@link resumeFailed}.
   */
  resuming(): void {
    this.#inbound.hold();
  }

  /** The present link stays. */
  resumeFailed(): void {
    this.#inbound.release();
  }

  /** Stops using the present link; returns it. */
  detach(): Link | undefined {
    this.#parser?.stop();
    return this.#detach();
  }

  #detach(): Link | undefined {
    const link = this.#link;
    this.#link = undefined;
    this.#parser = undefined;
    this.#inbound.detach();
    this.#outbound.detach();
    return link;
  }

  /** Registers a flow; one with a meter counts its bytes. */
  add(id: number, port: number, meter?: FlowMeter): Flow {
    const flow =
      meter === undefined ? new Flow(this, id, port) : new MeteredFlow(this, id, port, meter);
    this.#flows.set(id, flow);
    return flow;
  }

  /** Sends a control frame as part of the ordered stream. */
  send(frame: Buffer): void {
    if (this.#end !== undefined) return;
    const refusal = this.#outbound.control(frame);
    if (refusal !== undefined) this.close(refusal, true);
  }

  /** The present link, as one that another one is about to replace. */
  leaving(): OldLink | undefined {
    const [link, parser, { position }] = [this.#link, this.#parser, this.#inbound];
    if (link === undefined || parser === undefined) return undefined;
    return new OldLink({ link, parser, position }, this, this.#outbound);
  }

  /** Handles a new ordered frame that came over a link which was left. */
  takeLate(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number) {
    if (this.#end !== undefined) return;
    this.#activeAt = this.now();
    this.#inbound.takeLate(size);
    this.#handleOrdered(type, flow, pieces, length);
    this.#inbound.owe();
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    if (this.#link === undefined) return;
    this.#outbound.path.asked(this.now());
    this.#link.write(encodeFrame(FrameType.ping));
  }

  /**
   * Ends the session and its flows.
   *
   * @param tell Whether the peer is told why.
   */
  close(error: BlockcloudError, tell: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    const link = this.detach();
    if (link !== undefined) {
      if (tell) link.write(encodeFrame(FrameType.refused, 0, encodeReason(error)));
      // A peer that does not read the reason must not keep the connection.
      retire(link, this.#clock);
    }
    this.#outbound.clear();
    const flows = [...this.#flows.values()];
    this.#flows.clear();
    for (const flow of flows) flow.fail(error);
    this.#role.ended(error);
  }

  // FlowHost

  ready(flow: Flow): void {
    this.#outbound.ready(flow);
  }

  grant(flow: Flow, limit: number): void {
    this.send(encodeNumberFrame(FrameType.window, flow.id, limit));
  }

  over(flow: Flow, error: BlockcloudError | undefined): void {
    if (!this.#flows.delete(flow.id)) return;
    if (error !== undefined) {
      this.send(encodeFrame(FrameType.reset, flow.id, encodeReason(error)));
    }
    this.#role.flowOver(flow);
  }

  // FrameSink

  frame(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void {
    if (isOrdered(type)) {
      this.#activeAt = this.#heardAt;
      if (this.#inbound.take(size)) this.#handleOrdered(type, flow, pieces, length);
      this.#inbound.owe();
      return;
    }
    switch (type) {
      case FrameType.ack:
        this.#outbound.acknowledge(readNumber(joined(pieces)));
        break;
      case FrameType.ping:
        // A peer that asks and does not read gets no more answers.
        if (this.#link !== undefined && this.#link.queued < MAX_ANSWERS) {
          this.#link.write(encodeFrame(FrameType.pong));
        }
        break;
      case FrameType.pong:
        this.#outbound.path.answered(this.now());
        break;
      case FrameType.refused:
        this.close(decodeReason(joined(pieces)), false);
        break;
      default:
        this.#delegate(type, flow, joined(pieces));
    }
  }

  broken(error: BlockcloudError): void {
    this.close(error, true);
  }

  #handleOrdered(type: number, id: number, pieces: readonly Buffer[], length: number): void {
    const flow = this.#flows.get(id);
    switch (type) {
      case FrameType.data:
        if (flow === undefined) this.#checkOpened(id);
        else flow.deliver(pieces, length);
        break;
      case FrameType.window:
        if (flow === undefined) this.#checkOpened(id);
        else flow.allow(readNumber(joined(pieces)));
        break;
      case FrameType.fin:
        if (flow === undefined) this.#checkOpened(id);
        else flow.ended();
        break;
      case FrameType.reset: {
        if (flow === undefined) {
          this.#checkOpened(id);
          break;
        }
        this.#flows.delete(id);
        flow.refused(decodeReason(joined(pieces)));
        this.#role.flowOver(flow);
        break;
      }
      default:
        this.#delegate(type, id, joined(pieces));
    }
  }

  /** A flow that this side has given up may still have frames under way; a number that was never used has none. */
  #checkOpened(id: number): void {
    if (this.#role.hasOpened(id)) return;
    throw salError("protocol", `The peer sent on flow ${id}, which was never opened.`);
  }

  #delegate(type: number, flow: number, payload: Buffer): void {
    if (this.#role.frame(type, flow, payload) || isOptional(type)) return;
    throw salError("protocol", `The peer sent a frame of the unknown type ${type}.`);
  }

  #handlerOf(link: Link, parser: FrameParser): LinkHandler {
    return {
      data: (chunk) => {
        if (this.#parser !== parser) return;
        this.#heardAt = this.now();
        parser.push(chunk);
        this.#role.heard();
      },
      drained: () => {
        if (this.#link !== link) return;
        this.#inbound.drained();
        this.#outbound.pump();
      },
      closed: (error) => {
        if (this.#link !== link) return;
        this.detach();
        this.#role.lost(error);
      },
    };
  }
}
