import type { Hex } from "viem";

/** What a bounded collection needs to know of each thing in it. */
export interface Holding {
  /** Service number of the root that it counts for. */
  number: bigint;
  /** Unix milliseconds up to which it holds. */
  until: number;
}

/**
 * Things with a lease, bounded in all and for each root service, so that none crowds the others out. The
 * least recently used go first; a Map keeps the order.
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

  /** What is held at a place, its lease running; counts as a use. */
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

  /** Holds something, and makes room for it where there is none. */
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

  /** All that is held for a root service. */
  of(number: bigint): [Hex, T][] {
    return [...(this.#byRoot.get(number) ?? [])];
  }

  /** Drops what has run out. */
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
