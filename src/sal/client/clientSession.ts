import { randomBytes } from "node:crypto";
import type { Address, Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ReceiptSigner, SignedReceipt } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { salError } from "../errors.ts";
import { provenBy } from "../handshake/clientHandshake.ts";
import { clientKey, signClientProof } from "../handshake/clientProof.ts";
import { encodeBegin, readProofs } from "../handshake/messages.ts";
import { ResumeKeys } from "../handshake/secrets.ts";
import type { Flow } from "../session/flow.ts";
import { Session, type SessionDependencies, type SessionRole } from "../session/session.ts";
import type { Transport } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType, MAX_FLOW } from "../wire/frames.ts";
import { PayloadReader } from "../wire/read.ts";
import { decodeReason } from "../wire/reason.ts";
import type { Located, LocatedChange, Locator } from "./locator.ts";
import { PathWatch, type PathTimes } from "./pathWatch.ts";
import { Recovery, type MoveReason } from "./recovery.ts";
import { dialProven } from "./dialProven.ts";

/** What a program sees of a session's moves. */
export interface PathObserver {
  /** The session goes on over another link. */
  moved?(move: { serviceId: Hex; reason: MoveReason; endpoint: string; gapMs: number }): void;
  /** A second link was dialled in vain: the first one gave bytes again. */
  falseAlarm?(serviceId: Hex): void;
}

export interface ClientSessionDependencies extends SessionDependencies {
  transport: Transport;
  locator: Locator;
  receipts: ReceiptSigner;
  domain: Domain;
  log: Logger;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  observer?: PathObserver | undefined;
  times?: PathTimes | undefined;
}

interface Opening {
  resolve(flow: Flow): void;
  reject(error: Error): void;
}

/** How often the service proves its right again, milliseconds; and how long that may take. */
const PROVE_EVERY_MS = 600_000;
const PROVE_MS = 30_000;

/** The user's side of a session: it opens flows, watches the path, and moves. */
export class ClientSession implements SessionRole {
  readonly #dependencies: ClientSessionDependencies;
  readonly #identity: Uint8Array | undefined;
  readonly #session: Session;
  readonly #watch: PathWatch;
  readonly #opening = new Map<number, Opening>();
  #located: Located;
  #recovery: Recovery | undefined;
  #channel: Hex = "0x";
  #receipt: SignedReceipt | undefined;
  #endpoint = "";
  #lastFlow = 0;
  #isLeaving = false;
  #unwatch = () => {};
  #cancelProve = () => {};
  #proving: { nonce: Hex; cancel: () => void; key: Address } | undefined;
  #onEnd: (() => void) | undefined;

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

  /** The newest receipt: the service proved itself over the link in use. */
  get receipt(): SignedReceipt | undefined {
    return this.#receipt;
  }

  get flows(): number {
    return this.#session.flows.size;
  }

  /** Whether new flows may be opened. */
  get isOpen(): boolean {
    return this.#session.end === undefined && !this.#isLeaving && this.#lastFlow < MAX_FLOW;
  }

  /** Called once when the session is over. */
  set onEnd(listener: () => void) {
    this.#onEnd = listener;
  }

  /** Dials the service and begins the session. */
  async start(signal: AbortSignal): Promise<void> {
    const { endpoint, link } = await dialProven(this.#located, this.#dependencies, signal);
    const { greeting, hello, channel, receipt } = link;
    const { session: id } = hello;
    const { clock, locator } = this.#dependencies;
    const keys = ResumeKeys.ofFirstLink(greeting.link, id);
    const proof = hello.asksClient ? this.#proveClient(channel) : undefined;
    const begin = encodeFrame(FrameType.begin, 0, encodeBegin({ session: id, proof }));
    this.#recovery = new Recovery({
      id,
      keys,
      session: this.#session,
      located: () => this.#located,
      relocated: (located) => {
        this.#relocated(located);
      },
      moved: (move) => {
        this.#channel = move.channel;
        this.#receipt = move.receipt;
        this.#endpoint = move.endpoint;
        this.#watch.start();
        const { reason, gapMs } = move;
        this.#dependencies.observer?.moved?.({
          serviceId: this.serviceId,
          reason,
          endpoint: move.endpoint,
          gapMs,
        });
      },
      dependencies: this.#dependencies,
    });
    this.#channel = channel;
    this.#receipt = receipt;
    this.#endpoint = endpoint;
    this.#session.attach(greeting.link, greeting.parser, 0, 0, begin);
    this.#watch.start();
    this.#unwatch = locator.watch(this.serviceId, (change) => {
      this.#changed(change);
    });
    this.#cancelProve = clock.after(PROVE_EVERY_MS, () => {
      this.#proveAgain();
    });
  }

  /** Opens a flow; resolves when the service has accepted it. */
  async open(port: number, signal: AbortSignal): Promise<Flow> {
    signal.throwIfAborted();
    if (this.#session.end !== undefined) throw this.#session.end;
    this.#lastFlow += 1;
    const id = this.#lastFlow;
    const flow = this.#session.add(id, port);
    const payload = Buffer.allocUnsafe(3);
    payload.writeUInt16BE(port);
    payload[2] = 0;
    this.#session.send(encodeFrame(FrameType.open, id, payload));
    this.#watch.sending();
    const { promise, resolve, reject } = Promise.withResolvers<Flow>();
    this.#opening.set(id, { resolve, reject });
    const abort = () => {
      reject(signal.reason as Error);
      flow.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    flow.on("error", reject);
    try {
      const opened = await promise;
      flow.off("error", reject);
      return opened;
    } catch (error) {
      // Its own error follows when it is destroyed; this one is told.
      flow.on("error", () => {});
      throw error;
    } finally {
      this.#opening.delete(id);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Looks for another path at once: the host's own addresses have changed, or it has slept. */
  reconsider(reason: MoveReason): void {
    this.#move(reason);
  }

  /** Ends the session; the service is told. */
  close(error: BlockcloudError = salError("closed", "The client was closed.")): void {
    this.#session.close(error, true);
  }

  // SessionRole

  frame(type: number, flow: number, payload: Buffer): boolean {
    switch (type) {
      case FrameType.opened: {
        const opened = this.#session.flows.get(flow);
        if (opened !== undefined) this.#opening.get(flow)?.resolve(opened);
        return true;
      }
      case FrameType.migrate:
        this.#migrate(payload);
        return true;
      case FrameType.proved:
        this.#proved(payload);
        return true;
      case FrameType.goaway:
        this.#leave(decodeReason(payload));
        return true;
      case FrameType.moved:
        this.#move("lost");
        return true;
      default:
        return false;
    }
  }

  heard(): void {
    if (!this.#watch.heard()) return;
    if (this.#recovery?.calm() === true) {
      this.#dependencies.observer?.falseAlarm?.(this.serviceId);
    }
  }

  lost(): void {
    this.#move("lost");
  }

  ended(error: BlockcloudError): void {
    this.#watch.stop();
    this.#recovery?.stop(error);
    this.#unwatch();
    this.#cancelProve();
    this.#proving?.cancel();
    for (const { reject } of this.#opening.values()) reject(error);
    this.#onEnd?.();
  }

  flowOver(): void {
    if (this.#isLeaving && this.#session.flows.size === 0) this.close();
  }

  #move(reason: MoveReason): void {
    if (this.#session.end === undefined) this.#recovery?.start(reason);
  }

  #leave(reason: BlockcloudError): void {
    this.#isLeaving = true;
    this.#dependencies.log.info("the service takes no new flows", { reason: reason.message });
    if (this.#session.flows.size === 0) this.close();
  }

  #migrate(payload: Buffer): void {
    const { locator, log } = this.#dependencies;
    const signal = AbortSignal.timeout(PROVE_MS);
    locator.check(this.serviceId, bytesToHex(payload), signal).then(
      (located) => {
        this.#relocated(located);
        this.#move("announced");
      },
      (error: unknown) => {
        log.warn("the service announced a move with a record that is not valid", { error });
      },
    );
  }

  #changed(change: LocatedChange): void {
    if ("located" in change) {
      this.#relocated(change.located);
      return;
    }
    const { code, message } = change.error;
    if (REVOKING.includes(code)) this.#revoked(message);
  }

  #relocated(located: Located): void {
    const isOther = located.key !== this.#located.key;
    if (located.issuedAt < this.#located.issuedAt && !isOther) return;
    this.#located = located;
    // The old endpoint may still be in the record; if it is not, the link works until it is closed.
    if (isOther) this.#proveAgain();
  }

  #revoked(why: string): void {
    this.close(salError("revoked", `The service ended: ${why}`));
  }

  /** Asks for a receipt of the key that counts now. */
  #proveAgain(): void {
    const { clock } = this.#dependencies;
    this.#cancelProve();
    this.#proving?.cancel();
    const nonce = randomBytes(32);
    const cancel = clock.after(PROVE_MS, () => {
      this.#proving = undefined;
      if (this.#receipt === undefined || this.#channel !== this.#receipt.channel) return;
      this.close(salError("key", "The service does not prove its right again."));
    });
    this.#proving = { nonce: bytesToHex(nonce), cancel, key: this.#located.key };
    this.#session.send(encodeFrame(FrameType.prove, 0, nonce));
    this.#cancelProve = clock.after(PROVE_EVERY_MS, () => {
      this.#proveAgain();
    });
  }

  #proved(payload: Buffer): void {
    const reader = new PayloadReader(payload);
    const nonce = bytesToHex(reader.bytes(32));
    const proofs = readProofs(reader);
    reader.end();
    const proving = this.#proving;
    // An answer that came after a move: the new link's handshake has proved the same.
    if (proving?.nonce !== nonce) return;
    proving.cancel();
    this.#proving = undefined;
    const claim = { serviceId: this.serviceId, nonce, channel: this.#channel };
    try {
      this.#receipt = provenBy(proofs, claim, proving.key, this.#dependencies.receipts);
    } catch (cause) {
      if (!(cause instanceof BlockcloudError)) throw cause;
      this.close(salError("key", `The key of ${this.serviceId} has changed.`, { cause }));
    }
  }

  #proveClient(channel: Hex) {
    const { serviceId } = this;
    if (this.#identity === undefined) {
      throw salError("identity", `${serviceId} serves only clients that say who they are.`);
    }
    const issuedAt = BigInt(Math.floor(this.#dependencies.now()));
    const key = clientKey(this.#identity, serviceId);
    return signClientProof({ serviceId, channel, issuedAt }, this.#dependencies.domain, key);
  }
}

/** Codes of a lookup after which the service has no right to go on. */
const REVOKING: readonly string[] = [
  "SERVICE_UNKNOWN",
  "SERVICE_INACTIVE",
  "DELEGATION_EXPIRED",
  "SERVICE_DROPPED",
];
