import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BlockcloudError } from "../protocol/errors.ts";
import { databaseFault, fileFault, SQLITE } from "./fileFault.ts";
import { ensureFolder, makePrivateFile, syncFolder, tightenDatabase } from "./folder.ts";

/** Size up to which a file is checked page by page when it is opened, bytes: the check takes up to a second. */
const CHECKED_BYTES = 64 * 1024 * 1024;
const RESTORE =
  "Restore the newest backup. Or move the file away to begin anew; its state is lost then.";

/**
 * Opens a worker's database. Every commit is on disk before the call returns (WAL, `synchronous=FULL`), so the state
 * on disk is never older than the transactions that were sent. A new file gets its name only when it is complete, so
 * an empty file is never taken for a new one.
 *
 * @param file Path, or `:memory:`.
 * @param migrations SQL, one text per version, applied in order; a released text never changes.
 * @throws BlockcloudError `STORE_TOO_NEW` if a newer version of this software wrote the file,
 * `STORE_DAMAGED`, `STORE_FULL`, `STORE_FAILED`, `STATE_UNUSABLE`.
 */
export function openStore(file: string, migrations: readonly string[]): DatabaseSync {
  if (file !== ":memory:") {
    ensureFolder(path.dirname(file));
    if (existsSync(file)) checkFile(file);
    else create(file, migrations);
    tightenDatabase(file);
  }
  const database = open(file);
  try {
    database.exec("PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    checkContent(database, file);
    migrate(database, file, migrations);
  } catch (error) {
    // Closing also rolls back an open transaction, so no part of a failed migration remains.
    database.close();
    throw explained(error, file);
  }
  return database;
}

/** Runs a function in one transaction. */
export function transaction<T>(database: DatabaseSync, body: () => T): T {
  try {
    database.exec("BEGIN IMMEDIATE");
    const result = body();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // If the disk is full, SQLite has rolled back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw explained(error, database.location() ?? "the store");
  }
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw explained(error, file);
  }
}

function openNew(file: string): DatabaseSync {
  try {
    makePrivateFile(file);
  } catch (error) {
    throw explained(error, file);
  }
  return open(file);
}

/** Creates the file under another name first, so that a power cut leaves a complete file or none. */
function create(file: string, migrations: readonly string[]): void {
  const left = ["-wal", "-shm"].map((suffix) => `${file}${suffix}`).find(existsSync);
  if (left !== undefined) throw damaged(file, `${left} exists, but the file itself does not`);
  const unfinished = `${file}.new`;
  for (const suffix of ["", "-wal", "-shm", "-journal"])
    rmSync(unfinished + suffix, { force: true });
  const database = openNew(unfinished);
  try {
    database.exec("PRAGMA synchronous=FULL");
    migrate(database, file, migrations);
  } catch (error) {
    throw explained(error, file);
  } finally {
    database.close();
  }
  renameSync(unfinished, file);
  syncFolder(path.dirname(file));
}

function checkFile(file: string): void {
  const stat = statSync(file);
  if (!stat.isFile()) throw damaged(file, "it is not a file");
  if (stat.size === 0) throw damaged(file, "it is empty");
}

/** Checks that a worker wrote the file, and that its pages are intact. */
function checkContent(database: DatabaseSync, file: string): void {
  if (file === ":memory:") return;
  if (versionOf(database) === 0)
    throw damaged(file, "another program wrote it, or it is unfinished");
  if (statSync(file).size > CHECKED_BYTES) return;
  const found = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (found !== "ok") throw damaged(file, String(found));
}

function migrate(database: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = versionOf(database);
  if (version > migrations.length) {
    throw new BlockcloudError("STORE_TOO_NEW", `${file} has format version ${version}.`, {
      remedy: `This software reads versions up to ${migrations.length}: install a newer version.`,
    });
  }
  migrations.slice(version).forEach((sql, index) => {
    database.exec(`BEGIN; ${sql}; PRAGMA user_version = ${version + index + 1}; COMMIT;`);
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

/** Converts SQLite's errors that the operator can fix. */
function explained(error: unknown, file: string): unknown {
  if (error instanceof BlockcloudError || !(error instanceof Error)) return error;
  // Extended codes hold the primary one in their lowest byte.
  const code = "errcode" in error ? Number(error.errcode) & 0xff : undefined;
  if (code === SQLITE.corrupt || code === SQLITE.notADatabase) {
    return damaged(file, error.message, error);
  }
  return (code === undefined ? fileFault(error) : databaseFault(error, file, code)) ?? error;
}

function damaged(file: string, why: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("STORE_DAMAGED", `${file} is damaged: ${why}.`, {
    cause,
    remedy: RESTORE,
  });
}
