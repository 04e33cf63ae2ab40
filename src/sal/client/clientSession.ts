import { isAddressEqual, type Hex } from "viem";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { SignedReceipt } from "../../protocol/receipt.ts";
import { salError } from "../errors.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
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
import { PathWatch } from "./pathWatch.ts";
import { proveClient } from "./proveClient.ts";
import { Recovery, type Move } from "./recovery.ts";
import type { ClientSessionDependencies, MoveReason } from "./dependencies.ts";
import { Renewal } from "./renewal.ts";
import { revocationOf } from "./revocation.ts";
import { Right } from "./right.ts";
import { dialProven } from "./dialProven.ts";

/** The user's side of a session: it opens flows, watches the path, and moves. */
export class ClientSession implements SessionRole {
  readonly #dependencies: ClientSessionDependencies;
  readonly #identity: Uint8Array | undefined;
  readonly #session: Session;
  readonly #watch: PathWatch;
  readonly #openings = new Openings();
  #located: Located;
  #recovery: Recovery | undefined;
  #channel: Hex = "0x";
  #instance = "";
  #receipt: SignedReceipt | undefined;
  #endpoint = "";
  #lastFlow = 0;
  readonly #departure: Departure;
  readonly #paying: ClientPaying;
  #unwatch = () => {};
  readonly #renewal: Renewal;
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
    this.#watch = new PathWatch(
      this.#session,
      dependencies.clock,
      () => {
        this.#move("silence");
      },
      dependencies.times,
    );
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
    this.#renewal = new Renewal(dependencies.maxRecords);
    const valid = (newer: Located) => {
      // Other instances come and go: they do not concern this session.
      const isElsewhere = !newer.endpoints.includes(this.#endpoint);
      if (this.#relocated(newer) && isElsewhere) this.#move("announced");
    };
    this.#announced = new Announced(located.serviceId, valid, dependencies);
  }

  get serviceId(): Hex {
    return this.#located.serviceId;
  }

  get located(): Located {
    return this.#located;
  }

  /** The endpoint in use. */
  get endpoint(): string {
    return this.#endpoint;
  }

  /** The instance that has the session, of several that may serve the ID: 16 hexadecimal digits. */
  get instance(): string {
    return this.#instance;
  }

  /** Whether the session's instance cannot be found, while others live: new flows need another session. */
  get isAstray(): boolean {
    return this.#recovery?.isAstray === true;
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
    const { endpoint, link } = await dialProven(place, this.#dependencies, signal, "begin");
    try {
      only?.check(link.hello.instance.toString("hex"));
      this.#begin(endpoint, link);
    } catch (error) {
      link.greeting.abandon(error);
      throw error;
    }
  }

  #begin(endpoint: string, { greeting, hello, channel, receipt }: ProvenLink): void {
    // The link may have failed since its receipt came.
    if (greeting.failure !== undefined) throw greeting.failure;
    const { session: id, instance } = hello;
    this.#instance = instance.toString("hex");
    const keys = ResumeKeys.ofFirstLink(greeting.link, id);
    const proof = hello.asksClient
      ? proveClient(this.#identity, { serviceId: this.serviceId, channel }, this.#dependencies)
      : undefined;
    const begin = encodeFrame(FrameType.begin, 0, encodeBegin({ session: id, proof }));
    this.#recovery = new Recovery({
      ...{ id, keys, instance },
      session: this.#session,
      endpoint: () => this.#endpoint,
      strayed: () => {
        // Whether the service has seen these or not: the program has sent nothing in them.
        const error = salError("lost", "The instance of the service cannot be found.");
        this.#openings.rejectAll(error);
      },
      located: () => this.#located,
      relocated: (located) => {
        this.#relocated(located);
      },
      moved: (move) => {
        this.#moved(move);
      },
      dependencies: this.#dependencies,
    });
    this.#channel = channel;
    this.#receipt = receipt;
    this.#endpoint = endpoint;
    this.#session.attach(greeting.link, greeting.parser, 0, 0, begin);
    this.#watch.start();
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
    this.#move(reason);
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
        // The provider takes and sends nothing more here.
        this.#session.detach()?.destroy();
        this.#move("lost");
        return true;
      default:
        return false;
    }
  }

  hasOpened(flow: number): boolean {
    return flow > 0 && flow <= this.#lastFlow;
  }

  heard(): void {
    const { link } = this.#session;
    if (link !== undefined && this.#renewal.isDue(link)) this.#move("renewal");
    if (!this.#watch.heard()) return;
    if (this.#recovery?.calm() === true) {
      this.#dependencies.observer?.falseAlarm?.(this.serviceId);
    }
  }

  sending(): void {
    this.#watch.sending();
  }

  lost(): void {
    this.#move("lost");
  }

  ended(error: BlockcloudError): void {
    this.#watch.stop();
    this.#recovery?.stop(error);
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

  #moved({ channel, receipt, endpoint, reason, gapMs }: Move): void {
    this.#channel = channel;
    this.#receipt = receipt;
    this.#endpoint = endpoint;
    this.#watch.start();
    this.#right.moved(receipt);
    const { serviceId } = this;
    this.#dependencies.observer?.moved?.({ serviceId, reason, endpoint, gapMs });
  }

  #move(reason: MoveReason): void {
    if (this.#session.end === undefined) this.#recovery?.start(reason);
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
