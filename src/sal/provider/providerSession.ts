import type { Address, Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { Greeting } from "../handshake/greeting.ts";
import { encodeProofs, encodeResumed, type Resume } from "../handshake/messages.ts";
import type { ResumeKeys } from "../handshake/secrets.ts";
import { SessionMeter } from "../pay/sessionMeter.ts";
import { MeteredSession } from "../pay/meteredSession.ts";
import type { Till } from "../pay/till.ts";
import type { Flow } from "../session/flow.ts";
import type { SessionDependencies, SessionRole } from "../session/role.ts";
import { Session, type Line } from "../session/session.ts";
import { retire, type Link } from "../transport/link.ts";
import type { ProviderDirect } from "../upgrade/providerDirect.ts";
import { ProviderUpgrade } from "../upgrade/providerUpgrade.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { PayloadReader } from "../wire/read.ts";
import { encodeReason } from "../wire/reason.ts";
import type { Prover } from "./prover.ts";
import type { FlowHandler, ServedService } from "./service.ts";

/**
 * How the client of a session is connected: `upgraded` is direct, with a relay's link that is kept for a return; `away`
 * has no connection, and may come back.
 */
export type SessionPath = "direct" | "upgraded" | "relayed" | "away";

/** What a session asks of the provider that holds it. */
export interface SessionOwner {
  /** Whether the client may open one more flow; `undefined` if so, else the error. */
  admit(session: ProviderSession): BlockcloudError | undefined;
  /** Counts a flow until the returned function is called. */
  count(session: ProviderSession): () => void;
  orphaned(session: ProviderSession): void;
  /** The session goes on over another link. */
  resumed(session: ProviderSession): void;
  ended(session: ProviderSession, error: BlockcloudError): void;
  /** Takes the right to sign one more receipt for a peer; returns 0, or the milliseconds until it can be had. */
  signingDelay(address: string): number;
}

export interface ProviderSessionParts {
  id: Buffer;
  service: ServedService;
  prover: Prover;
  keys: ResumeKeys;
  client: Address | undefined;
  owner: SessionOwner;
  /** Where the session is paid; undefined if the service has no price. */
  till: Till | undefined;
  /** How clients can leave relays; undefined: they stay on them. */
  direct: ProviderDirect | undefined;
}

/** Protocols that OPEN may name. */
const TCP = 0;
const UDP = 1;

/** The provider's side of a session. */
export class ProviderSession implements SessionRole {
  readonly id: Buffer;
  readonly #parts: ProviderSessionParts;
  readonly #session: Session;
  readonly #upgrade: ProviderUpgrade;
  readonly #dependencies: SessionDependencies;
  #peer = { address: "", port: 0 };
  #channel: Hex = "0x";
  #attempt = 0;
  #lastFlow = 0;
  #isLeaving = false;
  #meter: SessionMeter | undefined;
  /** The nonce that is to be signed, and what ends the wait for the right to. */
  #asked: Buffer | undefined;
  #cancelSigning: (() => void) | undefined;

  constructor(parts: ProviderSessionParts, dependencies: SessionDependencies) {
    this.id = parts.id;
    this.#parts = parts;
    this.#dependencies = dependencies;
    this.#session = new Session(this, dependencies);
    this.#upgrade = new ProviderUpgrade({
      ...{ id: parts.id, session: this.#session, direct: parts.direct, clock: dependencies.clock },
      resume: (line, channel, resume) => this.resume(line, channel, resume),
    });
  }

  get peer(): { readonly address: string; readonly port: number } {
    return this.#peer;
  }

  get serviceId(): Hex {
    return this.#parts.service.serviceId;
  }

  get hasFlows(): boolean {
    return this.#session.flows.size > 0;
  }

  /** Whether the client, which is connected, has not acknowledged everything. */
  get isSending(): boolean {
    return this.#session.link !== undefined && this.#session.hasUnacknowledged;
  }

  /** How the client is connected now. */
  get path(): SessionPath {
    const { link } = this.#session;
    if (link === undefined) return "away";
    if (link.relayed !== undefined) return "relayed";
    return this.#upgrade.hasStandby ? "upgraded" : "direct";
  }

  /** Memory of unacknowledged bytes. */
  get held(): number {
    return this.#session.held;
  }

  /** The peer's address of the first link, which the bounds count. */
  from(link: Link): void {
    this.#peer = link.peer;
  }

  /** The session begins on the link of its handshake. */
  begin(greeting: Greeting, channel: Hex): void {
    this.#channel = channel;
    const { till } = this.#parts;
    if (till !== undefined) {
      this.#meter = new SessionMeter(till, new MeteredSession(this.#session, this.#peer.address));
      this.#meter.start();
    }
    this.#session.attach(greeting.link, greeting.parser, 0, 0);
    this.#upgrade.attached(0, greeting.link);
  }

  /**
   * The session goes on over another link, if the client proves to be its own.
   *
   * @returns Whether it does. If not, nothing has changed.
   */
  resume({ link, parser }: Line, channel: Hex, resume: Resume): boolean {
    const { session: id, attempt, received } = resume;
    const { keys } = this.#parts;
    const claim = { session: id, attempt, clientReceived: received, channel };
    const own = { ...claim, providerReceived: undefined };
    if (!keys.isMac("client", own, resume.mac) || attempt <= this.#attempt) return false;
    const providerReceived = this.#session.received;
    const mac = keys.mac("provider", { ...claim, providerReceived });
    const told = encodeResumed({ attempt, received: providerReceived, mac });
    const frame = encodeFrame(FrameType.resumed, 0, told);
    const old = this.#session.leaving();
    const before = this.#channel;
    const how = { first: frame, isLate: true };
    if (!this.#session.attach(link, parser, providerReceived, received, how)) return false;
    this.#attempt = attempt;
    this.#channel = channel;
    this.#meter?.changed();
    if (old !== undefined) this.#upgrade.left(old, before, link);
    this.#upgrade.attached(attempt, link);
    this.#parts.owner.resumed(this);
    return true;
  }

  /** Tells the client the new record of the service. */
  migrate(record: Buffer): void {
    this.#session.send(encodeFrame(FrameType.migrate, 0, record));
  }

  /** No new flows. */
  leave(): void {
    this.#isLeaving = true;
    const reason = encodeReason(salError("leaving", "The provider is about to stop."));
    this.#session.send(encodeFrame(FrameType.goaway, 0, reason));
  }

  /** The client goes on over another link: this one is given up. */
  release(): void {
    const link = this.#session.detach();
    if (link === undefined) return;
    link.write(encodeFrame(FrameType.moved));
    retire(link, this.#dependencies.clock);
    this.lost();
  }

  /** Ends the session; the client is told why. */
  close(error: BlockcloudError): void {
    this.#session.close(error, true);
  }

  /** Gives up a link from which nothing has come for a time. The session is an orphan then. */
  forsake(silentMs: number): void {
    const session = this.#session;
    this.#upgrade.forsake(silentMs);
    if (session.link === undefined || session.now() - session.heardAt < silentMs) return;
    session.detach()?.destroy();
    this.lost();
  }

  /** Ends a session that its client has left. */
  drop(): void {
    this.#session.close(salError("lost", "The client did not come back."), false);
  }

  // SessionRole

  frame(type: number, flow: number, payload: Buffer): boolean {
    switch (type) {
      case FrameType.open:
        this.#open(flow, payload);
        return true;
      case FrameType.prove:
        this.#prove(payload);
        return true;
      case FrameType.punch:
        this.#upgrade.punch(payload);
        return true;
      case FrameType.pay:
        this.#meter?.pay(payload);
        return this.#meter !== undefined;
      default:
        return false;
    }
  }

  hasOpened(flow: number): boolean {
    return flow > 0 && flow <= this.#lastFlow;
  }

  heard(): void {
    // The client watches the path.
  }

  sending(): void {
    // As above.
  }

  lost(): void {
    this.#meter?.changed();
    this.#parts.owner.orphaned(this);
  }

  ended(error: BlockcloudError): void {
    this.#cancelSigning?.();
    this.#upgrade.stop();
    this.#meter?.stop();
    this.#parts.owner.ended(this, error);
  }

  flowOver(): void {
    // A flow counts until it is closed: the reader may be far behind.
    this.#meter?.changed();
  }

  #open(id: number, payload: Buffer): void {
    const reader = new PayloadReader(payload);
    const port = reader.uint16();
    const protocol = reader.byte();
    // Later versions may say more.
    reader.rest();
    if (id <= this.#lastFlow) throw salError("protocol", `The client opened flow ${id} again.`);
    this.#lastFlow = id;
    const { service, owner } = this.#parts;
    const refusal = owner.admit(this) ?? this.#refusal(port, protocol) ?? this.#meter?.refusal;
    const handler = service.ports.get(port);
    if (refusal !== undefined || handler === undefined) {
      const reason = encodeReason(refusal ?? salError("port", `Port ${port} is not offered.`));
      this.#session.send(encodeFrame(FrameType.reset, id, reason));
      return;
    }
    const flow = this.#session.add(id, port, this.#meter);
    this.#meter?.opened(flow);
    void this.#serve(flow, handler);
  }

  async #serve(flow: Flow, handler: FlowHandler): Promise<void> {
    const hold = counted(this.#parts.owner.count(this));
    flow.once("close", hold());
    const served = hold();
    // The handler adds its own; an error before that must not end the process.
    flow.on("error", () => {});
    try {
      await this.#meter?.admit(flow);
      await handler(flow, { address: this.#peer.address, client: this.#parts.client, hold });
      if (!flow.destroyed) this.#session.send(encodeFrame(FrameType.opened, flow.id));
    } catch (error) {
      flow.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      served();
    }
  }

  #refusal(port: number, protocol: number): BlockcloudError | undefined {
    if (this.#isLeaving) return salError("leaving", "The provider is about to stop.");
    const offered = [...this.#parts.service.ports.keys()].join(", ");
    if (protocol === UDP) return salError("udp", `UDP is not offered; TCP ports: ${offered}.`);
    if (protocol !== TCP) return salError("udp", `Protocol ${protocol} is not offered.`);
    if (this.#parts.service.ports.has(port)) return undefined;
    return salError("port", `Port ${port} is not offered; offered: ${offered}.`);
  }

  #prove(payload: Buffer): void {
    const reader = new PayloadReader(payload);
    // The last question counts, and waits until it may be answered: a new key makes all clients ask at once.
    this.#asked = Buffer.from(reader.bytes(32));
    reader.end();
    if (this.#cancelSigning === undefined) this.#answer();
  }

  #answer(): void {
    this.#cancelSigning = undefined;
    const nonce = this.#asked;
    if (nonce === undefined) return;
    const delay = this.#parts.owner.signingDelay(this.#peer.address);
    if (delay > 0) {
      if (!Number.isFinite(delay)) return;
      this.#cancelSigning = this.#dependencies.clock.after(delay, () => {
        this.#answer();
      });
      return;
    }
    this.#asked = undefined;
    const proofs = this.#parts.prover.prove(nonce, this.#channel);
    const answer = Buffer.concat([nonce, encodeProofs(proofs)]);
    this.#session.send(encodeFrame(FrameType.proved, 0, answer));
  }
}

/** Calls `release` once all who hold have let go, each once. */
function counted(release: () => void): () => () => void {
  let holders = 0;
  return () => {
    let isHeld = true;
    holders += 1;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      holders -= 1;
      if (holders === 0) release();
    };
  };
}
