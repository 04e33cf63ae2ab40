import { isAddressEqual, type Hex } from "viem";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { SignedReceipt } from "../../protocol/receipt.ts";
import { salError } from "../errors.ts";
import { encodeBegin } from "../handshake/messages.ts";
import { ResumeKeys } from "../handshake/secrets.ts";
import type { Flow } from "../session/flow.ts";
import type { SessionRole } from "../session/role.ts";
import { Session } from "../session/session.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType, MAX_FLOW } from "../wire/frames.ts";
import { decodeReason } from "../wire/reason.ts";
import { ClientPaying } from "../pay/paying.ts";
import { Announced } from "./announced.ts";
import { Departure } from "./departure.ts";
import type { Located, LocatedChange } from "./locator.ts";
import { Openings } from "./openings.ts";
import { Moving } from "./moving.ts";
import { proveClient } from "./proveClient.ts";
import type { ClientSessionDependencies, MoveReason, PathKind } from "./dependencies.ts";
import type { Place } from "./resumption.ts";
import { revocationOf } from "./revocation.ts";
import { Right } from "./right.ts";
import { dialProven } from "./dialProven.ts";

/** The user's side of a session: it opens flows, watches the path, and moves. */
export class ClientSession implements SessionRole {
  readonly #dependencies: ClientSessionDependencies;
  readonly #identity: Uint8Array | undefined;
  readonly #session: Session;
  readonly #openings = new Openings();
  #located: Located;
  /** Once the session has begun. */
  #moving: Moving | undefined;
  #channel: Hex = "0x";
  #instance = "";
  #receipt: SignedReceipt | undefined;
  #lastFlow = 0;
  readonly #departure: Departure;
  readonly #paying: ClientPaying;
  #unwatch = () => {};
  #onEnd: (() => void) | undefined;
  readonly #right: Right;
  readonly #announced: Announced;

  /** @param identity 32 secret bytes, from which the key for each service is derived. */
  constructor(
    located: Located,
    identity: Uint8Array | undefined,
    dependencies: ClientSessionDependencies,
  ) {
    this.#located = located;
    this.#identity = identity;
    this.#dependencies = dependencies;
    this.#session = new Session(this, dependencies);
    this.#departure = new Departure(this.#session, dependencies.clock, () => {
      this.close();
    });
    this.#paying = new ClientPaying(this, this.#session, dependencies);
    this.#right = new Right({
      session: this.#session,
      located: () => this.#located,
      channel: () => this.#channel,
      proven: (receipt) => {
        this.#receipt = receipt;
      },
      renewed: (newer) => {
        this.#relocated(newer);
      },
      end: (error) => {
        this.close(error);
      },
      dependencies,
    });
    const valid = (newer: Located) => {
      // Other instances come and go: they do not concern this session.
      const isElsewhere = !newer.endpoints.includes(this.endpoint);
      if (this.#relocated(newer) && isElsewhere) this.#moving?.move("announced");
    };
    this.#announced = new Announced(located.serviceId, valid, dependencies);
  }

  get serviceId(): Hex {
    return this.#located.serviceId;
  }

  get located(): Located {
    return this.#located;
  }

  /** The endpoint of the record by which the service was found. */
  get endpoint(): string {
    return this.#moving?.endpoint ?? "";
  }

  /** How the session reaches the service, and why not without a relay. */
  get path(): { kind: PathKind; whyRelayed: string | undefined } {
    const { kind = "public", whyRelayed } = this.#moving ?? {};
    return { kind, whyRelayed };
  }

  /** The instance that has the session, of several that may serve the ID: 16 hexadecimal digits. */
  get instance(): string {
    return this.#instance;
  }

  /** Whether the session's instance cannot be found, while others live: new flows need another session. */
  get isAstray(): boolean {
    return this.#moving?.isAstray === true;
  }

  /** The newest receipt: the service proved itself over the link in use. */
  get receipt(): SignedReceipt | undefined {
    return this.#receipt;
  }

  get flows(): number {
    return this.#session.flows.size;
  }

  /** Whether new flows may be opened. */
  get isOpen(): boolean {
    return this.#session.end === undefined && !this.#departure.isBegun && this.#lastFlow < MAX_FLOW;
  }

  /** Called once when the session is over. */
  set onEnd(listener: () => void) {
    if (this.#session.end === undefined) this.#onEnd = listener;
    else listener();
  }

  /**
   * Dials the service and begins the session.
   *
   * @param only Dials one endpoint only; `check` throws if no session is wanted with the instance there.
   */
  async start(
    signal: AbortSignal,
    only?: { endpoint: string; check: (instance: string) => void },
  ): Promise<void> {
    const located = this.#located;
    const place = only === undefined ? located : { ...located, endpoints: [only.endpoint] };
    const found = await dialProven(place, this.#dependencies, signal, "begin");
    try {
      only?.check(found.link.hello.instance.toString("hex"));
      this.#begin(found);
    } catch (error) {
      found.link.greeting.abandon(error);
      throw error;
    }
  }

  #begin(place: Place): void {
    const { greeting, hello, channel, receipt } = place.link;
    // The link may have failed since its receipt came.
    if (greeting.failure !== undefined) throw greeting.failure;
    const { session: id, instance } = hello;
    this.#instance = instance.toString("hex");
    const keys = ResumeKeys.ofFirstLink(greeting.link, id);
    const proof = hello.asksClient
      ? proveClient(this.#identity, { serviceId: this.serviceId, channel }, this.#dependencies)
      : undefined;
    const begin = encodeFrame(FrameType.begin, 0, encodeBegin({ session: id, proof }));
    this.#moving = new Moving(place, {
      ...{ id, keys, instance, session: this.#session, dependencies: this.#dependencies },
      located: () => this.#located,
      relocated: (located) => {
        this.#relocated(located);
      },
      strayed: () => {
        // Whether the service has seen these or not: the program has sent nothing in them.
        const error = salError("lost", "The instance of the service cannot be found.");
        this.#openings.rejectAll(error);
      },
      moved: ({ link, isFresh }) => {
        this.#channel = link.channel;
        this.#receipt = link.receipt;
        if (isFresh) this.#right.moved(link.receipt);
        else this.#right.ask();
      },
    });
    this.#channel = channel;
    this.#receipt = receipt;
    this.#session.attach(greeting.link, greeting.parser, 0, 0, { first: begin });
    this.#moving.start();
    this.#unwatch = this.#dependencies.locator.watch(this.serviceId, (change) => {
      this.#changed(change);
    });
    this.#right.start();
  }

  /** Opens a flow; resolves when the service has accepted it. */
  async open(port: number, signal: AbortSignal): Promise<Flow> {
    signal.throwIfAborted();
    if (this.#session.end !== undefined) throw this.#session.end;
    if (this.#openings.isFull || this.#lastFlow >= MAX_FLOW) {
      throw salError("busy", `Too many flows wait for ${this.serviceId}.`);
    }
    this.#lastFlow += 1;
    const id = this.#lastFlow;
    const flow = this.#session.add(id, port, this.#paying.meter);
    this.#paying.meter?.opened(flow);
    const payload = Buffer.allocUnsafe(3);
    payload.writeUInt16BE(port);
    payload[2] = 0;
    this.#session.send(encodeFrame(FrameType.open, id, payload));
    return this.#openings.wait(id, flow, signal);
  }

  /** Looks for another path at once, for a reason that the session itself cannot see. */
  reconsider(reason: MoveReason): void {
    this.#moving?.move(reason);
  }

  /** Opens no more flows, and ends the session after the last one. */
  depart(): void {
    this.#departure.begin();
  }

  /** Ends the flows, and pays what they owe. */
  settle(error: BlockcloudError): Promise<void> {
    return this.#paying.settle(error);
  }

  /** Ends the session; the service is told. */
  close(error: BlockcloudError = salError("closed", "The client was closed.")): void {
    this.#session.close(error, true);
  }

  // SessionRole

  frame(type: number, flow: number, payload: Buffer): boolean {
    switch (type) {
      case FrameType.opened: {
        if (!this.hasOpened(flow)) {
          throw salError("protocol", `The service accepts flow ${flow}, which was never opened.`);
        }
        const opened = this.#session.flows.get(flow);
        if (opened !== undefined) this.#openings.accept(flow, opened);
        return true;
      }
      case FrameType.migrate:
        this.#announced.take(bytesToHex(payload));
        return true;
      case FrameType.proved:
        this.#right.answered(payload);
        return true;
      case FrameType.quote:
        this.#paying.quote(payload);
        return true;
      case FrameType.goaway:
        this.#leave(decodeReason(payload));
        return true;
      case FrameType.moved:
        this.#moving?.handedOver();
        return true;
      case FrameType.candidates:
        this.#moving?.candidates(payload);
        return true;
      default:
        return false;
    }
  }

  hasOpened(flow: number): boolean {
    return flow > 0 && flow <= this.#lastFlow;
  }

  heard(): void {
    this.#moving?.heard();
  }

  sending(): void {
    this.#moving?.sending();
  }

  lost(): void {
    this.#moving?.move("lost");
  }

  ended(error: BlockcloudError): void {
    this.#moving?.stop(error);
    this.#departure.stop();
    this.#paying.meter?.stop();
    this.#unwatch();
    this.#right.stop();
    this.#announced.stop();
    this.#openings.rejectAll(error);
    this.#onEnd?.();
  }

  flowOver(): void {
    this.#paying.meter?.changed();
    this.#departure.check();
  }

  #leave(reason: BlockcloudError): void {
    this.#dependencies.log.info("the service takes no new flows", { reason: reason.message });
    this.depart();
  }

  #changed(change: LocatedChange): void {
    if ("located" in change) {
      this.#relocated(change.located);
      return;
    }
    const revocation = revocationOf(change.error);
    if (revocation !== undefined) this.close(revocation);
  }

  /** Takes over where the service is; returns whether that is newer than what was known. */
  #relocated(located: Located): boolean {
    if (this.#session.end !== undefined) return false;
    const isOther = !isAddressEqual(located.key, this.#located.key);
    const isNewer = located.issuedAt > this.#located.issuedAt;
    if (!isOther && !isNewer) return false;
    this.#located = located;
    // The old endpoint may still be in the record; if it is not, the link works until it is closed.
    this.#right.relocated(isOther);
    return true;
  }
}
