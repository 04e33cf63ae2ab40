import type { Hex } from "viem";
import { HEADER_BYTES } from "./codes.ts";
import { setTtls, type Template } from "./message.ts";
import { lower, type QueryReader } from "./query.ts";

/** An answer, ready to be sent. */
export interface CachedAnswer {
  template: Template;
  /** The question in lower case, which it answers. */
  readonly question: Uint8Array;
  /** Whose answer it is; undefined for the zone's own. */
  readonly serviceId: Hex | undefined;
  /** When it is built anew, by the monotonic clock. */
  readonly until: number;
  /** When it is worth nothing, by the same. */
  readonly leaseEnd: number;
  /** The longest TTL, seconds. */
  readonly maxTtl: number;
  /** What its TTLs are set to. */
  ttl: number;
}

/**
 * Answers by the bytes of their questions. One answer has a place for each hash: of two with one hash, which
 * nobody outside can foresee, the later stays.
 */
export class AnswerCache {
  readonly #maxAnswers: number;
  readonly #answers = new Map<number, CachedAnswer>();
  readonly #byService = new Map<Hex, Set<number>>();

  constructor(maxAnswers: number) {
    this.#maxAnswers = maxAnswers;
  }

  get size(): number {
    return this.#answers.size;
  }

  /**
   * The answer to a query that was just read, its TTLs set for this moment, and the question in it as the query
   * has it: writing it while comparing saves a pass over each packet.
   */
  get(packet: Uint8Array, query: QueryReader, now: number): CachedAnswer | undefined {
    const found = this.#answers.get(query.hash);
    if (found === undefined || found.until <= now) return undefined;
    const { question } = found;
    const { edns: bytes } = found.template;
    if (question.length !== query.questionEnd - HEADER_BYTES) return undefined;
    for (let at = 0; at < question.length; at++) {
      const byte = packet[HEADER_BYTES + at] ?? 0;
      if (question[at] !== lower(byte)) return undefined;
      bytes[HEADER_BYTES + at] = byte;
    }
    setTtl(found, now);
    return found;
  }

  put(hash: number, answer: CachedAnswer): void {
    this.#remove(hash);
    this.#answers.set(hash, answer);
    if (answer.serviceId !== undefined) {
      const hashes = this.#byService.get(answer.serviceId) ?? new Set();
      this.#byService.set(answer.serviceId, hashes.add(hash));
    }
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#maxAnswers && oldest !== undefined) this.#remove(oldest);
  }

  /** Forgets what was said of a service. */
  drop(serviceId: Hex): void {
    for (const hash of this.#byService.get(serviceId) ?? []) this.#remove(hash);
  }

  #remove(hash: number): void {
    const { serviceId } = this.#answers.get(hash) ?? {};
    this.#answers.delete(hash);
    if (serviceId === undefined) return;
    const hashes = this.#byService.get(serviceId);
    hashes?.delete(hash);
    if (hashes?.size === 0) this.#byService.delete(serviceId);
  }
}

/** A TTL never reaches beyond the lease: whole seconds, rounded down. */
export function setTtl(answer: CachedAnswer, now: number): void {
  const left = Math.floor((answer.leaseEnd - now) / 1000);
  const ttl = Math.max(0, Math.min(answer.maxTtl, left));
  if (ttl === answer.ttl) return;
  setTtls(answer.template, ttl);
  answer.ttl = ttl;
}
