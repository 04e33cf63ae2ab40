import type { CollectorTab } from "../../../cashier/tabs.ts";

/** What requests in progress will cost, by tab: requests of one payer run in parallel. */
export class Reservations {
  readonly #reserved = new Map<string, bigint>();

  /** Reserves an amount; false if the tab's vouchers do not cover it beside what is due and what is reserved. */
  take(tab: Pick<CollectorTab, "tab" | "payer" | "charged" | "paid">, amount: bigint): boolean {
    const reserved = this.#reserved.get(keyOf(tab)) ?? 0n;
    if (tab.charged + reserved + amount > tab.paid) return false;
    this.#set(tab, reserved + amount);
    return true;
  }

  /** Ends a reservation, or a part of it. */
  giveBack(tab: Pick<CollectorTab, "tab" | "payer">, amount: bigint): void {
    this.#set(tab, (this.#reserved.get(keyOf(tab)) ?? 0n) - amount);
  }

  #set(tab: Pick<CollectorTab, "tab" | "payer">, amount: bigint): void {
    if (amount === 0n) this.#reserved.delete(keyOf(tab));
    else this.#reserved.set(keyOf(tab), amount);
  }
}

function keyOf({ tab, payer }: Pick<CollectorTab, "tab" | "payer">): string {
  return `${tab} ${payer.toLowerCase()}`;
}
