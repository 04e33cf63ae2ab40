/** Stake on its way out, oldest first. */
export class Unbonding {
  readonly #entries: { amount: bigint; releaseAt: bigint }[] = [];

  push(amount: bigint, releaseAt: bigint): void {
    this.#entries.push({ amount, releaseAt });
  }

  /** Takes out what has waited long enough. */
  ripe(time: bigint): bigint {
    let amount = 0n;
    while (this.#entries.length > 0 && this.#entries[0]!.releaseAt <= time) {
      amount += this.#entries.shift()!.amount;
    }
    return amount;
  }

  /** Takes up to `amount`, the newest first; returns what it took. */
  slash(amount: bigint): bigint {
    let left = amount;
    while (left > 0n && this.#entries.length > 0) {
      const newest = this.#entries.at(-1)!;
      const taken = newest.amount < left ? newest.amount : left;
      newest.amount -= taken;
      left -= taken;
      if (newest.amount === 0n) this.#entries.pop();
    }
    return amount - left;
  }
}
