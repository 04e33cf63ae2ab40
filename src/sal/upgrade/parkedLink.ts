import type { Scheduler } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
import { Greeting } from "../handshake/greeting.ts";
import type { OldLink } from "../session/oldLink.ts";
import type { LinkHandler } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType, isOrdered } from "../wire/frames.ts";
import type { FrameSink } from "../wire/parser.ts";

/** How often the peer is asked for a sign of life, and how long it may take, milliseconds. */
const ASK_MS = 20_000;
const ANSWER_MS = 10_000;
/** How long a session that comes back waits for the first answer, milliseconds and round trips. */
const PATIENCE_MS = { least: 150, roundTrips: 4 };

/**
 * The client's end of a relayed link whose session goes on over a direct one. It stays open, so that the session can
 * come back within two round trips. While the direct link's TCP begins, both are used: what comes here is taken until
 * MOVED, and what is new is sent here, too.
 */
export class ParkedLink implements FrameSink, LinkHandler {
  /** The endpoint of the record that the link leads to. */
  readonly endpoint: string;
  readonly #proven: ProvenLink;
  readonly #patienceMs: number;
  readonly #clock: Scheduler;
  readonly #onGone: () => void;
  #isGone = false;
  #isAsked = false;
  /** The link as the session's; undefined once the provider's last frame for it has come, and only answers follow. */
  #old: OldLink | undefined;
  readonly #stopSending: () => void;
  #cancel = () => {};
  #answered: (() => void) | undefined;

  /**
   * @param parked.old The link as the session's; undefined if MOVED has come already.
   * @param parked.srttMs Its round trip.
   * @param onGone Called once when the link is of no more use, or was taken.
   */
  constructor(
    {
      endpoint,
      proven,
      old,
      srttMs,
    }: { endpoint: string; proven: ProvenLink; old: OldLink | undefined; srttMs: number },
    clock: Scheduler,
    onGone: () => void,
  ) {
    this.endpoint = endpoint;
    this.#old = old;
    this.#patienceMs = Math.max(PATIENCE_MS.least, PATIENCE_MS.roundTrips * srttMs);
    this.#proven = proven;
    this.#clock = clock;
    this.#onGone = onGone;
    proven.greeting.parser.reuse(this);
    proven.greeting.link.handler = this;
    if (old === undefined) {
      this.#stopSending = () => {};
      this.#ask();
      return;
    }
    old.sendOn();
    const cancel = clock.after(old.besideMs, () => {
      old.stop();
    });
    this.#stopSending = () => {
      cancel();
      old.stop();
    };
    // After MOVED at the latest: PING asks for it.
    this.#cancel = clock.after(2 * old.besideMs, () => {
      this.#ask();
    });
  }

  /**
   * Waits until the peer answers over this link, and takes it.
   *
   * @throws BlockcloudError `SAL_NO_PATH` if the link is gone or silent; or the signal's reason: the link stays parked
   *   then.
   */
  async take(signal: AbortSignal): Promise<ProvenLink> {
    signal.throwIfAborted();
    if (this.#isGone) throw gone();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#answered = () => {
      if (this.#isGone) reject(gone());
      else resolve(undefined);
    };
    this.#ask();
    const cancel = this.#clock.after(this.#patienceMs, () => {
      reject(salError("noPath", `The relayed link is silent for ${this.#patienceMs} ms.`));
    });
    try {
      await promise;
    } finally {
      cancel();
      this.#answered = undefined;
      signal.removeEventListener("abort", abort);
    }
    signal.throwIfAborted();
    if (this.#isGone) throw gone();
    const { link, parser } = this.#proven.greeting;
    this.#end();
    return { ...this.#proven, greeting: new Greeting(link, this.#clock, parser) };
  }

  close(): void {
    if (this.#isGone) return;
    this.#end();
    this.#proven.greeting.link.destroy();
  }

  frame(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void {
    if (isOrdered(type)) {
      this.#old?.take(type, flow, pieces, length, size);
      return;
    }
    if (type === FrameType.moved && this.#old !== undefined) {
      this.#old = undefined;
      this.#ask();
    }
    if (type !== FrameType.pong || this.#old !== undefined || !this.#isAsked) return;
    this.#isAsked = false;
    this.#cancel();
    this.#cancel = this.#clock.after(ASK_MS, () => {
      this.#ask();
    });
    this.#answered?.();
  }

  broken(_error: BlockcloudError): void {
    this.close();
  }

  data(chunk: Buffer): void {
    this.#proven.greeting.parser.push(chunk);
  }

  drained(): void {
    this.#old?.drained();
  }

  closed(): void {
    this.#end();
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#cancel();
    this.#proven.greeting.link.write(encodeFrame(FrameType.ping));
    this.#cancel = this.#clock.after(ANSWER_MS, () => {
      this.close();
    });
  }

  #end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cancel();
    this.#stopSending();
    this.#onGone();
    this.#answered?.();
  }
}

function gone(): BlockcloudError {
  return salError("noPath", "The relayed link is gone.");
}
