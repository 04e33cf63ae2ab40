import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BlockcloudError } from "../protocol/errors.ts";
import { databaseFault, fileFault, SQLITE } from "./fileFault.ts";
import { ensureFolder, makePrivateFile, tightenDatabase } from "./folder.ts";

/** Files up to so many bytes are checked page by page when they are opened: within a second. */
const CHECKED_BYTES = 64 * 1024 * 1024;
const RESTORE =
  "Restore the newest backup, or move the file away to begin anew; what only it knew is lost then.";

/**
 * Opens a worker's database. Every commit is on disk before the call returns (WAL, `synchronous=FULL`):
 * what is sent to the chain must never know more than the disk does. A new file appears whole under its
 * name, so that an empty one is never taken for new.
 *
 * @param file Path, or `:memory:`.
 * @param migrations SQL, one text a version, never changed once released; applied in order.
 * @throws BlockcloudError `STORE_TOO_NEW` when a newer version of this software wrote the file,
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
    // Ends an open transaction, too: nothing of a migration that failed is left.
    database.close();
    throw explained(error, file);
  }
  return database;
}

/** Runs a function in one transaction: all of its writes, or none. */
export function transaction<T>(database: DatabaseSync, body: () => T): T {
  try {
    database.exec("BEGIN IMMEDIATE");
    const result = body();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has rolled back by itself where the disk is full.
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

/** Made under another name first: a power cut leaves a whole file under this one, or none. */
function create(file: string, migrations: readonly string[]): void {
  const left = ["-wal", "-shm"].map((suffix) => `${file}${suffix}`).find(existsSync);
  if (left !== undefined) throw damaged(file, `${left} is there, and the file itself is not`);
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
  const folder = openSync(path.dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function checkFile(file: string): void {
  const stat = statSync(file);
  if (!stat.isFile()) throw damaged(file, "it is no file");
  if (stat.size === 0) throw damaged(file, "it is empty");
}

/** That the file is one of ours, and its pages are whole. */
function checkContent(database: DatabaseSync, file: string): void {
  if (file === ":memory:") return;
  if (versionOf(database) === 0) throw damaged(file, "it is another program's, or unfinished");
  if (statSync(file).size > CHECKED_BYTES) return;
  const found = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (found !== "ok") throw damaged(file, String(found));
}

function migrate(database: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = versionOf(database);
  if (version > migrations.length) {
    throw new BlockcloudError("STORE_TOO_NEW", `${file} has version ${version}.`, {
      remedy: `This software knows versions up to ${migrations.length}: install a newer one.`,
    });
  }
  migrations.slice(version).forEach((sql, index) => {
    database.exec(`BEGIN; ${sql}; PRAGMA user_version = ${version + index + 1}; COMMIT;`);
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

/** SQLite's own errors, where the operator can do something about them. */
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
