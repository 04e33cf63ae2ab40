import { randomBytes } from "node:crypto";
import { isAddressEqual, type Hex } from "viem";
import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ReceiptSigner, SignedReceipt } from "../../protocol/receipt.ts";
import { salError } from "../errors.ts";
import { provenBy } from "../handshake/clientHandshake.ts";
import { readProofs } from "../handshake/messages.ts";
import type { Session } from "../session/session.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { PayloadReader } from "../wire/read.ts";
import type { Located, Locator } from "./locator.ts";

export interface RightParts {
  session: Session;
  located(): Located;
  /** Of the link in use. */
  channel(): Hex;
  proven(receipt: SignedReceipt): void;
  renewed(located: Located): void;
  end(error: BlockcloudError): void;
  dependencies: { clock: Scheduler; locator: Locator; receipts: ReceiptSigner; now(): number };
}

/** How often the service proves its right again, milliseconds; and how long that may take. */
const PROVE_EVERY_MS = 600_000;
const PROVE_MS = 30_000;
/** Longest time of a timer of Node, milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Watches that a session does not outlive the service's right: its key, and its delegation. */
export class Right {
  readonly #parts: RightParts;
  readonly #over = new AbortController();
  #proving: { nonce: Hex; since: number; cancel: () => void } | undefined;
  #cancelNext = () => {};
  #cancelDelegation = () => {};

  constructor(parts: RightParts) {
    this.#parts = parts;
  }

  /** A link's receipt has proved the right. */
  start(): void {
    this.#planNext();
    this.#planDelegation();
  }

  stop(): void {
    this.#over.abort(salError("closed", "The session is over."));
    this.#cancelNext();
    this.#cancelDelegation();
    this.#forget();
  }

  /** The service is found otherwise than before. */
  relocated(isOtherKey: boolean): void {
    this.#planDelegation();
    if (isOtherKey) this.ask();
  }

  /**
   * The session goes on over another link. Its receipt answers what was asked over the old one, unless an older key has
   * signed it.
   */
  moved(receipt: SignedReceipt): void {
    const { located, dependencies } = this.#parts;
    const signer = dependencies.receipts.recover(receipt);
    if (signer === undefined || !isAddressEqual(signer, located().key)) this.ask();
    else this.#forget();
  }

  /** Asks for a receipt of the key that counts now. */
  ask(): void {
    const { session, dependencies } = this.#parts;
    this.#forget();
    this.#planNext();
    const nonce = randomBytes(32);
    const cancel = dependencies.clock.after(PROVE_MS, () => {
      this.#unanswered();
    });
    this.#proving = { nonce: bytesToHex(nonce), since: dependencies.clock.monotonic(), cancel };
    session.send(encodeFrame(FrameType.prove, 0, nonce));
  }

  /** The payload of PROVED. */
  answered(payload: Buffer): void {
    const reader = new PayloadReader(payload);
    const nonce = bytesToHex(reader.bytes(32));
    const proofs = readProofs(reader);
    reader.end();
    // An answer that came after a move: the new link's receipt was checked.
    if (this.#proving?.nonce !== nonce) return;
    this.#forget();
    const { located, channel, proven, end, dependencies } = this.#parts;
    const { serviceId, key } = located();
    try {
      proven(
        provenBy(proofs, { serviceId, nonce, channel: channel() }, key, dependencies.receipts),
      );
    } catch (cause) {
      if (!(cause instanceof BlockcloudError)) throw cause;
      end(salError("key", `The key of ${serviceId} has changed.`, { cause }));
    }
  }

  #unanswered(): void {
    const { session, end } = this.#parts;
    const isSilent = session.link === undefined || session.heardAt < (this.#proving?.since ?? 0);
    // Without a path nothing comes in. The next link's receipt answers, or this one when it speaks again.
    if (isSilent) this.ask();
    else end(salError("key", "The service does not prove its right again."));
  }

  #forget(): void {
    this.#proving?.cancel();
    this.#proving = undefined;
  }

  #planNext(): void {
    this.#cancelNext();
    this.#cancelNext = this.#parts.dependencies.clock.after(PROVE_EVERY_MS, () => {
      this.ask();
    });
  }

  #planDelegation(): void {
    this.#cancelDelegation();
    const { located, dependencies } = this.#parts;
    const { delegatedUntil } = located();
    if (delegatedUntil === undefined) return;
    const left = delegatedUntil - dependencies.now();
    const wait = Math.min(MAX_TIMER_MS, Math.max(0, left));
    this.#cancelDelegation = dependencies.clock.after(wait, () => {
      if (left > wait) this.#planDelegation();
      else void this.#renew();
    });
  }

  /** The delegation is over: the session goes on only with a newer one. */
  async #renew(): Promise<void> {
    const { located, renewed, end, dependencies } = this.#parts;
    const { clock, locator, now } = dependencies;
    const old = located();
    let cause: unknown;
    try {
      const newer = await withSignal(
        { milliseconds: PROVE_MS, clock, signal: this.#over.signal },
        () => salError("timeout", `No newer record in ${PROVE_MS} ms.`),
        (signal) => locator.relocate(old.serviceId, old.issuedAt, signal),
      );
      renewed(newer);
    } catch (error) {
      cause = error;
    }
    if (this.#over.signal.aborted) return;
    const { serviceId, delegatedUntil } = located();
    if (delegatedUntil === undefined || delegatedUntil > now()) return;
    end(salError("revoked", `The delegation of ${serviceId} has ended.`, { cause }));
  }
}
