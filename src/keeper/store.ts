import type { DatabaseSync } from "node:sqlite";
import type { Address } from "viem";
import { openStore, transaction } from "../node/store.ts";

const migrations = [
  `CREATE TABLE cursor (id INTEGER PRIMARY KEY CHECK (id = 1), block INTEGER NOT NULL) STRICT;
   CREATE TABLE challenges (id INTEGER PRIMARY KEY, look_at INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE TABLE rounds (
     auditor TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     looked_in INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (auditor, epoch)
   ) STRICT;
   CREATE TABLE auditors (
     auditor TEXT PRIMARY KEY,
     seen INTEGER NOT NULL,
     look_in INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE services (
     number INTEGER PRIMARY KEY,
     settled INTEGER NOT NULL DEFAULT 0,
     look_in INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE spending (day INTEGER PRIMARY KEY, wei TEXT NOT NULL) STRICT;`,
  `CREATE TABLE idle (
     number INTEGER PRIMARY KEY,
     since INTEGER NOT NULL,
     look_in INTEGER NOT NULL DEFAULT 0
   ) STRICT;`,
];

/**
 * A keeper's data from events: where work may be due. It is only a hint, because a reorganisation can remove
 * events; the chain decides whether work is due when it is sent. The store also holds the spent budget, which
 * must survive a restart.
 */
export class KeeperStore {
  readonly #database: DatabaseSync;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
  }

  close(): void {
    this.#database.close();
  }

  /** Runs a function's writes in one transaction. */
  atomically(body: () => void): void {
    transaction(this.#database, body);
  }

  /** The last block whose events are in the store; undefined before the first. */
  cursor(): bigint | undefined {
    const row = this.#database.prepare("SELECT block FROM cursor").get();
    return row && BigInt(Number(row.block));
  }

  setCursor(block: bigint): void {
    this.#run("INSERT OR REPLACE INTO cursor VALUES (1, ?)", Number(block));
  }

  addChallenge(id: bigint): void {
    this.#run("INSERT OR IGNORE INTO challenges (id) VALUES (?)", Number(id));
  }

  dropChallenge(id: bigint): void {
    this.#run("DELETE FROM challenges WHERE id = ?", Number(id));
  }

  /** Sets the time of the next check of a challenge, Unix seconds. */
  postponeChallenge(id: bigint, seconds: number): void {
    this.#run("UPDATE challenges SET look_at = ? WHERE id = ?", Math.ceil(seconds), Number(id));
  }

  /** Open challenges to check at a time in Unix seconds. */
  challenges(seconds: number, limit: number): bigint[] {
    return this.#all(
      "SELECT id FROM challenges WHERE look_at <= ? ORDER BY look_at, id LIMIT ?",
      Math.floor(seconds),
      limit,
    ).map(({ id }) => BigInt(Number(id)));
  }

  addRound(auditor: Address, epoch: number): void {
    this.#run("INSERT OR IGNORE INTO rounds (auditor, epoch) VALUES (?, ?)", auditor, epoch);
  }

  dropRound(auditor: Address, epoch: number): void {
    this.#run("DELETE FROM rounds WHERE auditor = ? AND epoch = ?", auditor, epoch);
  }

  dropRoundsBefore(epoch: number): void {
    this.#run("DELETE FROM rounds WHERE epoch < ?", epoch);
  }

  /** Skips a round for the rest of the current epoch. */
  postponeRound(auditor: Address, epoch: number, current: number): void {
    const sql = "UPDATE rounds SET looked_in = ? WHERE auditor = ? AND epoch = ?";
    this.#run(sql, current, auditor, epoch);
  }

  /** Committed rounds up to an epoch that were not checked in the current one, oldest first. */
  rounds(upTo: number, current: number, limit: number): { auditor: Address; epoch: number }[] {
    return this.#all(
      "SELECT auditor, epoch FROM rounds WHERE epoch <= ? AND looked_in < ? ORDER BY epoch LIMIT ?",
      upTo,
      current,
      limit,
    ).map(({ auditor, epoch }) => ({ auditor: auditor as Address, epoch: Number(epoch) }));
  }

  /** Records that an auditor was seen in an epoch, if it is enrolled. */
  auditorSeen(auditor: Address, epoch: number): void {
    this.#run("UPDATE auditors SET seen = max(seen, ?) WHERE auditor = ?", epoch, auditor);
  }

  addAuditor(auditor: Address, since: number): void {
    this.#run("INSERT OR IGNORE INTO auditors (auditor, seen) VALUES (?, 0)", auditor);
    this.auditorSeen(auditor, since);
  }

  dropAuditor(auditor: Address): void {
    this.#run("DELETE FROM auditors WHERE auditor = ?", auditor);
  }

  postponeAuditor(auditor: Address, epoch: number): void {
    this.#run("UPDATE auditors SET look_in = ? WHERE auditor = ?", epoch, auditor);
  }

  /** Enrolled auditors last seen in an epoch or before, the longest silent first. */
  silentAuditors(seenBy: number, current: number, limit: number): Address[] {
    return this.#all(
      "SELECT auditor FROM auditors WHERE seen <= ? AND look_in <= ? ORDER BY seen LIMIT ?",
      seenBy,
      current,
      limit,
    ).map(({ auditor }) => auditor as Address);
  }

  /** Records that a service is settled up to an epoch. */
  settledThrough(number: bigint, epoch: number): void {
    this.#run("INSERT OR IGNORE INTO services (number) VALUES (?)", Number(number));
    const sql = "UPDATE services SET settled = max(settled, ?) WHERE number = ?";
    this.#run(sql, epoch, Number(number));
  }

  postponeService(number: bigint, epoch: number): void {
    this.#run("UPDATE services SET look_in = ? WHERE number = ?", epoch, Number(number));
  }

  /** Services settled up to an epoch or less, the longest unsettled first. */
  unsettled(settledBy: number, current: number, limit: number): bigint[] {
    return this.#all(
      "SELECT number FROM services WHERE settled <= ? AND look_in <= ? ORDER BY settled, number LIMIT ?",
      settledBy,
      current,
      limit,
    ).map(({ number }) => BigInt(Number(number)));
  }

  /** Records that a service is inactive from an epoch on, and holds a slot. */
  addIdle(number: bigint, since: number): void {
    const sql = "INSERT OR REPLACE INTO idle (number, since) VALUES (?, ?)";
    this.#run(sql, Number(number), since);
  }

  /** Records that a service is active, or holds no slot. */
  dropIdle(number: bigint): void {
    this.#run("DELETE FROM idle WHERE number = ?", Number(number));
  }

  postponeIdle(number: bigint, epoch: number): void {
    this.#run("UPDATE idle SET look_in = ? WHERE number = ?", epoch, Number(number));
  }

  /** Services inactive since an epoch or longer, the longest first. */
  idle(since: number, current: number, limit: number): bigint[] {
    return this.#all(
      "SELECT number FROM idle WHERE since <= ? AND look_in <= ? ORDER BY since, number LIMIT ?",
      since,
      current,
      limit,
    ).map(({ number }) => BigInt(Number(number)));
  }

  /** The budget that was spent on a day, ether in wei. */
  spent(day: number): bigint {
    const row = this.#database.prepare("SELECT wei FROM spending WHERE day = ?").get(day);
    return row === undefined ? 0n : BigInt(String(row.wei));
  }

  /** Adds to the budget that was spent on a day; may be negative. */
  spend(day: number, wei: bigint): void {
    const sum = this.spent(day) + wei;
    this.#run("INSERT OR REPLACE INTO spending VALUES (?, ?)", day, sum.toString());
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.#database.prepare(sql).all(...values);
  }
}
