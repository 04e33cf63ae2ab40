import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { databaseFault, fileFault } from "./fileFault.ts";
import { ensureFolder, makePrivateFile } from "./folder.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** The subject of a lock: one worker for each key on each deployment. */
export interface LockOptions {
  /** Folder of the workers' state. */
  readonly stateDir: string;
  /** Identifies the key and the deployment; letters, digits and hyphens. */
  readonly name: string;
  /** Who works under the lock, for messages; default: a worker with a key. */
  readonly holder?: string | undefined;
  /** What to do if another process holds it; without it, what fits two workers with one key. */
  readonly remedy?: string | undefined;
}

/**
 * A lock that one process at a time can hold. It is the operating system's lock on an SQLite file, so it ends with the
 * process; a leftover file locks nothing. It has no effect on other hosts or for other state folders.
 */
export class WorkerLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Takes the lock.
   *
   * @throws BlockcloudError `WORKER_RUNNING` if another process holds it.
   */
  static take(options: LockOptions): WorkerLock {
    ensureFolder(options.stateDir);
    const [file, owner] = filesOf(options);
    const database = openLock(file);
    try {
      database.exec("PRAGMA busy_timeout=0; BEGIN EXCLUSIVE");
    } catch (cause) {
      database.close();
      if (!isBusy(cause)) throw unusable(file, cause);
      throw new BlockcloudError(
        "WORKER_RUNNING",
        `${options.holder ?? "A worker with this key"} runs already${describeOwner(owner)}.`,
        {
          cause,
          remedy:
            options.remedy ??
            "Stop the other worker first: two workers with one key work against each other.",
        },
      );
    }
    const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    try {
      writeFileSync(owner, JSON.stringify(holder), { mode: 0o600 });
    } catch (cause) {
      database.close();
      throw unusable(owner, cause);
    }
    return new WorkerLock(database);
  }

  /** Whether a process holds the lock now. */
  static isTaken(options: LockOptions): boolean {
    try {
      WorkerLock.take(options).release();
      return false;
    } catch (error) {
      if (error instanceof BlockcloudError && error.code === "WORKER_RUNNING") return true;
      throw error;
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** A lock that is taken once and let go once, however often a process asks for it. */
export class HeldLock {
  readonly options: LockOptions;
  #lock: WorkerLock | undefined;

  constructor(options: LockOptions) {
    this.options = options;
  }

  /** @throws BlockcloudError `WORKER_RUNNING` if another process holds it. */
  take(): void {
    this.#lock ??= WorkerLock.take(this.options);
  }

  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }
}

/** Whether a file of a state folder belongs to a lock; such files are never read or copied. */
export function isLockFile(name: string): boolean {
  return /^lock-.*\.(sqlite(-\w+)?|json)$/.test(name);
}

function filesOf({ stateDir, name }: LockOptions): [string, string] {
  const base = path.join(stateDir, `lock-${name}`);
  return [`${base}.sqlite`, `${base}.json`];
}

function openLock(file: string): DatabaseSync {
  try {
    makePrivateFile(file);
    return new DatabaseSync(file);
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function unusable(file: string, cause: unknown): BlockcloudError {
  const { errcode } = cause as { errcode?: number };
  const fault =
    errcode === undefined ? fileFault(cause) : databaseFault(cause as Error, file, errcode);
  const why = fault?.message ?? `The lock ${file} cannot be opened.`;
  return new BlockcloudError("STATE_UNUSABLE", why.split(` ${fault?.remedy ?? ""}`)[0] ?? why, {
    cause,
    remedy: fault?.remedy ?? "Name a state folder that this user may write to.",
  });
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY: https://www.sqlite.org/rescode.html#busy
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}

/** Describes the holder of the lock, if it can be read; only for messages. */
function describeOwner(file: string): string {
  try {
    const holder = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return ` (process ${String(holder.pid)} on ${String(holder.host)} since ${String(holder.since)})`;
  } catch {
    return "";
  }
}
