import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Hex } from "viem";
import { openStore, transaction } from "../../../node/store.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { PaymentKey } from "./paymentKey.ts";
import { ReviewRows } from "./reviewRows.ts";

/** Rows that one payment may evict: more than come with it, and few enough for one transaction. */
const EVICTED_AT_ONCE = 32;

/**
 * How far a payment is.
 * - `none`: only this gateway has it.
 * - `given`: a facilitator may have it.
 * - `paid`: the chain, or the tab, shows it.
 * - `void`: it can never be paid.
 */
export type Settlement = "none" | "given" | "paid" | "void";
/**
 * How far the request is.
 * - `idle`: it may run, also again.
 * - `begun`: a request with effects may have run.
 * - `answered`: its answer is stored.
 * - `sent`: a byte of an answer that is not stored may have been sent.
 */
export type Run = "idle" | "begun" | "answered" | "sent";

const RUNS: readonly Run[] = ["idle", "begun", "answered", "sent"];
/** The request may still be answered. */
export const UNANSWERED: readonly Run[] = ["idle", "begun"];

/** An answer that can be sent again. */
export interface StoredAnswer {
  readonly status: number;
  /** A flat list of alternating names and values. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A payment as it is stored. */
export interface StoredPayment {
  readonly key: PaymentKey;
  /** Hash of the whole header. */
  readonly header: Uint8Array;
  /** Method and target. */
  readonly asked: string;
  /** SHA-256 of the request's body, once it is known. */
  readonly digest: Uint8Array | undefined;
  readonly settlement: Settlement;
  readonly run: Run;
  readonly transaction: Hex | undefined;
  readonly answer: StoredAnswer | undefined;
}

export type NewPayment = Pick<StoredPayment, "key" | "header" | "asked" | "settlement" | "run"> & {
  readonly transaction?: Hex | undefined;
  readonly digest?: Uint8Array | undefined;
  readonly answer?: StoredAnswer | undefined;
  /** Time after which it cannot be settled any more, Unix seconds. */
  readonly endsAt: number;
  /** Time until which it is kept at least, Unix seconds. */
  readonly keepUntil: number;
  /** What settles it once more, if a reorganisation takes its transfer from the chain. */
  readonly payload?: string | undefined;
  /** When it is looked for on chain again, Unix seconds. */
  readonly reviewAt?: number | undefined;
};

export interface PaymentBounds {
  maxPayments: number;
  maxPaymentsPerPayer: number;
  /** Of all stored answers together. */
  maxBytes: number;
  maxPending: number;
  maxPendingPerPayer: number;
}

/** Why a payment was not added. */
export type Refusal = "known" | "full" | "pending";

/**
 * The payments of a payee, on disk. All gateways that share the file know of each other's payments. Calls of one turn
 * of the event loop share a transaction, and so the wait for the disk.
 */
export class PaymentStore {
  readonly reviews: ReviewRows;
  readonly #database: DatabaseSync;
  readonly #bounds: PaymentBounds;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #evict: StatementSync;
  readonly #totals: StatementSync;
  readonly #old: StatementSync;
  readonly #evictOfPayer: StatementSync;
  readonly #ofPayer: StatementSync;
  readonly #pending: StatementSync;
  readonly #oldOfPayer: StatementSync;
  #waiting: { act: () => void; done: () => void; failed: (error: unknown) => void }[] = [];

  /**
   * @param file Path, or `:memory:`.
   * @throws BlockcloudError as `openStore` does.
   */
  constructor(file: string, bounds: PaymentBounds) {
    const database = openStore(file, MIGRATIONS);
    this.#database = database;
    this.#bounds = bounds;
    this.#find = database.prepare(
      "SELECT * FROM payments WHERE asset = ? AND payer = ? AND nonce = ?",
    );
    this.#evict = database.prepare(
      `DELETE FROM payments WHERE rowid IN
         (SELECT rowid FROM payments WHERE keep_until < ? ORDER BY keep_until LIMIT ${EVICTED_AT_ONCE})`,
    );
    this.#old = database.prepare("SELECT 1 FROM payments WHERE keep_until < ? LIMIT 1");
    this.#evictOfPayer = database.prepare(
      `DELETE FROM payments WHERE rowid IN
         (SELECT rowid FROM payments WHERE payer = ? AND keep_until < ? LIMIT ${EVICTED_AT_ONCE})`,
    );
    this.reviews = new ReviewRows(database, (act) => this.#write(act));
    this.#pending = database.prepare(
      `SELECT count(*) AS total FROM payments WHERE settlement IN ('none', 'given') AND ends_at > ?`,
    );
    this.#ofPayer = database.prepare("SELECT payments FROM payers WHERE payer = ?");
    this.#oldOfPayer = database.prepare(
      "SELECT 1 FROM payments WHERE payer = ? AND keep_until < ? LIMIT 1",
    );
    this.#totals = database.prepare("SELECT payments, bytes FROM totals");
    this.#add = database.prepare(
      `INSERT INTO payments (asset, payer, nonce, header, asked, settlement, run, transaction_hash, ends_at,
         keep_until, digest, status, headers, body, bytes, payload, review_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  close(): void {
    this.#database.close();
  }

  find({ asset, payer, nonce }: PaymentKey): StoredPayment | undefined {
    const row = this.#find.get(asset, payer, nonce);
    return row && paymentOf(row);
  }

  /** Adds a payment; on disk when it resolves. Only payments that are kept longer than needed make room. */
  async add(payment: NewPayment, now: number): Promise<Refusal | undefined> {
    let refusal: Refusal | undefined;
    await this.#write(() => {
      refusal = this.#tryAdd(payment, now);
    });
    return refusal;
  }

  /** Whether one more payment of a payer can be added. */
  hasRoom(payer: string, now: number): boolean {
    const { maxPayments, maxPaymentsPerPayer } = this.#bounds;
    const isFull = Number(this.#totals.get()?.payments) >= maxPayments;
    if (isFull && this.#old.get(Math.floor(now)) === undefined) return false;
    return this.#countOf(payer) < maxPaymentsPerPayer || this.#hasOld(payer, now);
  }

  /**
   * Changes a payment; on disk when it resolves.
   *
   * @param from How far the request may be before: another gateway may have served it meanwhile.
   * @returns Whether it was changed.
   */
  async update(
    key: PaymentKey,
    to: {
      settlement?: Settlement;
      run?: Run;
      transaction?: Hex | undefined;
      digest?: Uint8Array;
      answer?: StoredAnswer;
    },
    from: readonly Run[] = RUNS,
  ): Promise<boolean> {
    const { answer } = to;
    const columns = Object.entries({
      settlement: to.settlement,
      run: to.run,
      transaction_hash: to.transaction,
      digest: to.digest,
      status: answer?.status,
      headers: answer && JSON.stringify(answer.headers),
      body: answer?.body,
      bytes: answer?.body.length,
    }).filter(
      (column): column is [string, string | number | Uint8Array] => column[1] !== undefined,
    );
    const sets = columns.map(([name]) => `${name} = ?`).join(", ");
    const runs = from.map(() => "?").join(", ");
    let isChanged = false;
    await this.#write(() => {
      const { changes } = this.#database
        .prepare(
          `UPDATE payments SET ${sets} WHERE asset = ? AND payer = ? AND nonce = ? AND run IN (${runs})`,
        )
        .run(...columns.map(([, value]) => value), key.asset, key.payer, key.nonce, ...from);
      isChanged = changes > 0;
    });
    return isChanged;
  }

  /** Payments that are not settled yet. */
  pending(now: number): number {
    return Number(this.#pending.get(Math.floor(now))?.total);
  }

  /**
   * Removes a payment if no one else knows of it, and its request has not run: its header may come again as if for the
   * first time.
   */
  remove({ asset, payer, nonce }: PaymentKey): Promise<void> {
    return this.#write(() => {
      this.#database
        .prepare(
          `DELETE FROM payments WHERE asset = ? AND payer = ? AND nonce = ?
             AND settlement = 'none' AND run = 'idle'`,
        )
        .run(asset, payer, nonce);
    });
  }

  /** Whether one more answer of this length is kept. Without room a payment is taken nevertheless. */
  keeps(bytes: number): boolean {
    return this.bytes + bytes <= this.#bounds.maxBytes;
  }

  /** Bytes of all stored answers. */
  get bytes(): number {
    return Number(this.#totals.get()?.bytes);
  }

  #countOf(payer: string): number {
    return Number(this.#ofPayer.get(payer)?.payments ?? 0);
  }

  #hasOld(payer: string, now: number): boolean {
    return this.#oldOfPayer.get(payer, Math.floor(now)) !== undefined;
  }

  #tryAdd(payment: NewPayment, now: number): Refusal | undefined {
    const { key, header, asked, settlement, endsAt, keepUntil } = payment;
    const { maxPayments, maxPaymentsPerPayer, maxBytes, maxPending, maxPendingPerPayer } =
      this.#bounds;
    if (this.find(key) !== undefined) return "known";
    this.#evict.run(Math.floor(now));
    if (this.#countOf(key.payer) >= maxPaymentsPerPayer) {
      this.#evictOfPayer.run(key.payer, Math.floor(now));
    }
    const totals = this.#totals.get();
    const hasBytes = Number(totals?.bytes) < maxBytes;
    // An answer that comes with its payment is served already: without room for it, only the payment is kept.
    const isServed = payment.answer !== undefined;
    const isFull =
      Number(totals?.payments) >= maxPayments || this.#countOf(key.payer) >= maxPaymentsPerPayer;
    if (!isServed && isFull) return "full";
    const answer = hasBytes ? payment.answer : undefined;
    const run = isServed && !hasBytes ? "sent" : payment.run;
    if (settlement !== "paid") {
      const pending = this.#database
        .prepare(
          `SELECT count(*) AS total, count(*) FILTER (WHERE payer = ?) AS own FROM payments
           WHERE settlement IN ('none', 'given') AND ends_at > ?`,
        )
        .get(key.payer, Math.floor(now));
      const { total = 0, own = 0 } = pending ?? {};
      if (Number(total) >= maxPending || Number(own) >= maxPendingPerPayer) return "pending";
    }
    const { asset, payer, nonce } = key;
    this.#add.run(
      ...([asset, payer, nonce, header, asked, settlement, run] as const),
      ...([payment.transaction ?? null, Math.floor(endsAt), Math.floor(keepUntil)] as const),
      ...([payment.digest ?? null, answer?.status ?? null] as const),
      ...([answer && JSON.stringify(answer.headers), answer?.body] as const).map((x) => x ?? null),
      answer?.body.length ?? 0,
      payment.payload ?? null,
      Math.floor(payment.reviewAt ?? 0),
    );
    return undefined;
  }

  #write(act: () => void): Promise<void> {
    return new Promise((done, failed) => {
      if (this.#waiting.length === 0) setImmediate(this.#flush);
      this.#waiting.push({ act, done, failed });
    });
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      transaction(this.#database, () => {
        for (const { act } of waiting) act();
      });
    } catch (error) {
      for (const { failed } of waiting) failed(error);
      return;
    }
    for (const { done } of waiting) done();
  };
}

function paymentOf(row: Record<string, unknown>): StoredPayment {
  const { asset, payer, nonce, status, headers, body, digest, transaction_hash: hash } = row;
  return {
    key: { asset: asset as string, payer: payer as string, nonce: nonce as Hex },
    header: row.header as Uint8Array,
    asked: row.asked as string,
    digest: (digest as Uint8Array | null) ?? undefined,
    settlement: row.settlement as Settlement,
    run: row.run as Run,
    transaction: (hash as Hex | null) ?? undefined,
    answer:
      body === null
        ? undefined
        : {
            status: Number(status),
            headers: JSON.parse(headers as string) as string[],
            body: Buffer.from(body as Uint8Array),
          },
  };
}
