import { LRUCache } from "lru-cache";

type Key = string | number | bigint;
/** Any value except `undefined`, which means a missing entry. */
type Value = object | Key;

/** A table that evicts its least recently used entry when it is full. */
export type BoundedTable<K extends Key, V extends Value> = LRUCache<K, V>;

/**
 * Creates a {@link BoundedTable}. Its memory grows with its entries: the library's bound by size allocates nothing in
 * advance, while its `max` allocates 26 bytes for each possible entry
 * (docs/decisions/0020-plumbing-from-libraries.md).
 *
 * @param entries Maximum number of entries.
 */
export function boundedTable<K extends Key, V extends Value>(entries: number): BoundedTable<K, V> {
  return new LRUCache<K, V>({ maxSize: entries, sizeCalculation: () => 1 });
}
