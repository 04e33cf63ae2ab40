import type { Address } from "viem";
import type { CollectedTab } from "./tab.ts";

/** Bounds of what may be unsecured: vouchers of tabs that are not open on chain. BLOC in wei. */
export interface ExposureLimits {
  payer: bigint;
  total: bigint;
}

/** Adds up what payers could void by a withdrawal. */
export class Exposure {
  readonly #limits: ExposureLimits;
  readonly #tabs = new Map<CollectedTab, bigint>();
  readonly #payers = new Map<Address, bigint>();
  #total = 0n;

  constructor(limits: ExposureLimits) {
    this.#limits = limits;
  }

  /** BLOC in wei. */
  get total(): bigint {
    return this.#total;
  }

  /** The most that may be unsecured, BLOC in wei. */
  get limit(): bigint {
    return this.#limits.total;
  }

  /** BLOC in wei. */
  of(payer: Address): bigint {
    return this.#payers.get(payer) ?? 0n;
  }

  /** Counts what is at risk on a tab now, and no more what was before. */
  update(tab: CollectedTab): void {
    const { atRisk } = tab;
    const change = atRisk - (this.#tabs.get(tab) ?? 0n);
    if (atRisk === 0n) this.#tabs.delete(tab);
    else this.#tabs.set(tab, atRisk);
    this.#total += change;
    const sum = this.of(tab.payer) + change;
    if (sum === 0n) this.#payers.delete(tab.payer);
    else this.#payers.set(tab.payer, sum);
  }

  /** Whether more is at risk than the limits allow. */
  isOver(tab: CollectedTab): boolean {
    if (tab.atRisk === 0n) return false;
    return this.of(tab.payer) > this.#limits.payer || this.#total > this.#limits.total;
  }

  /** Whether a tab should be opened soon, so that its payer need not wait for it. */
  isHigh(tab: CollectedTab): boolean {
    if (tab.atRisk === 0n) return false;
    return 2n * this.of(tab.payer) > this.#limits.payer || 2n * this.#total > this.#limits.total;
  }
}
