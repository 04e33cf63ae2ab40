import { createHmac, randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Address } from "viem";
import { openStore } from "../node/store.ts";

const migrations = [
  `CREATE TABLE gifts (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     receiver TEXT NOT NULL,
     peer TEXT NOT NULL,
     bloc TEXT NOT NULL,
     ether TEXT NOT NULL,
     at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX gifts_at ON gifts (at);
   CREATE TABLE secret (id INTEGER PRIMARY KEY CHECK (id = 1), key TEXT NOT NULL) STRICT;`,
];

/** An amount of both, wei. */
export interface Amounts {
  bloc: bigint;
  ether: bigint;
}

/** A gift that counts against the limits. */
export interface BookedGift extends Amounts {
  receiver: Address;
  /** The client's address, or its network for IPv6. */
  peer: string;
  /** Unix milliseconds. */
  at: number;
}

/**
 * The gifts of a faucet. They are on disk before they are sent, so that a restart forgets no limit. The address of a
 * client is kept only as a keyed hash, and no longer than the limits need it.
 */
export class FaucetStore {
  readonly #database: DatabaseSync;
  readonly #secret: string;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
    this.#database
      .prepare("INSERT OR IGNORE INTO secret VALUES (1, ?)")
      .run(randomBytes(32).toString("hex"));
    this.#secret = String(this.#database.prepare("SELECT key FROM secret").get()?.key);
  }

  close(): void {
    this.#database.close();
  }

  /** Counts a gift against the limits. Returns its ID. */
  book({ receiver, peer, bloc, ether, at }: BookedGift): number {
    const result = this.#database
      .prepare("INSERT INTO gifts (receiver, peer, bloc, ether, at) VALUES (?, ?, ?, ?, ?)")
      .run(receiver, this.#hash(peer), bloc.toString(), ether.toString(), at);
    return Number(result.lastInsertRowid);
  }

  /** Takes back a gift that was not sent. */
  release(id: number): void {
    this.#database.prepare("DELETE FROM gifts WHERE id = ?").run(id);
  }

  /** Forgets gifts that no limit counts any more. */
  prune(before: number): void {
    this.#database.prepare("DELETE FROM gifts WHERE at < ?").run(before);
  }

  /** The times of gifts to an address since a time, the oldest first. */
  giftsTo(receiver: Address, since: number): number[] {
    return this.#times("receiver", receiver, since);
  }

  /** The times of gifts that a client asked for. */
  giftsOf(peer: string, since: number): number[] {
    return this.#times("peer", this.#hash(peer), since);
  }

  /** The sum of all gifts since a time, and the time of the oldest of them. */
  total(since: number): Amounts & { oldest: number | undefined } {
    const rows = this.#database
      .prepare("SELECT bloc, ether, at FROM gifts WHERE at > ? ORDER BY at")
      .all(since);
    const sum = (name: "bloc" | "ether") =>
      rows.reduce((total, row) => total + BigInt(String(row[name])), 0n);
    const [first] = rows;
    return {
      bloc: sum("bloc"),
      ether: sum("ether"),
      oldest: first === undefined ? undefined : Number(first.at),
    };
  }

  #times(column: "receiver" | "peer", value: string, since: number): number[] {
    return this.#database
      .prepare(`SELECT at FROM gifts WHERE ${column} = ? AND at > ? ORDER BY at`)
      .all(value, since)
      .map(({ at }) => Number(at));
  }

  #hash(peer: string): string {
    return createHmac("sha256", this.#secret).update(peer).digest("hex");
  }
}
