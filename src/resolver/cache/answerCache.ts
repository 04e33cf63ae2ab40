import type { Hex } from "viem";
import { CacheEntry } from "./entry.ts";
import { isRootId, rootIdOf } from "../ids.ts";

/** Largest number of used entries that one eviction skips, so that no lookup waits for a whole turn. */
const MAX_PASSED = 64;
/**
 * How far ahead the expiry of an entry is scheduled, seconds. This bounds the schedule entries that evicted
 * entries leave behind.
 */
const HORIZON_S = 300;

/**
 * Bounded entries by service ID. A full cache evicts the oldest entry that was not used since the last check
 * of it (second chance, Corbató's clock): a hit sets a flag and reorders nothing.
 */
export class AnswerCache {
  readonly #entries = new Map<Hex, CacheEntry>();
  /** IDs of sub-services by root. Root services are left out, because their IDs follow from their numbers. */
  readonly #subServices = new Map<Hex, Set<Hex>>();
  /** IDs by the second in which to check them for expiry. */
  readonly #due = new Map<number, Hex[]>();
  readonly #capacity: number;
  readonly #isPinned: (serviceId: Hex) => boolean;
  #looked = 0;

  /**
   * @param isPinned Whether an entry must never be evicted; there must be fewer such entries than `capacity`.
   */
  constructor(capacity: number, isPinned: (serviceId: Hex) => boolean) {
    this.#capacity = capacity;
    this.#isPinned = isPinned;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(serviceId: Hex): CacheEntry | undefined {
    return this.#entries.get(serviceId);
  }

  /** The entry of a service; creates it if there is none. */
  ensure(serviceId: Hex): CacheEntry {
    const known = this.#entries.get(serviceId);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#capacity) this.#evict();
    const entry = new CacheEntry(serviceId);
    this.#entries.set(serviceId, entry);
    if (!isRootId(serviceId)) {
      const root = rootIdOf(serviceId);
      const siblings = this.#subServices.get(root) ?? new Set();
      this.#subServices.set(root, siblings.add(serviceId));
    }
    return entry;
  }

  /** The entries of a root service and of its sub-services. */
  family(rootId: Hex): CacheEntry[] {
    const ids = [rootId, ...(this.#subServices.get(rootId) ?? [])];
    return ids.flatMap((id) => this.#entries.get(id) ?? []);
  }

  /** Schedules a check of an entry by {@link expired} at its expiry. */
  schedule(entry: CacheEntry): void {
    const ends = Math.ceil(entry.expiresAt / 1000);
    const second = Math.max(this.#looked + 1, Math.min(ends, this.#looked + HORIZON_S));
    // One schedule entry per cache entry: a check that comes too early schedules the next one.
    if (entry.dueAt <= second * 1000) return;
    entry.dueAt = second * 1000;
    const ids = this.#due.get(second);
    if (ids === undefined) this.#due.set(second, [entry.serviceId]);
    else ids.push(entry.serviceId);
  }

  /** Entries whose answer has expired since the last call; clears them. */
  expired(now: number): CacheEntry[] {
    const upTo = Math.floor(now / 1000);
    const seconds = this.#secondsUpTo(upTo);
    // Entries that are rescheduled below must come after the seconds that this call checks.
    this.#looked = Math.max(this.#looked, upTo);
    const ended: CacheEntry[] = [];
    for (const second of seconds) {
      const ids = this.#due.get(second) ?? [];
      this.#due.delete(second);
      for (const id of ids) {
        const entry = this.#entries.get(id);
        if (entry?.dueAt !== second * 1000) continue;
        entry.dueAt = Infinity;
        if (entry.answer === undefined) continue;
        if (entry.expiresAt > now) this.schedule(entry);
        else ended.push(entry);
      }
    }
    return ended;
  }

  /** Past seconds with entries: one by one, or after a long sleep all existing ones. */
  #secondsUpTo(upTo: number): number[] {
    const passed = upTo - this.#looked;
    if (passed > this.#due.size) return [...this.#due.keys()].filter((second) => second <= upTo);
    return Array.from({ length: Math.max(0, passed) }, (_, index) => this.#looked + 1 + index);
  }

  #evict(): void {
    let passed = 0;
    // Terminates, because there are fewer pinned entries than places.
    for (const [id, entry] of this.#entries) {
      this.#entries.delete(id);
      passed += 1;
      if (this.#isPinned(id) || (entry.used === 1 && passed <= MAX_PASSED)) {
        entry.used = 0;
        this.#entries.set(id, entry);
        continue;
      }
      const root = rootIdOf(id);
      const siblings = this.#subServices.get(root);
      siblings?.delete(id);
      if (siblings?.size === 0) this.#subServices.delete(root);
      return;
    }
  }
}
