import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { peerOf, plainAddress } from "../../net/peer.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { ReceiptSigner } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { salError } from "../errors.ts";
import { clientOf } from "../handshake/clientProof.ts";
import { unexpected } from "../handshake/clientHandshake.ts";
import { Greeting } from "../handshake/greeting.ts";
import {
  decodeBegin,
  decodeClientHello,
  decodeResume,
  encodeProviderHello,
  INSTANCE_BYTES,
  SAL_VERSION,
  SESSION_BYTES,
  type Begin,
} from "../handshake/messages.ts";
import { channelOf, ResumeKeys } from "../handshake/secrets.ts";
import { resumeElsewhere, type Elsewhere } from "../handoff/elsewhere.ts";
import { Till, type Pricing } from "../pay/till.ts";
import type { SessionDependencies } from "../session/role.ts";
import type { Link } from "../transport/link.ts";
import type { ProviderDirect } from "../upgrade/providerDirect.ts";
import { FrameType } from "../wire/frames.ts";
import { FlowAdmission } from "./flowAdmission.ts";
import { salLimits, type SalLimits, type SalLimitValues } from "./limits.ts";
import {
  ProviderSession,
  type ProviderSessionParts,
  type SessionPath,
  type SessionOwner,
} from "./providerSession.ts";
import { idle } from "./idle.ts";
import { Prover } from "./prover.ts";
import type { ServedService } from "./service.ts";
import { spread } from "./spread.ts";
import { SessionTable, type SessionObserver } from "./sessionTable.ts";

export interface SalProviderDependencies extends SessionDependencies {
  log: Logger;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  observer?: SessionObserver | undefined;
  /** How clients of relayed sessions can reach this provider directly; undefined: they stay on their relays. */
  direct?: ProviderDirect | undefined;
}

/** Sessions that are told of a move, a second: their resumptions must not come at once. */
const MIGRATIONS_PER_SECOND = 200;

/**
 * A service's side of the SAL: greets clients, and holds their sessions. It does not listen: give it the links that a
 * server accepted, of any address that the service has or had.
 */
export class SalProvider implements SessionOwner {
  /** Under this ID clients find their sessions again, where several instances serve one service: 8 bytes. */
  readonly instance: Buffer;
  readonly #service: ServedService;
  readonly #limits: SalLimitValues;
  readonly #dependencies: SalProviderDependencies;
  readonly #prover: Prover;
  readonly #domain: Domain;
  readonly #table: SessionTable;
  readonly #flows: FlowAdmission;
  readonly #signing: RateLimit;
  readonly #till: Till | undefined;
  /** Since when no session may begin. */
  #leaving: BlockcloudError | undefined;
  #drained: Promise<void> | undefined;
  #stopping: BlockcloudError | undefined;
  /** Whether another process serves in this one's place: what began here is served to its end. */
  #isTail = false;
  /** The processes in whose place this one serves. */
  elsewhere: Elsewhere | undefined;

  /**
   * @param options.instance 8 bytes; by default random.
   * @throws BlockcloudError `SAL_OPTIONS`.
   */
  constructor(
    options: {
      service: ServedService;
      domain: Domain;
      limits?: SalLimits;
      instance?: Buffer | undefined;
      /** What the service costs; undefined: nothing. */
      pricing?: Pricing | undefined;
    },
    dependencies: SalProviderDependencies,
  ) {
    this.instance = options.instance ?? randomBytes(INSTANCE_BYTES);
    if (this.instance.length !== INSTANCE_BYTES) {
      throw salError("options", `An instance has ${this.instance.length} bytes, not 8.`);
    }
    const limits = salLimits(options.limits ?? {});
    this.#service = options.service;
    this.#domain = options.domain;
    this.#limits = limits;
    this.#dependencies = dependencies;
    const signer = new ReceiptSigner(options.domain);
    this.#prover = new Prover(options.service, signer, () => dependencies.now());
    this.#table = new SessionTable(limits, dependencies.clock);
    this.#till = options.pricing && new Till(options.pricing, dependencies);
    const { maxPeers } = limits;
    const monotonic = () => dependencies.clock.monotonic();
    this.#flows = new FlowAdmission(limits, monotonic);
    const { handshakesPerSecond, handshakeBurst } = limits;
    const signing = { perSecond: handshakesPerSecond, burst: handshakeBurst, maxPeers };
    this.#signing = new RateLimit(signing, monotonic);
  }

  /** Where sessions are paid; undefined if the service has no price. */
  get till(): Till | undefined {
    return this.#till;
  }

  get serviceId(): Hex {
    return this.#service.serviceId;
  }

  get limits(): SalLimitValues {
    return this.#limits;
  }

  /** Sessions, with and without a link. */
  get sessions(): number {
    return this.#table.size;
  }

  /** How many sessions have each kind of path. */
  get paths(): Record<SessionPath, number> {
    const paths = { direct: 0, upgraded: 0, relayed: 0, away: 0 };
    for (const { path } of this.#table.all()) paths[path] += 1;
    return paths;
  }

  /** Open flows. */
  get flows(): number {
    return this.#flows.size;
  }

  /**
   * Greets a client, and begins or resumes its session.
   *
   * @param signal Ends the handshake.
   * @throws BlockcloudError if there is no session; the client was told why.
   */
  async accept(link: Link, signal: AbortSignal): Promise<void> {
    const greeting = new Greeting(link, this.#dependencies.clock);
    const abort = () => {
      greeting.refuse(asRefusal(signal.reason));
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      await this.#greet(greeting, signal);
    } catch (error) {
      const refusal = asRefusal(error);
      greeting.refuse(refusal);
      throw refusal;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Tells all clients the service's new record, some at a time. */
  migrate(record: Buffer): void {
    const { clock } = this.#dependencies;
    const migrate = (session: ProviderSession) => {
      session.migrate(record);
    };
    spread(this.#table.all(), migrate, { perSecond: MIGRATIONS_PER_SECOND, clock });
  }

  /** No new sessions or flows. Sessions can still resume here: their flows go on. */
  leave(): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = salError("leaving", "The provider is about to stop.");
    for (const session of this.#table.all()) session.leave();
  }

  /**
   * Another process serves at this one's address from now on. New flows are its own; those that are open go on here,
   * over their links, or over links that the other process passes on.
   */
  handOver(): void {
    if (this.#isTail) return;
    this.#isTail = true;
    for (const session of this.#table.all()) session.leave();
  }

  /** Whether flows are open, or a connected client has not acknowledged everything. */
  get isBusy(): boolean {
    return this.#flows.size > 0 || this.#table.all().some((session) => session.isSending);
  }

  /** Tells clients to go on over another link. */
  release(): void {
    for (const session of this.#table.all()) session.release();
  }

  /**
   * Goes on with a session over a link that another process has passed on.
   *
   * @returns Whether the session is here, and the client is its own; if not, nothing has changed.
   * @throws BlockcloudError `SAL_PROTOCOL` for a payload that is no RESUME.
   */
  adopt(link: Link, channel: Hex, payload: Buffer): boolean {
    return this.#resumed(new Greeting(link, this.#dependencies.clock), channel, payload);
  }

  /** Settles when the provider that leaves has stopped; undefined if it does not leave. */
  get drained(): Promise<void> | undefined {
    return this.#drained;
  }

  /**
   * Leaves, lets open flows end and their last bytes arrive, then stops. What has not ended by then ends with
   * `SAL_LEAVING` at both sides.
   *
   * @param milliseconds How long that may take.
   */
  drain(milliseconds: number): Promise<void> {
    this.#drained ??= this.#drain(milliseconds);
    return this.#drained;
  }

  async #drain(milliseconds: number): Promise<void> {
    this.leave();
    await idle(() => this.isBusy, milliseconds, this.#dependencies.clock);
    this.stop(salError("leaving", "The provider stops."));
  }

  /** Ends all sessions. */
  stop(error: BlockcloudError = salError("leaving", "The provider stops.")): void {
    this.#stopping = error;
    this.#table.stop();
    for (const session of this.#table.all()) session.close(error);
  }

  // SessionOwner

  admit(session: ProviderSession): BlockcloudError | undefined {
    return this.#flows.refusal(session.peer.address);
  }

  count(session: ProviderSession): () => void {
    return this.#flows.count(session.peer.address);
  }

  orphaned(session: ProviderSession): void {
    this.#dependencies.observer?.orphaned();
    this.#table.orphaned(session);
  }

  resumed(session: ProviderSession): void {
    this.#table.adopted(session);
    this.#dependencies.observer?.resumed();
  }

  ended(session: ProviderSession, error: BlockcloudError): void {
    this.#table.remove(session);
    this.#dependencies.observer?.ended(error.code);
  }

  signingDelay(address: string): number {
    return this.#signing.take(peerOf(address));
  }

  async #greet(greeting: Greeting, signal: AbortSignal): Promise<void> {
    const address = plainAddress(greeting.link.peer.address);
    const session = randomBytes(SESSION_BYTES);
    const channel = channelOf(greeting.link);
    await greeting.next((type, payload) => {
      if (type !== FrameType.hello) throw unexpected(type, "HELLO");
      if (this.#stopping !== undefined) throw this.#stopping;
      const { nonce, versions } = decodeClientHello(payload);
      if (!versions.includes(SAL_VERSION)) {
        throw salError(
          "version",
          `The client offers ${versions.join(", ")}; ${SAL_VERSION} is spoken.`,
        );
      }
      if (this.signingDelay(address) > 0) throw salError("busy", "Too many handshakes at once.");
      const { asksClient } = this.#service;
      const proofs = this.#prover.prove(nonce, channel);
      const { instance } = this;
      const isLeaving = this.#leaving !== undefined;
      const hello = { version: SAL_VERSION, session, instance, asksClient, isLeaving, proofs };
      greeting.send(FrameType.hello, encodeProviderHello(hello));
    });
    const foreign = await greeting.next((type, payload) => {
      if (type === FrameType.resume) {
        return this.#resumed(greeting, channel, payload) ? undefined : Buffer.from(payload);
      }
      if (type !== FrameType.begin) throw unexpected(type, "BEGIN or RESUME");
      this.#begin(greeting, session, channel, decodeBegin(payload));
      return undefined;
    });
    if (foreign === undefined) return;
    const { serviceId, elsewhere } = this;
    const resume = { serviceId, peer: greeting.link.peer, channel, payload: foreign };
    const { clock } = this.#dependencies;
    await resumeElsewhere(greeting, { resume, elsewhere, clock }, signal);
  }

  #begin(greeting: Greeting, id: Buffer, channel: Hex, begin: Begin): void {
    if (!begin.session.equals(id)) throw salError("protocol", "The client begins another session.");
    const refusal = this.#stopping ?? this.#leaving;
    if (refusal !== undefined) throw refusal;
    const { serviceId, asksClient } = this.#service;
    const client = asksClient
      ? clientOf({ serviceId, channel, proof: begin.proof }, this.#domain)
      : undefined;
    const keys = ResumeKeys.ofFirstLink(greeting.link, id);
    const { clock, credit } = this.#dependencies;
    const parts: ProviderSessionParts = {
      ...{ id, service: this.#service, prover: this.#prover, keys, client, owner: this },
      till: this.#till,
      direct: this.#dependencies.direct,
    };
    const session = new ProviderSession(
      parts,
      credit === undefined ? { clock } : { clock, credit },
    );
    session.from(greeting.link);
    this.#table.add(session);
    session.begin(greeting, channel);
    this.#dependencies.observer?.opened();
    // Its handshake began before the other process served.
    if (this.#isTail) session.leave();
  }

  #resumed(greeting: Greeting, channel: Hex, payload: Buffer): boolean {
    const resume = decodeResume(payload);
    return this.#table.find(resume.session)?.resume(greeting, channel, resume) === true;
  }
}

function asRefusal(error: unknown): BlockcloudError {
  return error instanceof BlockcloudError
    ? error
    : salError("protocol", "The handshake failed.", { cause: error });
}
