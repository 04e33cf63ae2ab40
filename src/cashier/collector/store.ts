import { randomBytes } from "node:crypto";
import path from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Address, Hex } from "viem";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { WorkerLock } from "../../node/lock.ts";
import { openStore, transaction } from "../../node/store.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import type { TabOpening } from "../tabs.ts";

const migrations = [
  `CREATE TABLE books (id TEXT NOT NULL) STRICT;
   CREATE TABLE tabs (
     payer TEXT NOT NULL,
     tab TEXT NOT NULL,
     service TEXT NOT NULL,
     salt TEXT NOT NULL,
     signer TEXT NOT NULL,
     most TEXT NOT NULL,
     open_by INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     signature TEXT NOT NULL,
     charged TEXT NOT NULL,
     PRIMARY KEY (payer, tab)
   ) STRICT;
   CREATE TABLE vouchers (
     payer TEXT NOT NULL,
     tab TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     cumulative TEXT NOT NULL,
     base TEXT NOT NULL,
     min_grade INTEGER NOT NULL,
     v INTEGER NOT NULL,
     r TEXT NOT NULL,
     s TEXT NOT NULL,
     PRIMARY KEY (payer, tab, epoch),
     FOREIGN KEY (payer, tab) REFERENCES tabs (payer, tab) ON DELETE CASCADE
   ) STRICT;`,
];

/** A collector's tab on disk. */
export interface StoredTab {
  opening: TabOpening;
  /** BLOC in wei. */
  charged: bigint;
  /** Vouchers to be redeemed, and the newest one in any case; by epoch. */
  vouchers: readonly Redemption[];
}

/** A tab with what has changed of its vouchers. */
export interface TabChange extends StoredTab {
  /** Vouchers that are not on disk. */
  added: readonly Redemption[];
  /** Epochs whose vouchers are not needed any more. */
  gone: readonly number[];
}

/** A collector's tabs and vouchers on disk. */
export class CollectorStore {
  /** 8 random bytes that name these books in the salts of their tabs. */
  readonly books: Hex;
  readonly #database: DatabaseSync;
  readonly #closed: () => void;
  readonly #putTab: StatementSync;
  readonly #putVoucher: StatementSync;
  readonly #dropTab: StatementSync;
  readonly #dropVoucher: StatementSync;

  /**
   * @param file Path, or `:memory:`.
   * @param closed Called when it is closed.
   */
  constructor(file: string, closed: () => void = () => undefined) {
    const database = openStore(file, migrations);
    this.#database = database;
    this.#closed = closed;
    database.exec("PRAGMA foreign_keys=ON");
    this.#putTab = database.prepare(
      `INSERT INTO tabs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET most = excluded.most, open_by = excluded.open_by,
         expires_at = excluded.expires_at, signature = excluded.signature, charged = excluded.charged`,
    );
    this.#putVoucher = database.prepare(
      "INSERT OR REPLACE INTO vouchers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#dropTab = database.prepare("DELETE FROM tabs WHERE payer = ? AND tab = ?");
    this.#dropVoucher = database.prepare(
      "DELETE FROM vouchers WHERE payer = ? AND tab = ? AND epoch = ?",
    );
    this.books = this.#named();
  }

  close(): void {
    this.#database.close();
    this.#closed();
  }

  /** Writes changes of tabs, and deletes others, in one transaction: on disk when the call returns. */
  commit(tabs: readonly TabChange[], dropped: readonly { payer: Address; tab: Hex }[]): void {
    transaction(this.#database, () => {
      for (const tab of tabs) this.#put(tab);
      for (const { payer, tab } of dropped) this.#dropTab.run(payer, tab);
    });
  }

  /** All tabs. */
  tabs(): StoredTab[] {
    const vouchers = this.#database.prepare(
      "SELECT * FROM vouchers WHERE payer = ? AND tab = ? ORDER BY epoch",
    );
    return this.#database
      .prepare("SELECT * FROM tabs ORDER BY rowid")
      .all()
      .map((row) => {
        const [payer, tab] = [text(row, "payer") as Address, text(row, "tab") as Hex];
        const [service, salt] = [text(row, "service") as Hex, text(row, "salt") as Hex];
        const authorization = {
          ...{ payer, service, tab, signer: text(row, "signer") as Address },
          limit: BigInt(text(row, "most")),
          openBy: Number(row.open_by),
          expiresAt: Number(row.expires_at),
        };
        return {
          opening: { authorization, signature: text(row, "signature") as Hex, salt },
          charged: BigInt(text(row, "charged")),
          vouchers: vouchers.all(payer, tab).map((held) => ({
            voucher: {
              ...{ payer, service, tab },
              cumulative: BigInt(text(held, "cumulative")),
              base: BigInt(text(held, "base")),
              minGrade: Number(held.min_grade),
              epoch: Number(held.epoch),
            },
            ...{ salt, v: Number(held.v), r: text(held, "r") as Hex, s: text(held, "s") as Hex },
          })),
        };
      });
  }

  #put({ opening, charged, added, gone }: TabChange): void {
    const { authorization, signature, salt } = opening;
    const { payer, tab, service, signer, limit, openBy, expiresAt } = authorization;
    this.#putTab.run(
      ...[payer, tab, service, salt, signer, limit.toString(), openBy, expiresAt, signature],
      charged.toString(),
    );
    for (const epoch of gone) this.#dropVoucher.run(payer, tab, epoch);
    for (const { voucher, v, r, s } of added) {
      const { epoch, cumulative, base, minGrade } = voucher;
      this.#putVoucher.run(
        ...[payer, tab, epoch, cumulative.toString(), base.toString(), minGrade, v, r, s],
      );
    }
  }

  #named(): Hex {
    return transaction(this.#database, () => {
      const known = this.#database.prepare("SELECT id FROM books").get();
      if (known !== undefined) return text(known, "id") as Hex;
      const made = bytesToHex(randomBytes(8));
      this.#database.prepare("INSERT INTO books VALUES (?)").run(made);
      return made;
    });
  }
}

/**
 * Opens the books of a service's collector in a state folder, until they are closed. Another process that has them open
 * is refused: two would give one payer the same credit twice.
 *
 * @throws BlockcloudError `WORKER_RUNNING` if another process has them open; those of `openStore`.
 */
export function openCollectorStore(
  stateDir: string,
  deployment: Deployment,
  number: bigint,
): CollectorStore {
  const name = `collector-${number}-${deploymentTag(deployment)}`;
  const lock = takeLock(stateDir, name, number);
  try {
    return new CollectorStore(path.join(stateDir, `${name}.sqlite`), () => {
      lock.release();
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeLock(stateDir: string, name: string, number: bigint): WorkerLock {
  try {
    return WorkerLock.take({ stateDir, name });
  } catch (cause) {
    if (!(cause instanceof BlockcloudError) || cause.code !== "WORKER_RUNNING") throw cause;
    throw new BlockcloudError(cause.code, `Another process collects for service ${number}.`, {
      cause,
      remedy: "Stop it first, or give this process another state folder.",
    });
  }
}

function text(row: Record<string, unknown>, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} does not contain text.`);
  return value;
}
