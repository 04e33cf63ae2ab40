import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BlockcloudError } from "../protocol/errors.ts";

/**
 * Opens a worker's database. Every commit is on disk before the call returns (WAL, `synchronous=FULL`):
 * what is sent to the chain must never know more than the disk does.
 *
 * @param file Path, or `:memory:`.
 * @param migrations SQL, one text a version, never changed once released; applied in order.
 * @throws BlockcloudError `STORE_TOO_NEW` when a newer version of this software wrote the file.
 */
export function openStore(file: string, migrations: readonly string[]): DatabaseSync {
  if (file !== ":memory:") mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file);
  try {
    migrate(database, file, migrations);
  } catch (error) {
    // Ends an open transaction, too: nothing of a migration that failed is left.
    database.close();
    throw error;
  }
  return database;
}

function migrate(database: DatabaseSync, file: string, migrations: readonly string[]): void {
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;");
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.user_version ?? 0);
  if (version > migrations.length) {
    throw new BlockcloudError("STORE_TOO_NEW", `${file} has version ${version}.`, {
      remedy: `This software knows versions up to ${migrations.length}: install a newer one.`,
    });
  }
  migrations.slice(version).forEach((sql, index) => {
    database.exec(`BEGIN; ${sql}; PRAGMA user_version = ${version + index + 1}; COMMIT;`);
  });
}

/** Runs a function in one transaction: all of its writes, or none. */
export function transaction<T>(database: DatabaseSync, body: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = body();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
