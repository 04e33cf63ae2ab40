/** The place of a thing in a {@link Bag}. */
export interface Place<T> {
  readonly item: T;
  /** -1: it was removed. */
  index: number;
}

/**
 * A set of things that come and go often, such as requests in progress. V8 copies a `Set` or a `Map` whenever enough was
 * added and deleted, and each copy refers to the next one. Once one of them is old, all that was in later copies
 * survives until a full collection. Here the last thing fills the gap of one that is removed
 * (docs/decisions/0088-requests-in-progress.md).
 */
export class Bag<T> {
  readonly #places: Place<T>[] = [];

  get size(): number {
    return this.#places.length;
  }

  add(item: T): Place<T> {
    const place = { item, index: this.#places.length };
    this.#places.push(place);
    return place;
  }

  /** Removes a thing; without effect the second time. */
  remove(place: Place<T>): void {
    const { index } = place;
    if (index < 0) return;
    const last = this.#places.pop();
    if (last !== undefined && last !== place) {
      this.#places[index] = last;
      last.index = index;
    }
    place.index = -1;
  }

  /** In no order. Nothing may be added or removed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const { item } of this.#places) yield item;
  }
}
