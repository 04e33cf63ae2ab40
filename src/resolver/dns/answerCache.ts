import type { Hex } from "viem";
import { HEADER_BYTES } from "./codes.ts";
import { setTtls, type Template } from "./message.ts";
import { lower, type QueryReader } from "./query.ts";

/** An answer, ready to be sent. */
export interface CachedAnswer {
  template: Template;
  /** The question that it answers, in lower case. */
  readonly question: Uint8Array;
  /** The service that it is about; undefined for the zone's own records. */
  readonly serviceId: Hex | undefined;
  /** When it must be built again, by the monotonic clock. */
  readonly until: number;
  /** When its lease ends, by the monotonic clock. */
  readonly leaseEnd: number;
  /** The longest TTL, seconds. */
  readonly maxTtl: number;
  /** The present value of its TTLs. */
  ttl: number;
}

/**
 * Answers by the bytes of their questions. There is one place for each hash: of two questions with the same
 * hash, the later stays. Hashes depend on a secret seed, so clients cannot predict collisions.
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
   * The answer to the query that was read last. Its TTLs are set for this moment, and its question is copied
   * from the query: copying during the comparison saves a pass over each packet.
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

  /** Drops the answers of a service. */
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

/** Sets the TTLs in whole seconds, rounded down, so that they never exceed the lease. */
export function setTtl(answer: CachedAnswer, now: number): void {
  const left = Math.floor((answer.leaseEnd - now) / 1000);
  const ttl = Math.max(0, Math.min(answer.maxTtl, left));
  if (ttl === answer.ttl) return;
  setTtls(answer.template, ttl);
  answer.ttl = ttl;
}
