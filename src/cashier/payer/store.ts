import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Address, Hex } from "viem";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { openStore, transaction } from "../../node/store.ts";
import type { TabAuthorization } from "../../protocol/voucher.ts";
import type { Payment } from "./spending.ts";

const migrations = [
  `CREATE TABLE tabs (
     tab TEXT PRIMARY KEY,
     payer TEXT NOT NULL,
     service TEXT NOT NULL,
     collector TEXT NOT NULL,
     salt TEXT NOT NULL,
     signer TEXT NOT NULL,
     most TEXT NOT NULL,
     open_by INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     signature TEXT NOT NULL,
     min_grade INTEGER NOT NULL,
     ahead TEXT NOT NULL,
     is_exact INTEGER NOT NULL,
     base TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     owed TEXT,
     ended INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE payments (
     service TEXT NOT NULL,
     tab TEXT NOT NULL,
     day INTEGER NOT NULL,
     amount TEXT NOT NULL,
     PRIMARY KEY (service, tab, day)
   ) STRICT;`,
];

/** A tab of a wallet on disk. */
export interface StoredTab {
  authorization: TabAuthorization;
  signature: Hex;
  collector: Address;
  salt: Hex;
  /** The grade of all its vouchers. */
  minGrade: number;
  /** No voucher above it was signed, BLOC in wei. */
  ahead: bigint;
  /** Whether the newest voucher is exactly `ahead`; else a process ended without closing its wallet. */
  isExact: boolean;
  /** `base` of vouchers of `epoch`, BLOC in wei. */
  base: bigint;
  /** Epoch of the newest voucher. */
  epoch: number;
  /** The unpaid use, BLOC in wei; undefined: not known, as while a process uses the tab. */
  owed: bigint | undefined;
  ended: boolean;
}

/** A payer's tabs and payments on disk. Everything is on disk when a call returns. */
export class WalletStore {
  readonly #database: DatabaseSync;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
  }

  close(): void {
    this.#database.close();
  }

  /** Writes a tab, and a payment with it. */
  save(tab: StoredTab, payment?: Payment): void {
    transaction(this.#database, () => {
      this.#save(tab);
      if (payment === undefined) return;
      const { service, tab: id, day, amount } = payment;
      const known = this.#database
        .prepare("SELECT amount FROM payments WHERE service = ? AND tab = ? AND day = ?")
        .get(service, id, day);
      const sum = amount + (known === undefined ? 0n : BigInt(String(known.amount)));
      this.#database
        .prepare("INSERT OR REPLACE INTO payments VALUES (?, ?, ?, ?)")
        .run(service, id, day, sum.toString());
    });
  }

  /** All tabs of a signer that were not given up. */
  tabs(signer: Address): StoredTab[] {
    return this.#database
      .prepare("SELECT * FROM tabs WHERE signer = ? AND ended = 0 ORDER BY rowid")
      .all(signer)
      .map(tabOf);
  }

  /** All tabs of all signers, also those that were given up. */
  everyTab(): StoredTab[] {
    return this.#database.prepare("SELECT * FROM tabs ORDER BY rowid").all().map(tabOf);
  }

  /** All payments, by day, service and tab. While a wallet is in use they are at most a stride ahead of its vouchers. */
  payments(): Payment[] {
    return this.#database
      .prepare("SELECT * FROM payments ORDER BY day, service, tab")
      .all()
      .map((row) => ({
        service: text(row, "service") as Hex,
        tab: text(row, "tab") as Hex,
        day: Number(row.day),
        amount: BigInt(text(row, "amount")),
      }));
  }

  #save(tab: StoredTab): void {
    const { payer, service, tab: id, signer, limit, openBy, expiresAt } = tab.authorization;
    this.#database
      .prepare(
        "INSERT OR REPLACE INTO tabs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(
        ...[id, payer, service, tab.collector, tab.salt, signer, limit.toString(), openBy],
        ...[expiresAt, tab.signature, tab.minGrade, tab.ahead.toString(), Number(tab.isExact)],
        ...[tab.base.toString(), tab.epoch, tab.owed?.toString() ?? null, Number(tab.ended)],
      );
  }
}

/** The file of a payer's wallet in the state folder. */
export function walletStoreFile(state: string, deployment: Deployment, payer: Address): string {
  return path.join(state, `${walletName(deployment, payer)}.sqlite`);
}

/** Names a payer's wallet, for its file and its lock. */
export function walletName(deployment: Deployment, payer: Address): string {
  return `wallet-${payer}-${deploymentTag(deployment)}`;
}

function tabOf(row: Record<string, unknown>): StoredTab {
  return {
    authorization: {
      payer: text(row, "payer") as Address,
      service: text(row, "service") as Hex,
      tab: text(row, "tab") as Hex,
      signer: text(row, "signer") as Address,
      limit: BigInt(text(row, "most")),
      openBy: Number(row.open_by),
      expiresAt: Number(row.expires_at),
    },
    signature: text(row, "signature") as Hex,
    collector: text(row, "collector") as Address,
    salt: text(row, "salt") as Hex,
    minGrade: Number(row.min_grade),
    ahead: BigInt(text(row, "ahead")),
    isExact: row.is_exact === 1,
    base: BigInt(text(row, "base")),
    epoch: Number(row.epoch),
    owed: row.owed === null ? undefined : BigInt(text(row, "owed")),
    ended: row.ended === 1,
  };
}

function text(row: Record<string, unknown>, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} does not contain text.`);
  return value;
}
