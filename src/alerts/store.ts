import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { openStore, transaction } from "../node/store.ts";
import type { Condition } from "./conditions.ts";

const MIGRATIONS = [
  `CREATE TABLE firing (key TEXT PRIMARY KEY, subject TEXT NOT NULL, condition TEXT NOT NULL) STRICT;
   CREATE TABLE outbox (
     number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, tries INTEGER NOT NULL, next_at INTEGER NOT NULL
   ) STRICT`,
];

/** What a webhook gets, as JSON. */
export interface AlertMessage extends Condition {
  readonly v: 1;
  /** The same for each attempt to deliver it. */
  readonly id: string;
  readonly event: "fired" | "cleared";
  readonly epoch: number;
  /** Of the block in which it was seen, Unix seconds. */
  readonly at: number;
}

/** A message that is to be delivered. */
export interface Outgoing {
  readonly number: number;
  readonly body: string;
  readonly tries: number;
}

/** Which alerts fire, and what was not delivered, on disk: neither is lost or repeated after a crash. */
export class AlertStore {
  readonly #database: DatabaseSync;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, MIGRATIONS);
  }

  close(): void {
    this.#database.close();
  }

  /** Keys of the alerts that fire. */
  get firing(): string[] {
    return this.#database
      .prepare("SELECT key FROM firing ORDER BY key")
      .all()
      .map(({ key }) => String(key));
  }

  /**
   * Takes the conditions of a subject that hold now. What is new fires, and what holds no more clears: both are in the
   * outbox when the call returns.
   */
  take(
    subject: string,
    conditions: readonly Condition[],
    { epoch, at }: { epoch: number; at: number },
  ): AlertMessage[] {
    return transaction(this.#database, () => {
      const database = this.#database;
      const before = new Map(
        database
          .prepare("SELECT key, condition FROM firing WHERE subject = ?")
          .all(subject)
          .map(({ key, condition }) => [String(key), JSON.parse(String(condition)) as Condition]),
      );
      const now = new Map(conditions.map((condition) => [condition.key, condition]));
      const message = (event: AlertMessage["event"], condition: Condition): AlertMessage => ({
        ...{ v: 1, id: randomUUID(), event, ...condition, epoch, at },
      });
      const fired = conditions.filter(({ key }) => !before.has(key));
      const cleared = [...before.values()].filter(({ key }) => !now.has(key));
      const messages = [
        ...fired.map((condition) => message("fired", condition)),
        ...cleared.map((condition) => message("cleared", condition)),
      ];
      const fire = database.prepare("INSERT INTO firing VALUES (?, ?, ?)");
      for (const each of fired) fire.run(each.key, subject, JSON.stringify(each));
      const clear = database.prepare("DELETE FROM firing WHERE key = ?");
      for (const { key } of cleared) clear.run(key);
      const send = database.prepare("INSERT INTO outbox (body, tries, next_at) VALUES (?, 0, 0)");
      for (const each of messages) send.run(JSON.stringify(each));
      return messages;
    });
  }

  /**
   * The oldest message that is due; a later one never overtakes it.
   *
   * @param longest The longest pause before another try, seconds. One whose time is later than that was put off by a
   *   clock that went wrong, and was set back since: it is due, or all alerts would wait for that time.
   */
  due(now: number, longest: number): Outgoing | undefined {
    const row = this.#database.prepare("SELECT * FROM outbox ORDER BY number LIMIT 1").get();
    if (row === undefined) return undefined;
    const left = Number(row.next_at) - now;
    if (left > 0 && left <= longest + 1) return undefined;
    return { number: Number(row.number), body: String(row.body), tries: Number(row.tries) };
  }

  /** A message was delivered, or is given up. */
  done({ number }: Outgoing): void {
    this.#database.prepare("DELETE FROM outbox WHERE number = ?").run(number);
  }

  /** A message is to be tried again, Unix seconds. */
  again({ number }: Outgoing, at: number): void {
    this.#database
      .prepare("UPDATE outbox SET tries = tries + 1, next_at = ? WHERE number = ?")
      .run(Math.ceil(at), number);
  }
}
