import { LRUCache } from "lru-cache";

type Key = string | number | bigint;
/** Anything but `undefined`, which stands for an entry that is not there. */
type Value = object | Key;

/** A table that forgets its least recently used entry when it is full. */
export type BoundedTable<K extends Key, V extends Value> = LRUCache<K, V>;

/**
 * Makes a {@link BoundedTable}. Its memory grows with its entries: a bound by size allocates nothing in
 * advance, where the library's `max` takes 26 bytes for each entry that there may ever be
 * (docs/decisions/0020-plumbing-from-libraries.md).
 *
 * @param entries How many entries it holds at most.
 */
export function boundedTable<K extends Key, V extends Value>(entries: number): BoundedTable<K, V> {
  return new LRUCache<K, V>({ maxSize: entries, sizeCalculation: () => 1 });
}
