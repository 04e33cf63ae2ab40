import type { Socket } from "node:net";
import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { ForeignResume } from "../../sal/handoff/elsewhere.ts";
import { open } from "./channel.ts";
import { booksSchema, parsed, resumeAnswerSchema, type Given } from "./messages.ts";
import type { HandoffWire } from "./wire.ts";

/** How long it may take to find a session, milliseconds: clients wait 2 s for RESUMED. */
const RESUME_MS = 1_500;

/** Messages that may come before this process keeps the books. */
const MOST_EARLY = 100_000;

/** A process in whose place this one serves. */
export class Predecessor {
  readonly file: string;
  readonly given: Given;
  /** Resolves when the process has ended, or has closed the channel. */
  readonly ended: Promise<void>;
  #isAlive = true;
  readonly #wire: HandoffWire;
  readonly #token: Hex;
  readonly #clock: Scheduler;
  readonly #keepers = new Map<Hex, (message: unknown) => void>();
  #early: { serviceId: Hex; message: unknown }[] = [];

  constructor(
    file: string,
    parts: { given: Given; wire: HandoffWire; token: Hex; clock: Scheduler },
  ) {
    this.file = file;
    this.given = parts.given;
    this.#wire = parts.wire;
    this.#token = parts.token;
    this.#clock = parts.clock;
    this.ended = this.#listen().catch(() => {
      // What ends it is the end of the process, or of its wish to talk.
      this.#wire.close();
    });
    void this.ended.then(() => {
      this.#isAlive = false;
    });
  }

  /** Hears what concerns the books; messages wait until they are kept. */
  async #listen(): Promise<never> {
    for (;;) {
      const { serviceId, message } = parsed(booksSchema, await this.#wire.next());
      const keep = this.#keepers.get(serviceId);
      if (keep !== undefined) keep(message);
      else if (this.#early.length < MOST_EARLY) this.#early.push({ serviceId, message });
      else throw new RangeError("Too many messages.");
    }
  }

  /** Calls back with what the process says about the books of a service, from the first message on. */
  keepBooks(serviceId: Hex, keep: (message: unknown) => void): void {
    this.#keepers.set(serviceId, keep);
    const early = this.#early.filter((each) => each.serviceId === serviceId);
    this.#early = this.#early.filter((each) => each.serviceId !== serviceId);
    for (const { message } of early) keep(message);
  }

  /** Tells the process something about the books. */
  tell(serviceId: Hex, message: object): void {
    this.#wire.send({ say: "books", serviceId, message });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** This process serves a service now. */
  serving(serviceId: Hex): void {
    // A service that costs nothing any more has no books.
    if (!this.#keepers.has(serviceId)) this.keepBooks(serviceId, () => undefined);
    this.#wire.send({ say: "serving", serviceId });
  }

  /** The process must end: too many are in a row. */
  expire(): void {
    this.#wire.send({ say: "expire" });
  }

  close(): void {
    this.#wire.close();
  }

  /**
   * Passes a link on to the process.
   *
   * @returns A connection on which it goes on with the session; undefined if it does not have the session.
   * @throws BlockcloudError `HANDOFF_FAILED` if it does not answer.
   */
  async resume(
    { serviceId, peer, channel, payload }: ForeignResume,
    signal: AbortSignal,
  ): Promise<Socket | undefined> {
    const opened = await open(this.file, this.#clock);
    if (opened === undefined) return undefined;
    const { wire } = opened;
    const abort = () => {
      wire.close();
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      const { address, port } = peer;
      wire.send({
        ...{ ask: "resume", token: this.#token, serviceId, peer: { address, port }, channel },
        payload: bytesToHex(payload),
      });
      const { found } = parsed(resumeAnswerSchema, await wire.next(RESUME_MS));
      if (found && !signal.aborted) return wire.release();
      wire.close();
      return undefined;
    } catch (error) {
      wire.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
