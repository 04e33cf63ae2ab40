import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Hex } from "viem";
import type { PaymentKey } from "./paymentKey.ts";

/** A settled payment that may still vanish from the chain. */
export interface Review {
  readonly key: PaymentKey;
  readonly transaction: Hex | undefined;
  readonly payload: string;
  /** Time after which it cannot be settled any more, Unix seconds. */
  readonly endsAt: number;
}

/** The payments in the store that are to be looked for on chain again. */
export class ReviewRows {
  readonly #write: (act: () => void) => Promise<void>;
  readonly #due: StatementSync;
  readonly #later: StatementSync;
  readonly #never: StatementSync;

  /** @param write Runs in the next transaction. */
  constructor(database: DatabaseSync, write: (act: () => void) => Promise<void>) {
    this.#write = write;
    this.#due = database.prepare(
      `SELECT * FROM payments WHERE payload IS NOT NULL AND settlement = 'paid' AND review_at <= ?
       ORDER BY review_at LIMIT ?`,
    );
    const one = "WHERE asset = ? AND payer = ? AND nonce = ?";
    this.#later = database.prepare(`UPDATE payments SET review_at = ? ${one}`);
    this.#never = database.prepare(`UPDATE payments SET payload = NULL ${one}`);
  }

  /** Those that are due, the oldest first. */
  due(now: number, most: number): Review[] {
    return this.#due.all(Math.floor(now), most).map((row) => ({
      key: { asset: String(row.asset), payer: String(row.payer), nonce: row.nonce as Hex },
      transaction: row.transaction_hash === null ? undefined : (row.transaction_hash as Hex),
      payload: String(row.payload),
      endsAt: Number(row.ends_at),
    }));
  }

  /**
   * A payment was looked for.
   *
   * @param at When it is looked for again, Unix seconds; undefined: never.
   */
  done({ asset, payer, nonce }: PaymentKey, at: number | undefined): Promise<void> {
    return this.#write(() => {
      if (at === undefined) this.#never.run(asset, payer, nonce);
      else this.#later.run(Math.floor(at), asset, payer, nonce);
    });
  }
}
