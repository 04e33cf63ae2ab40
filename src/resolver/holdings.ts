import type { Hex } from "viem";
import type { BlockcloudError } from "../protocol/errors.ts";
import { epochAt, epochStart, type EpochTiming } from "../protocol/epoch.ts";
import type { Answer } from "./answer.ts";
import { AnswerCache } from "./answerCache.ts";
import { isRootId } from "./ids.ts";
import { answerOf, isSameAnswer, type Entry } from "./entry.ts";
import { expiredDelegation, staleRecord } from "./errors.ts";
import type { Random } from "./order.ts";
import type { Found } from "./recordLookUp.ts";
import type { Watchers } from "./watchers.ts";

/** A record is looked up anew when a quarter of its lease is left, and at least so often, milliseconds. */
const LEASE_SHARE = 0.75;
const ASK_MS = 300_000;
/** The same for what should not be there while the record network is. */
const ASK_ANNOUNCED_MS = 30_000;
/** No renewal is tried sooner after another, milliseconds. */
const RETRY_MS = 5_000;
/** Verdicts are read anew within this time after an epoch's begin, not all at once; milliseconds. */
const SPREAD_MS = 60_000;

/** What a resolver holds: takes what was found, lets go of what ran out, and tells those who watch. */
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

  get(serviceId: Hex): Entry | undefined {
    return this.#cache.get(serviceId);
  }

  /** The entry of a service whose answer holds. */
  inForce(serviceId: Hex, now: number): Entry | undefined {
    const entry = this.#cache.get(serviceId);
    if (entry === undefined || now >= entry.expiresAt) return undefined;
    entry.used = 1;
    return entry;
  }

  /** Takes what was found, and gives the answer that holds from now on. */
  take(serviceId: Hex, found: Found): Answer {
    const now = this.#now();
    const entry = this.#cache.ensure(serviceId);
    const { record, delegation } = found.checked;
    // One text for all services of a key, not one for each.
    const signer =
      found.checked.signer === found.facts.key ? found.facts.key : found.checked.signer;
    const issuedAt = Number(record.issuedAt);
    const { seen } = entry;
    const isOlder = seen?.signer === signer && seen.issuedAt > issuedAt;
    if (found.source !== "announcement" && !isOlder) {
      entry.seen = { issuedAt, expiresAt: Number(record.expiresAt), signer, delegation };
    }
    const held = now < entry.expiresAt ? entry.answer : undefined;
    // A push is always as new as its network knows; what others say may be behind what is held.
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

  /** Lets go of a service, and says why. */
  drop(serviceId: Hex, { code, message }: BlockcloudError): void {
    this.#cache.get(serviceId)?.clear();
    this.#watchers.tell(serviceId, { error: { code, message } });
  }

  /** Lets go of one service, without a word. */
  forget(serviceId: Hex): void {
    this.#cache.get(serviceId)?.clear();
  }

  /** The same for a root service and its sub-services. Returns whose watchers should hear what holds now. */
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

  /** Lets go of what has run out. Returns whose watchers would like a newer one. */
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

  /** Puts off the next renewal: one is under way. */
  postpone(serviceId: Hex): void {
    const entry = this.#cache.get(serviceId);
    entry?.refreshFrom(this.#now() + RETRY_MS);
  }

  /** Whether the record network should be asked for a newer record. */
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
