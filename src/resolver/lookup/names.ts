import { getAddress, type Hex } from "viem";
import type { Directory } from "../../chain/directory.ts";
import type { RecordNetwork } from "../../coral/network.ts";
import type { Timers } from "../../node/timers.ts";
import { ZERO_HASH } from "../../protocol/bytes.ts";
import { checkTimes } from "../../protocol/checkRecord.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { canonicalName, parseName, ZONE, type Name } from "../../protocol/name.ts";
import { nameRecords } from "../../protocol/nameRecord.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { resolveErrors, type Answer } from "../answer.ts";
import { rootIdOf, numberOfId } from "../ids.ts";
import { DelayQueue } from "./delayQueue.ts";
import { isLasting, unknownService, unreachable } from "../errors.ts";
import type { ResolverLimits } from "../limits.ts";
import { NegativeCache } from "../cache/negativeCache.ts";

/**
 * How long a name under a service's label is served from memory before the network is queried again,
 * milliseconds.
 */
const RECHECK_MS = 60_000;

/** A name and the service that it means. */
export interface KnownName {
  /** The requested name under `bloc.alt`, in lower case; undefined for a raw ID. */
  name: string | undefined;
  serviceId: Hex;
  nameRecord: Hex | undefined;
  /** When the signed name record expires, Unix milliseconds. */
  expiresAt: number;
  /** Until when it is served from memory, Unix milliseconds. */
  goodUntil: number;
  /** Answers with the name, by the answers without it. */
  answers: WeakMap<Answer, Answer>;
  /** The last answer with the name, and its answer without: most services have one order of endpoints. */
  of: Answer | undefined;
  last: Answer | undefined;
}

/** Resolves names to service IDs, and caches them. The cache is bounded and drops the oldest first. */
export class Names {
  readonly #capacity: number;
  readonly #domain: Domain;
  readonly #failures: NegativeCache;
  readonly #queue: DelayQueue<KnownName>;
  readonly #directory: Directory;
  readonly #network: RecordNetwork;
  readonly #now: () => number;
  readonly #known = new Map<string, KnownName>();
  /** Names under a service's label, by root ID. */
  readonly #subNames = new Map<Hex, Set<string>>();

  constructor(
    options: { domain: Domain; limits: ResolverLimits },
    dependencies: {
      directory: Directory;
      network: RecordNetwork;
      now: () => number;
      timers: Timers;
    },
  ) {
    const { domain, limits } = options;
    this.#capacity = limits.entries;
    this.#domain = domain;
    this.#failures = new NegativeCache({ capacity: limits.failures, ttlMs: limits.failureMs });
    this.#queue = new DelayQueue(limits, dependencies.timers);
    this.#directory = dependencies.directory;
    this.#network = dependencies.network;
    this.#now = dependencies.now;
  }

  stop(): void {
    this.#queue.close();
  }

  /** Number of waiting callers and of cached failures. */
  get load(): { waiting: number; failures: number } {
    return { waiting: this.#queue.waiting, failures: this.#failures.size };
  }

  /** The cached meaning of a name. */
  get(name: string): KnownName | undefined {
    const known = this.#known.get(name);
    return known !== undefined && known.goodUntil > this.#now() ? known : undefined;
  }

  /**
   * Resolves a name.
   *
   * @throws BlockcloudError `NAME_INVALID`, `SERVICE_UNKNOWN`, `RESOLVER_UNREACHABLE`, `RESOLVER_BUSY`.
   */
  async find(given: string, signal: AbortSignal | undefined): Promise<KnownName> {
    const quick = this.get(given);
    if (quick !== undefined) return quick;
    const { name, text } = readName(given);
    const known = this.get(text);
    if (known !== undefined) return known;
    if (name.kind === "id") {
      const always = forEver(undefined, name.serviceId);
      // An ID in digits needs no cache entry.
      return text === name.serviceId ? always : this.#keep(text, always);
    }
    const failure = this.#failures.get(text, this.#now());
    if (failure !== undefined) throw failure;
    return this.#queue.run(text, (over) => this.#ask(text, name, over), signal);
  }

  /** A service changed: with its key, the meaning of names under its label may have changed. */
  changed(number: bigint): void {
    this.#failures.forget({ number });
    const root = rootServiceId(number);
    for (const name of this.#subNames.get(root) ?? []) this.#known.delete(name);
    this.#subNames.delete(root);
  }

  /** A service registered a label. */
  taken(label: string): void {
    this.#failures.forget({ label });
    const known = this.#known.get(`${label}.${ZONE}`);
    this.#known.delete(`${label}.${ZONE}`);
    if (known !== undefined) this.changed(numberOfId(known.serviceId));
  }

  async #ask(
    text: string,
    name: Exclude<Name, { kind: "id" }>,
    signal: AbortSignal,
  ): Promise<KnownName> {
    const of: { label: string; number?: bigint } = { label: name.label };
    try {
      const number = await this.#numberOf(name.label, signal);
      if (number === undefined) throw unknownService(`named ${name.label}.${ZONE}`);
      const root = rootServiceId(number);
      if (name.kind === "label") return this.#keep(text, forEver(text, root));
      of.number = number;
      const known = await this.#findSub(text, root, name.sub, number, signal);
      const siblings = this.#subNames.get(root) ?? new Set();
      this.#subNames.set(root, siblings.add(text));
      return this.#keep(text, known);
    } catch (error) {
      if (isLasting(error)) this.#failures.set(text, error, this.#now(), of);
      throw error;
    }
  }

  async #findSub(
    text: string,
    root: Hex,
    sub: string,
    number: bigint,
    signal: AbortSignal,
  ): Promise<KnownName> {
    const [found, authority] = await Promise.all([
      this.#network.findName(root, sub, signal),
      this.#directory.rootKey(number, signal),
    ]).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw unreachable(`Neither chain nor record network could be asked for ${text}.`, cause);
    });
    if (authority === undefined) throw unknownService(`named ${text}`);
    if (found === undefined) {
      if (this.#network.peers > 0) throw unknownService(`named ${text}`);
      throw unreachable(`No peer of the record network could be asked for ${text}.`);
    }
    const expected = { root, label: sub, rootKey: authority.key, domain: this.#domain };
    let record: ReturnType<typeof checkName>;
    try {
      record = checkName(found.encoded, { ...expected, now: this.#now() });
    } catch (cause) {
      // For example, it is signed by a replaced key: then the name is no longer given.
      if (cause instanceof BlockcloudError) throw unknownService(`named ${text}`, cause);
      throw cause;
    }
    const expiresAt = Number(record.expiresAt);
    return {
      name: text,
      serviceId: record.serviceId,
      nameRecord: found.encoded,
      expiresAt,
      goodUntil: Math.min(expiresAt, this.#now() + RECHECK_MS),
      ...noAnswers(),
    };
  }

  async #numberOf(label: string, signal: AbortSignal): Promise<bigint | undefined> {
    try {
      return await this.#directory.numberOf(label, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw unreachable(`The owner of the label ${label} cannot be read from the chain.`, cause);
    }
  }

  #keep(text: string, known: KnownName): KnownName {
    this.#known.delete(text);
    this.#known.set(text, known);
    for (const [oldest, { serviceId }] of this.#known) {
      if (this.#known.size <= this.#capacity) break;
      this.#known.delete(oldest);
      this.#subNames.get(rootIdOf(serviceId))?.delete(oldest);
    }
    return known;
  }
}

/**
 * Checks a name record.
 *
 * @param expected The expected contents and signer.
 * @throws BlockcloudError `SERVICE_UNKNOWN` for a name that was withdrawn, `NAME_RECORD_MALFORMED`,
 *   `NAME_RECORD_EXPIRED`, `NAME_RECORD_AHEAD`, `NAME_RECORD_SIGNER`, `NAME_RECORD_OTHER`.
 */
export function checkName(
  encoded: Hex,
  expected: { root: Hex; label: string; rootKey: Hex; domain: Domain; now: number },
): { serviceId: Hex; expiresAt: bigint } {
  const { message, signer } = nameRecords.read(encoded, expected.domain);
  const { label, root } = message;
  if (root.toLowerCase() !== expected.root || label !== expected.label) {
    throw new BlockcloudError("NAME_RECORD_OTHER", `It names ${label} of ${root}.`, {
      remedy: "The resolver that sent it is faulty or lies: use another one.",
    });
  }
  checkTimes("NAME_RECORD", message, expected.now);
  if (signer !== getAddress(expected.rootKey)) {
    throw new BlockcloudError("NAME_RECORD_SIGNER", `Signed by ${signer}.`, {
      remedy: "The root service must sign it with its newest key on chain.",
    });
  }
  if (message.serviceId === ZERO_HASH) throw unknownService(`named ${label} under ${root}`);
  return { serviceId: message.serviceId.toLowerCase() as Hex, expiresAt: message.expiresAt };
}

/**
 * Parses a name, and reports every fault as `NAME_INVALID`.
 *
 * @returns The name, and its text in the form that answers carry.
 * @throws BlockcloudError `NAME_INVALID`.
 */
export function readName(text: string): { name: Name; text: string } {
  try {
    const name = parseName(text);
    return { name, text: canonicalName(text) };
  } catch (cause) {
    if (!(cause instanceof BlockcloudError) || cause.code === resolveErrors.invalid) throw cause;
    throw new BlockcloudError(resolveErrors.invalid, `Not a name: ${text.slice(0, 80)}.`, {
      cause,
      remedy: cause.remedy ?? "Check the ID.",
    });
  }
}

function forEver(name: string | undefined, serviceId: Hex): KnownName {
  const times = { expiresAt: Infinity, goodUntil: Infinity };
  return { name, serviceId, nameRecord: undefined, ...times, ...noAnswers() };
}

function noAnswers(): Pick<KnownName, "answers" | "of" | "last"> {
  return { answers: new WeakMap(), of: undefined, last: undefined };
}

/** The same answer with the requested name; created once for each. */
export function named(known: KnownName, answer: Answer): Answer {
  const { name, nameRecord, answers } = known;
  if (name === undefined) return answer;
  if (known.last !== undefined && known.of === answer) return known.last;
  let withName = answers.get(answer);
  if (withName === undefined) {
    withName = {
      ...answer,
      name,
      nameRecord,
      expiresAt: Math.min(answer.expiresAt, known.expiresAt),
    };
    answers.set(answer, withName);
  }
  [known.of, known.last] = [answer, withName];
  return withName;
}
