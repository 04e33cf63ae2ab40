import { getAddress, type Hex } from "viem";
import type { Directory } from "../chain/directory.ts";
import type { RecordNetwork } from "../coral/network.ts";
import type { Timers } from "../node/timers.ts";
import { ZERO_HASH } from "../protocol/bytes.ts";
import { checkTimes } from "../protocol/checkRecord.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { parseName, ZONE, type Name } from "../protocol/name.ts";
import { nameRecords } from "../protocol/nameRecord.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import type { Domain } from "../protocol/typedData.ts";
import { resolveErrors, type Answer } from "./answer.ts";
import { rootIdOf, numberOfId } from "./ids.ts";
import { DelayQueue } from "./delayQueue.ts";
import { isLasting, unknownService, unreachable } from "./errors.ts";
import type { ResolverLimits } from "./limits.ts";
import { NegativeCache } from "./negativeCache.ts";

/** How long a name under a service's own is taken from memory before the network is asked anew, milliseconds. */
const RECHECK_MS = 60_000;

/** What a name means. */
export interface KnownName {
  /** As it was asked for, in lower case; undefined for a raw ID. */
  name: string | undefined;
  serviceId: Hex;
  nameRecord: Hex | undefined;
  /** Up to when it holds, Unix milliseconds: as long as the signed name record runs. */
  expiresAt: number;
  /** Up to when it is taken from memory. */
  goodUntil: number;
  /** Answers that carry the name, by those without. */
  answers: WeakMap<Answer, Answer>;
  /** The last of them, and the one that it is of: most services have one order of endpoints. */
  of: Answer | undefined;
  last: Answer | undefined;
}

/** Turns names into service IDs, and remembers them; bounded, the oldest go first. */
export class Names {
  readonly #capacity: number;
  readonly #domain: Domain;
  readonly #failures: NegativeCache;
  readonly #queue: DelayQueue<KnownName>;
  readonly #directory: Directory;
  readonly #network: RecordNetwork;
  readonly #now: () => number;
  readonly #known = new Map<string, KnownName>();
  /** Names under a service's own, by its root ID. */
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

  /** Callers that wait, and failures that are remembered. */
  get load(): { waiting: number; failures: number } {
    return { waiting: this.#queue.waiting, failures: this.#failures.size };
  }

  /** What a name is known to mean. */
  get(name: string): KnownName | undefined {
    const known = this.#known.get(name);
    return known !== undefined && known.goodUntil > this.#now() ? known : undefined;
  }

  /**
   * Finds out what a name means.
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
      // An ID in digits needs no memory.
      return text === name.serviceId ? always : this.#keep(text, always);
    }
    const failure = this.#failures.get(text, this.#now());
    if (failure !== undefined) throw failure;
    return this.#queue.run(text, (over) => this.#ask(text, name, over), signal);
  }

  /** A service changed: what names under its own mean may have changed with its key. */
  changed(number: bigint): void {
    this.#failures.forget({ number });
    const root = rootServiceId(number);
    for (const name of this.#subNames.get(root) ?? []) this.#known.delete(name);
    this.#subNames.delete(root);
  }

  /** A service took a label. */
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
      throw unreachable(`Nobody could be asked of ${text}.`, cause);
    });
    if (authority === undefined) throw unknownService(`named ${text}`);
    if (found === undefined) {
      if (this.#network.peers > 0) throw unknownService(`named ${text}`);
      throw unreachable(`No peer of the record network could be asked of ${text}.`);
    }
    const expected = { root, label: sub, rootKey: authority.key, domain: this.#domain };
    let record: ReturnType<typeof checkName>;
    try {
      record = checkName(found.encoded, { ...expected, now: this.#now() });
    } catch (cause) {
      // Signed by a key that was replaced, say: nobody gives the name now.
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
      throw unreachable(`The chain cannot be asked who has the label ${label}.`, cause);
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
 * @param expected What it must say, and who must have signed it.
 * @throws BlockcloudError `SERVICE_UNKNOWN` for a name that was taken back, `NAME_RECORD_MALFORMED`,
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
      remedy: "Whoever gave it out lies, or is at fault: ask another resolver.",
    });
  }
  checkTimes("NAME_RECORD", message, expected.now);
  if (signer !== getAddress(expected.rootKey)) {
    throw new BlockcloudError("NAME_RECORD_SIGNER", `Signed by ${signer}.`, {
      remedy: "The key of the root service must sign it: the newest one that was set on chain.",
    });
  }
  if (message.serviceId === ZERO_HASH) throw unknownService(`named ${label} under ${root}`);
  return { serviceId: message.serviceId.toLowerCase() as Hex, expiresAt: message.expiresAt };
}

/**
 * Reads a name, whatever is wrong with it.
 *
 * @returns The name, and its text in the form that answers carry.
 * @throws BlockcloudError `NAME_INVALID`.
 */
export function readName(text: string): { name: Name; text: string } {
  try {
    const name = parseName(text);
    if (name.kind === "id" && /^0x/i.test(text)) return { name, text: name.serviceId };
    return { name, text: text.toLowerCase().replace(/\.$/, "") };
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
