import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import { AnswerCache, setTtl, type CachedAnswer } from "./answerCache.ts";
import { HEADER_BYTES, rcodes } from "./codes.ts";
import type { Finder } from "./finder.ts";
import { copyTemplate, fillFlags, fillIn, truncate, writeMessage } from "./message.ts";
import { labelsOf, lower, NO_ANSWER, QueryReader } from "./query.ts";

export interface ResponderOptions {
  /** How long an answer is used at most before it is built anew, milliseconds; a change ends that at once. */
  keepMs: number;
  /** The same for one that would be another each time: loads are spread, and hosts looked at again. */
  keepVaryingMs: number;
  /** Answers that are kept. */
  maxAnswers: number;
  /** Questions that are looked up at a time. */
  maxPending: number;
  /** Seed of the hashes: nobody outside may foresee them. */
  seed: number;
}

export interface ResponderDependencies {
  resolver: Pick<Resolver, "watchAll">;
  finder: Finder;
  /** Unix milliseconds of the chain's time, which leases run by. */
  now(): number;
  timers: Timers;
}

/** A query's answer, which is the caller's own. */
export interface Reply {
  bytes: Buffer;
  rcode: number;
}

/**
 * Turns queries into answers, whichever way they came. Answers are kept as the bytes to send, by the bytes of
 * the question, for a moment; of a query only its ID, its flags and the case of its letters are written into
 * them.
 */
export class Responder {
  /** What the packet says that was given last. */
  readonly query: QueryReader;
  /** The code of the last quick answer. */
  rcode = 0;
  readonly #options: ResponderOptions;
  readonly #d: ResponderDependencies;
  readonly #cache: AnswerCache;
  readonly #pending = new Map<string, Promise<CachedAnswer>>();
  /** Whose bytes the last quick answer was. */
  #lent: CachedAnswer | undefined;
  #unwatch: (() => void) | undefined;
  /** Look-ups that run, those included that nobody new may join. */
  #running = 0;
  /** Changes that the resolver has told of. */
  #changes = 0;

  constructor(options: ResponderOptions, dependencies: ResponderDependencies) {
    this.#options = options;
    this.#d = dependencies;
    this.#cache = new AnswerCache(options.maxAnswers);
    this.query = new QueryReader(options.seed);
  }

  /** Answers that are kept now. */
  get size(): number {
    return this.#cache.size;
  }

  /** Forgets from now on what the resolver says has changed. */
  start(): void {
    this.#unwatch ??= this.#d.resolver.watchAll((serviceId) => {
      this.#changes += 1;
      this.#cache.drop(serviceId);
      // What runs may have begun with the old answer.
      this.#pending.clear();
    });
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /**
   * Answers at once what needs no look-up.
   *
   * @param now Milliseconds of the monotonic clock.
   * @param udp Whether the answer has to fit what the client takes over UDP.
   * @returns Bytes that the next answer writes over (see `detach`). Undefined for what gets no answer
   *   (`query.outcome` is `NO_ANSWER`), and for what has to be looked up.
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

  /** The last quick answer is still on its way: what comes next writes elsewhere. */
  detach(): void {
    if (this.#lent !== undefined) this.#lent.template = copyTemplate(this.#lent.template);
  }

  /** A short answer to the packet that was read last, which sends its client to TCP. */
  slip(packet: Buffer): Buffer {
    const { questionEnd, edns, dnssecOk } = this.query;
    const question = packet.subarray(HEADER_BYTES, questionEnd);
    const template = writeMessage({ question, rcode: rcodes.NOERROR });
    return fillIn(truncate(template), packet, edns, dnssecOk);
  }

  /** Looks up what the packet asks that was read last. Rejects only for a fault of ours. */
  async lookUp(packet: Buffer, udp: boolean): Promise<Reply> {
    const { edns, dnssecOk, questionEnd, udpLimit } = this.query;
    const found = this.#find(packet, questionEnd);
    if (found === undefined) {
      return { bytes: Buffer.from(this.#error(packet, rcodes.SERVFAIL)), rcode: rcodes.SERVFAIL };
    }
    // The packet's memory may be another packet's when the answer is there.
    const own = Buffer.from(packet.subarray(0, questionEnd));
    const cached = await found;
    setTtl(cached, this.#d.timers.monotonic());
    const { template } = cached;
    const length = (edns ? template.edns : template.plain).length;
    const fitting = udp && length > udpLimit ? truncate(template) : template;
    return { bytes: Buffer.from(fillIn(fitting, own, edns, dnssecOk)), rcode: template.rcode };
  }

  /** The answer to a question, looked up once for all who ask it; undefined when too many wait. */
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
    const finding = await this.#d.finder.find(labelsOf(question), type, questionClass);
    const { serviceId, maxTtl, expiresAt, rcode, varies } = finding;
    const now = this.#d.timers.monotonic();
    const leaseEnd = expiresAt === undefined ? Infinity : now + expiresAt - this.#d.now();
    const { keepMs, keepVaryingMs } = this.#options;
    // Half of the time to all of it, by the hash: what came at once is not built anew at once.
    const share = 1 - (hash >>> 24) / 512;
    const until = Math.min(leaseEnd, now + share * (varies ? keepVaryingMs : keepMs));
    const template = writeMessage({ question, ...finding });
    const answer = { template, question, serviceId, until, leaseEnd, maxTtl, ttl: -1 };
    // A crowd of names that are none must not push out those that are: the resolver remembers them itself.
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
