import type { Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { epochAt, epochStart, type EpochTiming } from "../../protocol/epoch.ts";
import type { Answer } from "../answer.ts";
import { AnswerCache } from "./answerCache.ts";
import { isRootId } from "../ids.ts";
import { answerOf, isSameAnswer, type CacheEntry } from "./entry.ts";
import { expiredDelegation, staleRecord } from "../errors.ts";
import type { Random } from "../order.ts";
import type { FoundRecord } from "../lookup/recordLookup.ts";
import type { Watchers } from "../watchers.ts";

/** A record is renewed when a quarter of its lease is left, and at least at this interval, milliseconds. */
const LEASE_SHARE = 0.75;
const ASK_MS = 300_000;
/**
 * The interval for announcements, which are needed only while the record network does not have the record.
 */
const ASK_ANNOUNCED_MS = 30_000;
/** Shortest interval between two tries of a renewal, milliseconds. */
const RETRY_MS = 5_000;
/** Verdicts are read again spread over this time after an epoch's start, milliseconds. */
const SPREAD_MS = 60_000;

/** The answers that a resolver holds: adds found records, drops expired ones, and notifies watchers. */
export class Holdings {
  readonly #cache: AnswerCache;
  readonly #timing: EpochTiming | undefined;
  readonly #now: () => number;
  readonly #random: Random;
  readonly #watchers: Watchers;

  constructor(
    options: { capacity: number; timing: EpochTiming | undefined },
    dependencies: { now: () => number; random: Random; watchers: Watchers },
  ) {
    this.#timing = options.timing;
    this.#now = dependencies.now;
    this.#random = dependencies.random;
    this.#watchers = dependencies.watchers;
    this.#cache = new AnswerCache(options.capacity, (id) => this.#watchers.names(id));
  }

  get size(): number {
    return this.#cache.size;
  }

  get(serviceId: Hex): CacheEntry | undefined {
    return this.#cache.get(serviceId);
  }

  /** The entry of a service, if its answer is valid. */
  inForce(serviceId: Hex, now: number): CacheEntry | undefined {
    const entry = this.#cache.get(serviceId);
    if (entry === undefined || now >= entry.expiresAt) return undefined;
    entry.used = 1;
    return entry;
  }

  /** Adds a found record, and returns the answer that is valid from now on. */
  take(serviceId: Hex, found: FoundRecord): Answer {
    const now = this.#now();
    const entry = this.#cache.ensure(serviceId);
    const { record, delegation } = found.checked;
    // All services with the same key share one string.
    const signer =
      found.checked.signer === found.facts.key ? found.facts.key : found.checked.signer;
    const issuedAt = Number(record.issuedAt);
    const { seen } = entry;
    const isOlder = seen?.signer === signer && seen.issuedAt > issuedAt;
    if (found.source !== "announcement" && !isOlder) {
      entry.seen = { issuedAt, expiresAt: Number(record.expiresAt), signer, delegation };
    }
    const held = now < entry.expiresAt ? entry.answer : undefined;
    // A push is always as new as the network knows; results from other sources may be older than the held
    // record.
    const isBehind = isOlder || (found.source === "announcement" && held?.source !== found.source);
    const kept = found.source !== "coral" && held !== undefined && isBehind;
    const answer = kept
      ? { ...held, service: found.facts }
      : answerOf(
          serviceId,
          found.checked,
          found.facts,
          { source: found.source, superseded: found.superseded || isOlder },
          this.#random,
        );
    const isNew = !isSameAnswer(entry.answer, answer);
    entry.hold(isNew ? answer : (entry.answer ?? answer), this.#times(answer, now));
    this.#cache.schedule(entry);
    if (isNew) this.#watchers.tell(serviceId, { answer });
    return entry.next(this.#random) ?? answer;
  }

  /** Drops the answer of a service, and notifies its watchers with the error. */
  drop(serviceId: Hex, { code, message }: BlockcloudError): void {
    this.#cache.get(serviceId)?.clear();
    this.#watchers.tell(serviceId, { error: { code, message } });
  }

  /** Drops the answer of a service without notifying its watchers. */
  forget(serviceId: Hex): void {
    this.#cache.get(serviceId)?.clear();
  }

  /** The same for a root service and its sub-services. Returns the IDs whose watchers must be notified. */
  forgetFamily(rootId: Hex): Hex[] {
    const watched = this.#watchers.idsUnder(rootId);
    for (const entry of this.#cache.family(rootId)) {
      if (entry.answer !== undefined && this.#watchers.has(entry.serviceId)) {
        watched.add(entry.serviceId);
      }
      entry.clear();
    }
    return [...watched];
  }

  /** Drops expired answers. Returns the IDs with watchers, which need a newer answer. */
  expire(): Hex[] {
    const now = this.#now();
    return this.#cache.expired(now).flatMap((entry) => {
      const { serviceId, seen, expiresAt } = entry;
      const isUndelegated = !isRootId(serviceId) && Number(seen?.delegation?.expiresAt) <= now;
      this.drop(
        serviceId,
        isUndelegated ? expiredDelegation(serviceId) : staleRecord(serviceId, expiresAt),
      );
      return this.#watchers.has(serviceId) ? [serviceId] : [];
    });
  }

  /** Postpones the next renewal, because one is running. */
  postpone(serviceId: Hex): void {
    const entry = this.#cache.get(serviceId);
    entry?.refreshFrom(this.#now() + RETRY_MS);
  }

  /** Whether the record network should be queried for a newer record. */
  isToAsk(serviceId: Hex): boolean {
    const now = this.#now();
    const entry = this.inForce(serviceId, now);
    return entry === undefined || now >= entry.askAt;
  }

  #times({ expiresAt, source }: Answer, now: number): { askAt: number; factsAt: number } {
    const most = source === "announcement" ? ASK_ANNOUNCED_MS : ASK_MS;
    const askAt = now + Math.min(LEASE_SHARE * (expiresAt - now), most);
    if (this.#timing === undefined) return { askAt, factsAt: Infinity };
    const begin = epochStart(this.#timing, epochAt(this.#timing, now / 1000) + 1) * 1000;
    const spread = Math.min(SPREAD_MS, this.#timing.epochSeconds * 100);
    return { askAt, factsAt: begin + this.#random() * spread };
  }
}
