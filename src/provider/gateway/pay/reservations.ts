import type { CollectorTab } from "../../../cashier/tabs.ts";

type ReservedTab = Pick<CollectorTab, "tab" | "payer" | "charged" | "paid" | "promised" | "share">;

/** What requests in progress will cost, by tab: requests of one payer run in parallel. */
export class Reservations {
  readonly #reserved = new Map<string, { tab: ReservedTab; amount: bigint }>();

  /** Reserves an amount; false if the tab's vouchers do not cover it beside what is due and what is reserved. */
  take(tab: ReservedTab, amount: bigint): boolean {
    const { charged, paid, promised = 0n, share } = tab;
    const reserved = this.#of(tab);
    // Another process may keep the books, or serve requests of this payer, too.
    const most = share === undefined ? paid - charged - promised : share.request;
    if (reserved + amount > most) return false;
    this.#set(tab, reserved + amount);
    return true;
  }

  /** Ends a reservation, or a part of it. */
  giveBack(tab: ReservedTab, amount: bigint): void {
    this.#set(tab, this.#of(tab) - amount);
  }

  /** Tabs with requests in progress. */
  *all(): Generator<{ tab: ReservedTab; amount: bigint }> {
    yield* this.#reserved.values();
  }

  #of(tab: ReservedTab): bigint {
    return this.#reserved.get(keyOf(tab))?.amount ?? 0n;
  }

  #set(tab: ReservedTab, amount: bigint): void {
    if (amount > 0n) {
      this.#reserved.set(keyOf(tab), { tab, amount });
      return;
    }
    this.#reserved.delete(keyOf(tab));
    tab.share?.done("request");
  }
}

function keyOf({ tab, payer }: ReservedTab): string {
  return `${tab} ${payer.toLowerCase()}`;
}
