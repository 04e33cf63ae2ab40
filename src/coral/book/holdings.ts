import type { Hex } from "viem";

/** The fields that the bounded collection needs of an entry. */
export interface Holding {
  /** Number of the root service whose share the entry uses. */
  number: bigint;
  /** End of validity, Unix milliseconds. */
  until: number;
}

/**
 * Entries with a lease, bounded in total and for each root service, so that no service crowds out the others.
 * The least recently used entry is evicted first; a Map keeps the order.
 */
export class Holdings<T extends Holding> {
  readonly #all = new Map<Hex, T>();
  readonly #byRoot = new Map<bigint, Map<Hex, T>>();
  readonly #most: number;
  readonly #mostPerRoot: number;

  constructor(bounds: { all: number; perRoot: number }) {
    this.#most = bounds.all;
    this.#mostPerRoot = bounds.perRoot;
  }

  get size(): number {
    return this.#all.size;
  }

  /** The entry at a place if its lease has not ended; counts as a use. */
  get(place: Hex, now: number): T | undefined {
    const held = this.peek(place, now);
    if (held !== undefined) this.#insert(place, held);
    return held;
  }

  /** The same, without counting as a use. */
  peek(place: Hex, now: number): T | undefined {
    const held = this.#all.get(place);
    return held !== undefined && held.until > now ? held : undefined;
  }

  /** Adds an entry, and evicts others if there is no room. */
  set(place: Hex, value: T): void {
    this.#insert(place, value);
    const siblings = this.#byRoot.get(value.number);
    if (siblings !== undefined && siblings.size > this.#mostPerRoot) this.#dropFirst(siblings);
    if (this.#all.size > this.#most) this.#dropFirst(this.#all);
  }

  delete(place: Hex): void {
    const held = this.#all.get(place);
    if (held === undefined) return;
    this.#all.delete(place);
    const siblings = this.#byRoot.get(held.number);
    siblings?.delete(place);
    if (siblings?.size === 0) this.#byRoot.delete(held.number);
  }

  /** All entries of a root service. */
  of(number: bigint): [Hex, T][] {
    return [...(this.#byRoot.get(number) ?? [])];
  }

  /** Drops expired entries. */
  sweep(now: number): void {
    for (const [place, { until }] of this.#all) if (until <= now) this.delete(place);
  }

  #insert(place: Hex, value: T): void {
    const previous = this.#all.get(place);
    if (previous !== undefined && previous.number !== value.number) this.delete(place);
    this.#all.delete(place);
    this.#all.set(place, value);
    const siblings = this.#byRoot.get(value.number) ?? new Map<Hex, T>();
    this.#byRoot.set(value.number, siblings);
    siblings.delete(place);
    siblings.set(place, value);
  }

  #dropFirst(map: Map<Hex, T>): void {
    const [oldest] = map.keys();
    if (oldest !== undefined) this.delete(oldest);
  }
}
