import type { Hex } from "viem";
import { Entry } from "./entry.ts";
import { isRootId, rootIdOf } from "./ids.ts";

/** Used entries that one eviction passes over at most: no look-up should have to wait for a whole turn. */
const MAX_PASSED = 64;
/** How far ahead an entry's end is noted, seconds: bounds what entries that were evicted leave behind. */
const HORIZON_S = 300;

/**
 * Entries by service ID, bounded. When it is full the oldest goes that was not used since it was last looked
 * at (second chance, Corbató's clock): a hit costs a flag and no reordering.
 */
export class AnswerCache {
  readonly #entries = new Map<Hex, Entry>();
  /** IDs by root; of a root service alone nothing is kept here, for its ID follows from its number. */
  readonly #subServices = new Map<Hex, Set<Hex>>();
  /** IDs by the second in which to look whether they ran out. */
  readonly #due = new Map<number, Hex[]>();
  readonly #capacity: number;
  readonly #isPinned: (serviceId: Hex) => boolean;
  #looked = 0;

  /** @param isPinned Whether an entry stays whatever happens; there must be fewer of those than places. */
  constructor(capacity: number, isPinned: (serviceId: Hex) => boolean) {
    this.#capacity = capacity;
    this.#isPinned = isPinned;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(serviceId: Hex): Entry | undefined {
    return this.#entries.get(serviceId);
  }

  /** The entry of a service, a new one if there is none. */
  ensure(serviceId: Hex): Entry {
    const known = this.#entries.get(serviceId);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#capacity) this.#evict();
    const entry = new Entry(serviceId);
    this.#entries.set(serviceId, entry);
    if (!isRootId(serviceId)) {
      const root = rootIdOf(serviceId);
      const siblings = this.#subServices.get(root) ?? new Set();
      this.#subServices.set(root, siblings.add(serviceId));
    }
    return entry;
  }

  /** The entries of a root service and of its sub-services. */
  family(rootId: Hex): Entry[] {
    const ids = [rootId, ...(this.#subServices.get(rootId) ?? [])];
    return ids.flatMap((id) => this.#entries.get(id) ?? []);
  }

  /** Has {@link expired} look at an entry when its answer runs out. */
  schedule(entry: Entry): void {
    const ends = Math.ceil(entry.expiresAt / 1000);
    const second = Math.max(this.#looked + 1, Math.min(ends, this.#looked + HORIZON_S));
    // One place an entry: where it is looked at too early, it gets the next.
    if (entry.dueAt <= second * 1000) return;
    entry.dueAt = second * 1000;
    const ids = this.#due.get(second);
    if (ids === undefined) this.#due.set(second, [entry.serviceId]);
    else ids.push(entry.serviceId);
  }

  /** Entries whose answer has run out since the last call; they are cleared. */
  expired(now: number): Entry[] {
    const upTo = Math.floor(now / 1000);
    const seconds = this.#secondsUpTo(upTo);
    // What is put off below must come after what is looked at here.
    this.#looked = Math.max(this.#looked, upTo);
    const ended: Entry[] = [];
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

  /** Passed seconds with entries: one by one, or after a long sleep those that there are. */
  #secondsUpTo(upTo: number): number[] {
    const passed = upTo - this.#looked;
    if (passed > this.#due.size) return [...this.#due.keys()].filter((second) => second <= upTo);
    return Array.from({ length: Math.max(0, passed) }, (_, index) => this.#looked + 1 + index);
  }

  #evict(): void {
    let passed = 0;
    // Ends, for the pinned are fewer than the places.
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
