import type { Address, Hex } from "viem";
import type { CollectedTab } from "./tab.ts";

/** A collector's tabs, by ID and by payer. */
export class TabTable {
  readonly #tabs = new Map<string, CollectedTab>();
  readonly #payers = new Map<string, Set<CollectedTab>>();

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
    const payer = tab.payer.toLowerCase();
    const tabs = this.#payers.get(payer) ?? new Set();
    tabs.add(tab);
    this.#payers.set(payer, tabs);
  }

  remove(tab: CollectedTab): void {
    this.#tabs.delete(tabKey(tab.payer, tab.tab));
    const payer = tab.payer.toLowerCase();
    const tabs = this.#payers.get(payer);
    tabs?.delete(tab);
    if (tabs?.size === 0) this.#payers.delete(payer);
  }
}

/** Names a tab: two payers may have tabs with one ID. */
export function tabKey(payer: Address, tab: Hex): string {
  return `${payer}/${tab}`.toLowerCase();
}
