import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { ForeignResume } from "../../sal/handoff/elsewhere.ts";
import { handoffError } from "./errors.ts";
import {
  booksSchema,
  channelOf,
  givenSchema,
  helloSchema,
  parsed,
  provedSchema,
  resumeAnswerSchema,
  statusSchema,
  type Given,
  type HandoffStatus,
} from "./messages.ts";
import { check, prove, type KeyedService } from "./proofs.ts";
import { HandoffWire } from "./wire.ts";

/** How long another process may take to answer, milliseconds. */
const ANSWER_MS = 5_000;
/** How long it may take to give its duties up, milliseconds: a transaction may be on its way. */
const GIVE_MS = 30_000;
/** How long it may take to find a session, milliseconds: clients wait 2 s for RESUMED. */
const RESUME_MS = 1_500;

/** Messages that may come before this process keeps the books. */
const MOST_EARLY = 100_000;

export interface PredecessorDependencies {
  domain: Domain;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  clock: Scheduler;
}

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

  private constructor(
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

  /**
   * Takes the place of a process: proves itself, checks the other one, and waits until that has given up its duties.
   *
   * @returns Undefined if the process is gone.
   * @throws BlockcloudError `HANDOFF_REFUSED`, `HANDOFF_FAILED`.
   */
  static async take(
    file: string,
    services: readonly KeyedService[],
    { domain, now, clock }: PredecessorDependencies,
  ): Promise<Predecessor | undefined> {
    const opened = await open(file, clock);
    if (opened === undefined) return undefined;
    const { wire, nonce: oldNonce } = opened;
    try {
      const nonce = bytesToHex(randomBytes(32));
      const channel = channelOf(oldNonce, nonce);
      const issuedAt = Math.floor(now());
      const own = { role: "new" as const, channel, issuedAt: BigInt(issuedAt) };
      wire.send({ ask: "take", nonce, issuedAt, proofs: prove(services, own, domain) });
      const proved = parsed(provedSchema, await wire.next(ANSWER_MS));
      const theirs = { role: "old" as const, channel, issuedAt: BigInt(proved.issuedAt) };
      const known = new Set(proved.proofs.map(({ serviceId }) => serviceId));
      const shared = services.filter(({ serviceId }) => known.has(serviceId));
      if (shared.length === 0) {
        throw handoffError("HANDOFF_REFUSED", "The other process has none of these services.");
      }
      check(shared, proved.proofs, theirs, { domain, now: now() });
      wire.proven();
      const given = parsed(givenSchema, await wire.next(GIVE_MS));
      // What it has not proved, it cannot give.
      const proven = {
        ...given,
        services: given.services.filter(({ serviceId }) =>
          shared.some((each) => each.serviceId === serviceId),
        ),
      };
      return new Predecessor(file, { given: proven, wire, token: proved.token, clock });
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** This process serves a service now. */
  serving(serviceId: Hex): void {
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

/**
 * Asks a process how it stands.
 *
 * @returns Undefined if the process is gone.
 * @throws BlockcloudError `HANDOFF_FAILED`.
 */
export async function statusOf(file: string, clock: Scheduler): Promise<HandoffStatus | undefined> {
  const opened = await open(file, clock);
  if (opened === undefined) return undefined;
  const { wire } = opened;
  try {
    wire.send({ ask: "status" });
    return parsed(statusSchema, await wire.next(ANSWER_MS));
  } finally {
    wire.close();
  }
}

/** Whether no process listens at a socket. */
export async function isGone(file: string, clock: Scheduler): Promise<boolean> {
  const opened = await open(file, clock).catch((error: unknown) => error);
  if (opened === undefined) return true;
  if (!(opened instanceof Error)) (opened as { wire: HandoffWire }).wire.close();
  return false;
}

async function open(
  file: string,
  clock: Scheduler,
): Promise<{ wire: HandoffWire; nonce: Hex } | undefined> {
  const socket = connect({ path: file, allowHalfOpen: true });
  // Its owner changes; what matters is its close.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect");
  } catch (error) {
    socket.destroy();
    // A process that was killed leaves its socket behind.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED" || code === "ENOENT") return undefined;
    throw error;
  }
  const wire = new HandoffWire(socket, clock);
  try {
    const { nonce } = parsed(helloSchema, await wire.next(ANSWER_MS));
    return { wire, nonce };
  } catch (error) {
    wire.close();
    throw error;
  }
}
