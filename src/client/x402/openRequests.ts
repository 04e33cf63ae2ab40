import type { Hex } from "viem";

/** How long a request counts as under way without an answer, milliseconds. */
const OPEN_MS = 120_000;

/** Requests under way, and what vouchers must cover for them. One whose connection broke is forgotten later. */
export class OpenRequests {
  readonly #open = new Map<Hex, { readonly amount: bigint; readonly at: number }>();
  readonly #monotonic: () => number;
  #sum = 0n;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  get sum(): bigint {
    return this.#sum;
  }

  add(requestId: Hex, amount: bigint): void {
    const now = this.#monotonic();
    for (const [id, { at }] of this.#open) {
      if (now - at <= OPEN_MS) break;
      this.end(id);
    }
    this.#open.set(requestId, { amount, at: now });
    this.#sum += amount;
  }

  end(requestId: Hex): void {
    this.#sum -= this.#open.get(requestId)?.amount ?? 0n;
    this.#open.delete(requestId);
  }
}
