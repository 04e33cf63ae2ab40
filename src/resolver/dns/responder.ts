import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import { AnswerCache, setTtl, type CachedAnswer } from "./answerCache.ts";
import { HEADER_BYTES, rcodes } from "./codes.ts";
import type { ZoneSource } from "./zoneLookup.ts";
import { copyTemplate, fillFlags, fillIn, isInZone, truncate, writeMessage } from "./message.ts";
import { labelsOf, lower, NO_ANSWER, QueryReader } from "./query.ts";

export interface ResponderOptions {
  /** Longest time before an answer is built again, milliseconds; a change ends it at once. */
  keepMs: number;
  /** The same for an answer that varies with each query, to spread the load and to resolve hosts again. */
  keepVaryingMs: number;
  /** Cached answers. */
  maxAnswers: number;
  /** Concurrent lookups. */
  maxPending: number;
  /** Secret seed of the hashes, so that clients cannot predict them. */
  seed: number;
}

export interface ResponderDependencies {
  resolver: Pick<Resolver, "watchAll">;
  zoneLookup: ZoneSource;
  /** The chain's time, which leases use, Unix milliseconds. */
  now(): number;
  timers: Timers;
}

/** The response to a query; the caller owns it. */
export interface Reply {
  bytes: Buffer;
  rcode: number;
}

/**
 * Answers queries from both transports. It caches answers for a short time as the bytes to send, by the bytes
 * of the question. Only the query's ID, its flags and the case of its letters are written into them.
 */
export class Responder {
  /** The parsed contents of the last packet. */
  readonly query: QueryReader;
  /** The response code of the last quick answer. */
  rcode = 0;
  readonly #options: ResponderOptions;
  readonly #resolver: Pick<Resolver, "watchAll">;
  readonly #zoneLookup: ZoneSource;
  readonly #now: ResponderDependencies["now"];
  readonly #timers: Timers;
  readonly #cache: AnswerCache;
  readonly #pending = new Map<string, Promise<CachedAnswer>>();
  /** The cached answer whose bytes the last quick answer returned. */
  #lent: CachedAnswer | undefined;
  #unwatch: (() => void) | undefined;
  /** Running lookups, including those that new callers may no longer join. */
  #running = 0;
  /** Number of changes that the resolver has reported. */
  #changes = 0;

  constructor(options: ResponderOptions, dependencies: ResponderDependencies) {
    this.#options = options;
    this.#resolver = dependencies.resolver;
    this.#zoneLookup = dependencies.zoneLookup;
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
    this.#cache = new AnswerCache(options.maxAnswers);
    this.query = new QueryReader(options.seed);
  }

  /** Number of cached answers. */
  get size(): number {
    return this.#cache.size;
  }

  /** Starts to drop cached answers when the resolver reports a change. */
  start(): void {
    this.#unwatch ??= this.#resolver.watchAll((serviceId) => {
      this.#changes += 1;
      this.#cache.drop(serviceId);
      // Running lookups may have started with the old answer.
      this.#pending.clear();
    });
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /**
   * Answers a query that needs no lookup.
   *
   * @param now Milliseconds of the monotonic clock.
   * @param udp Whether the response must fit the client's limit for UDP.
   * @returns Bytes that the next answer overwrites (see `detach`). Undefined for a packet that gets no
   *   response (`query.outcome` is `NO_ANSWER`), and for a query that needs a lookup.
   */
  quick(packet: Buffer, now: number, udp: boolean): Buffer | undefined {
    const { query } = this;
    this.#lent = undefined;
    const outcome = query.read(packet);
    if (outcome === NO_ANSWER) return undefined;
    if (outcome !== rcodes.NOERROR) return this.#error(packet, outcome);
    const cached = this.#cache.get(packet, query, now);
    if (cached === undefined) return undefined;
    const { template } = cached;
    this.rcode = template.rcode;
    const { edns, dnssecOk } = query;
    if (udp && (edns ? template.edns : template.plain).length > query.udpLimit) {
      return fillIn(truncate(template), packet, edns, dnssecOk);
    }
    this.#lent = cached;
    return fillFlags(template, packet, edns, dnssecOk);
  }

  /**
   * Call this while the bytes of the last quick answer are still in use: the next answer does not overwrite
   * them.
   */
  detach(): void {
    if (this.#lent !== undefined) this.#lent.template = copyTemplate(this.#lent.template);
  }

  /** A truncated response to the last packet, so that its client uses TCP. */
  slip(packet: Buffer): Buffer {
    const { questionEnd, edns, dnssecOk } = this.query;
    const question = packet.subarray(HEADER_BYTES, questionEnd);
    const { NOERROR: rcode } = rcodes;
    // The resolver of glibc skips a server whose empty answer is not authoritative, and never asks over TCP.
    const template = writeMessage({ question, rcode, authoritative: isInZone(question) });
    return fillIn(truncate(template), packet, edns, dnssecOk);
  }

  /** Looks up the question of the last packet. Rejects only on unexpected errors. */
  async lookup(packet: Buffer, udp: boolean): Promise<Reply> {
    const { edns, dnssecOk, questionEnd, udpLimit } = this.query;
    const found = this.#find(packet, questionEnd);
    if (found === undefined) {
      return { bytes: Buffer.from(this.#error(packet, rcodes.SERVFAIL)), rcode: rcodes.SERVFAIL };
    }
    // The packet's memory may hold another packet when the lookup ends.
    const own = Buffer.from(packet.subarray(0, questionEnd));
    const cached = await found;
    setTtl(cached, this.#timers.monotonic());
    const { template } = cached;
    const length = (edns ? template.edns : template.plain).length;
    const fitting = udp && length > udpLimit ? truncate(template) : template;
    return { bytes: Buffer.from(fillIn(fitting, own, edns, dnssecOk)), rcode: template.rcode };
  }

  /**
   * The answer to a question. Concurrent callers share one lookup. Undefined if too many lookups are running.
   */
  #find(packet: Buffer, questionEnd: number): Promise<CachedAnswer> | undefined {
    const question = packet.subarray(HEADER_BYTES, questionEnd).map(lower);
    const key = String.fromCharCode(...question);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#running >= this.#options.maxPending) return undefined;
    this.#running += 1;
    const found = this.#build(question).finally(() => {
      this.#running -= 1;
      if (this.#pending.get(key) === found) this.#pending.delete(key);
    });
    this.#pending.set(key, found);
    return found;
  }

  async #build(question: Uint8Array): Promise<CachedAnswer> {
    const { hash, type, class: questionClass } = this.query;
    const changes = this.#changes;
    const found = await this.#zoneLookup.lookup(labelsOf(question), type, questionClass);
    const { serviceId, maxTtl, expiresAt, rcode, varies } = found;
    const now = this.#timers.monotonic();
    const leaseEnd = expiresAt === undefined ? Infinity : now + expiresAt - this.#now();
    const { keepMs, keepVaryingMs } = this.#options;
    // Between half of the time and all of it, by the hash, so that answers that were built together do not
    // expire together.
    const share = 1 - (hash >>> 24) / 512;
    const until = Math.min(leaseEnd, now + share * (varies ? keepVaryingMs : keepMs));
    const template = writeMessage({ question, ...found });
    const answer = { template, question, serviceId, until, leaseEnd, maxTtl, ttl: -1 };
    // Names that do not exist are not cached, so that they cannot evict existing ones. The resolver caches
    // failures itself.
    const kept = rcode === rcodes.NOERROR && serviceId !== undefined;
    if (kept && changes === this.#changes) this.#cache.put(hash, answer);
    return answer;
  }

  #error(packet: Buffer, rcode: number): Buffer {
    const { questionEnd, edns, dnssecOk } = this.query;
    this.rcode = rcode;
    const question = packet.subarray(HEADER_BYTES, questionEnd);
    return fillIn(writeMessage({ question, rcode }), packet, edns, dnssecOk);
  }
}
