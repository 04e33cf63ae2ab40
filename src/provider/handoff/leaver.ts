import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { ANSWER_MS, open } from "./channel.ts";
import { handoffError } from "./errors.ts";
import { channelOf, givenSchema, parsed, provedSchema, releasedSchema } from "./messages.ts";
import { Predecessor } from "./predecessor.ts";
import { check, prove, type KeyedService } from "./proofs.ts";
import type { HandoffWire } from "./wire.ts";

/** How long a process may take to give its duties up, milliseconds: a transaction may be on its way. */
const GIVE_MS = 30_000;

export interface LeaverDependencies {
  domain: Domain;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  clock: Scheduler;
}

/** A process that has given up its duties, for the one that takes the lock. */
export class Leaver {
  readonly file: string;
  readonly #wire: HandoffWire;
  readonly #token: Hex;
  readonly #clock: Scheduler;
  /** The services that both processes have. */
  readonly #shared: readonly KeyedService[];

  private constructor(
    file: string,
    parts: { wire: HandoffWire; token: Hex; clock: Scheduler; shared: readonly KeyedService[] },
  ) {
    this.file = file;
    this.#wire = parts.wire;
    this.#token = parts.token;
    this.#clock = parts.clock;
    this.#shared = parts.shared;
  }

  /**
   * Asks a process for its place: proves itself, checks the other one, and waits until that has given up its duties and
   * the lock.
   *
   * @returns Undefined if the process is gone.
   * @throws BlockcloudError `HANDOFF_REFUSED`, `HANDOFF_FAILED`.
   */
  static async ask(
    file: string,
    services: readonly KeyedService[],
    { domain, now, clock }: LeaverDependencies,
  ): Promise<Leaver | undefined> {
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
      parsed(releasedSchema, await wire.next(GIVE_MS));
      return new Leaver(file, { wire, token: proved.token, clock, shared });
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  /**
   * Takes what the process leaves. Only for a process that has the lock: the other one charges through it from here on.
   *
   * @throws BlockcloudError `HANDOFF_FAILED`.
   */
  async claim(): Promise<Predecessor> {
    const { file } = this;
    const [wire, token, clock] = [this.#wire, this.#token, this.#clock];
    try {
      wire.send({ say: "claim" });
      const given = parsed(givenSchema, await wire.next(ANSWER_MS));
      // A process can give only services whose keys it has proved.
      const services = given.services.filter(({ serviceId }) =>
        this.#shared.some((each) => each.serviceId === serviceId),
      );
      return new Predecessor(file, { given: { ...given, services }, wire, token, clock });
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  close(): void {
    this.#wire.close();
  }
}
