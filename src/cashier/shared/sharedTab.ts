import type { Address, Hex } from "viem";
import type { Redemption } from "../../protocol/voucher.ts";
import type { ChargeKind, CollectorTab, TabShare } from "../tabs.ts";

/** A tab for those who charge it, whichever process keeps its books. */
export class SharedTab implements CollectorTab {
  #target: CollectorTab;
  readonly #changing: () => Promise<void> | undefined;
  readonly #listeners = new Set<(error: Error) => void>();
  #unlisten: (() => void) | undefined;
  /** What other processes may charge for requests. */
  promised = 0n;

  /** @param changing Settles when the books have changed hands, if they are about to. */
  constructor(target: CollectorTab, changing: () => Promise<void> | undefined) {
    this.#target = target;
    this.#changing = changing;
  }

  /** Another one has the tab's state from now on. */
  keptBy(target: CollectorTab): void {
    if (target === this.#target) return;
    this.#target = target;
    if (this.#unlisten === undefined) return;
    this.#unlisten();
    this.#unlisten = undefined;
    this.#listen();
  }

  get tab(): Hex {
    return this.#target.tab;
  }

  get payer(): Address {
    return this.#target.payer;
  }

  get signer(): Address {
    return this.#target.signer;
  }

  get salt(): Hex {
    return this.#target.salt;
  }

  get limit(): bigint {
    return this.#target.limit;
  }

  get expiresAt(): number {
    return this.#target.expiresAt;
  }

  get charged(): bigint {
    return this.#target.charged;
  }

  get paid(): bigint {
    return this.#target.paid;
  }

  get last(): Redemption | undefined {
    return this.#target.last;
  }

  get revealed(): bigint {
    return this.#target.revealed;
  }

  get share(): TabShare | undefined {
    return this.#target.share;
  }

  reveal(redemption: Redemption): void {
    this.#target.reveal(redemption);
  }

  charge(amount: bigint, by?: ChargeKind): void {
    this.#target.charge(amount, by);
  }

  async credit(redemption: Redemption): Promise<void> {
    const target = this.#target;
    try {
      await target.credit(redemption);
    } catch (error) {
      await this.#changing();
      if (this.#target === target) throw error;
      await this.credit(redemption);
    }
  }

  onEnd(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    this.#listen();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #listen(): void {
    if (this.#unlisten !== undefined) return;
    let hasEnded = false;
    const unlisten = this.#target.onEnd((error) => {
      hasEnded = true;
      this.#unlisten = undefined;
      const listeners = [...this.#listeners];
      this.#listeners.clear();
      for (const listener of listeners) listener(error);
    });
    if (!hasEnded) this.#unlisten = unlisten;
  }
}
