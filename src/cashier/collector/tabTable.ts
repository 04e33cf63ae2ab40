import type { Address, Hex } from "viem";
import type { CollectedTab } from "./tab.ts";

/** The most tabs that a collector holds. */
export interface TabBounds {
  all: number;
  payer: number;
}

const DEFAULTS: TabBounds = { all: 20_000, payer: 16 };

/** A collector's tabs, by ID and by payer. */
export class TabTable {
  readonly #bounds: TabBounds;
  readonly #tabs = new Map<string, CollectedTab>();
  readonly #payers = new Map<string, Set<CollectedTab>>();
  /** Tabs that may be unused, the oldest first: one that is used never becomes unused again. */
  readonly #unused = new Set<CollectedTab>();

  constructor(bounds: Partial<TabBounds>) {
    this.#bounds = { all: bounds.all ?? DEFAULTS.all, payer: bounds.payer ?? DEFAULTS.payer };
  }

  get size(): number {
    return this.#tabs.size;
  }

  values(): IterableIterator<CollectedTab> {
    return this.#tabs.values();
  }

  get(payer: Address, tab: Hex): CollectedTab | undefined {
    return this.#tabs.get(tabKey(payer, tab));
  }

  /** The tabs of a payer. */
  of(payer: Address): readonly CollectedTab[] {
    return [...(this.#payers.get(payer.toLowerCase()) ?? [])];
  }

  add(tab: CollectedTab): void {
    this.#tabs.set(tabKey(tab.payer, tab.tab), tab);
    this.#unused.add(tab);
    const payer = tab.payer.toLowerCase();
    const tabs = this.#payers.get(payer) ?? new Set();
    tabs.add(tab);
    this.#payers.set(payer, tabs);
  }

  remove(tab: CollectedTab): void {
    this.#tabs.delete(tabKey(tab.payer, tab.tab));
    this.#unused.delete(tab);
    const payer = tab.payer.toLowerCase();
    const tabs = this.#payers.get(payer);
    tabs?.delete(tab);
    if (tabs?.size === 0) this.#payers.delete(payer);
  }

  /** The unused tabs that make room for one more of a payer, the oldest first; none if there is room. */
  excess(payer: Address): CollectedTab[] {
    const own = this.of(payer);
    const ofPayer =
      own.length < this.#bounds.payer ? undefined : own.find(({ isUnused }) => isUnused);
    if (ofPayer !== undefined) return [ofPayer];
    if (this.size < this.#bounds.all || own.length >= this.#bounds.payer) return [];
    for (const tab of this.#unused) {
      if (tab.isUnused) return [tab];
      this.#unused.delete(tab);
    }
    return [];
  }

  /** Why there is no room for one more tab of a payer. */
  fullOf(payer: Address): string | undefined {
    const { all, payer: each } = this.#bounds;
    if (this.of(payer).length >= each) return `${payer} has ${each} tabs`;
    return this.size >= all ? `There are ${all} tabs` : undefined;
  }
}

/** Names a tab: two payers may have tabs with one ID. */
export function tabKey(payer: Address, tab: Hex): string {
  return `${payer}/${tab}`.toLowerCase();
}
