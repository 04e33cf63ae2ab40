import { accessSync, constants, statfsSync } from "node:fs";
import path from "node:path";
import { BlockcloudError } from "../protocol/errors.ts";

/** Less room than this is none, bytes: SQLite's smallest files do not fit. */
const FULL_BYTES = 64 * 1024;
/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
export const SQLITE = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

const READ_ONLY = "Mount it writable, or name a folder elsewhere.";
const FULL = "Make room on this file system, or name a folder elsewhere.";
const REFUSED = "Give this user access to it, or name another.";

/** What the operating system says, as a code, in words, and what to do about it. */
const FAULTS: Readonly<Record<string, readonly [code: string, why: string, remedy: string]>> = {
  EROFS: ["DISK_READ_ONLY", "the file system is read-only", READ_ONLY],
  ENOSPC: ["DISK_FULL", "the disk is full", FULL],
  EDQUOT: ["DISK_FULL", "this user's quota is used up", FULL],
  EFBIG: ["DISK_FULL", "the file would be too large", FULL],
  EACCES: ["FILE_REFUSED", "this user may not", REFUSED],
  EPERM: ["FILE_REFUSED", "this user may not", REFUSED],
  EIO: ["DISK_FAILED", "the disk fails", "Check the disk, and restore from a backup elsewhere."],
  EMFILE: ["FILE_LIMIT", "this process has too many files open", "Raise its limit (ulimit -n)."],
  ENFILE: ["FILE_LIMIT", "the host has too many files open", "Raise the host's limit."],
  ENOENT: ["FILE_MISSING", "it is not there", "Check the path."],
  EISDIR: ["FILE_REFUSED", "it is a folder", "Name a file."],
  ENOTDIR: ["FILE_REFUSED", "a part of the path is a file", "Check the path."],
  EEXIST: ["FILE_REFUSED", "it exists", "Name another."],
};

/** The words for what the operating system says; its own code where there are none. */
export function whyOf(error: unknown): string {
  const code = codeOf(error);
  return FAULTS[code]?.[1] ?? (code === "" ? "it failed" : code);
}

/**
 * What the operating system or SQLite threw about a file, as one of our errors; undefined for anything else.
 */
export function fileFault(error: unknown): BlockcloudError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { path: file, errcode } = error as NodeJS.ErrnoException & { errcode?: number };
  if (errcode !== undefined) return databaseFault(error, "A database", errcode);
  const found = FAULTS[codeOf(error)];
  // Without a path it is of a socket or a process, unless only a disk can say it.
  const isOfFile = file !== undefined || (found?.[0] ?? "").startsWith("DISK_");
  if (found === undefined || !isOfFile) return undefined;
  const [code, why, remedy] = found;
  const message = `${file ?? "A file"} cannot be used: ${why}.`;
  return new BlockcloudError(code, message, { cause: error, remedy });
}

/**
 * What SQLite threw, where the operator can do something about it; undefined for anything else.
 *
 * @param file Its path, or what names it.
 * @param errcode SQLite's result code; extended ones hold the primary one in their lowest byte.
 */
export function databaseFault(
  error: Error,
  file: string,
  errcode: number,
): BlockcloudError | undefined {
  const code = errcode & 0xff;
  const { readOnly, io, cannotOpen } = SQLITE;
  const isDisk = code === readOnly || code === io || code === cannotOpen;
  if (code === SQLITE.full || (isDisk && isFull(file))) {
    const remedy = "Free disk space. This write was not stored.";
    const message = `${file} cannot grow: the disk is full.`;
    return new BlockcloudError("STORE_FULL", message, { cause: error, retryable: true, remedy });
  }
  if (code === SQLITE.busy || code === SQLITE.locked) {
    return new BlockcloudError("STORE_FAILED", `${file} is locked by another program.`, {
      cause: error,
      retryable: true,
      remedy: "End the program that has it open: a copy, or a shell of SQLite.",
    });
  }
  if (!isDisk) return undefined;
  const isReadOnly = isOnReadOnly(file);
  const why = isReadOnly ? "the file system is read-only" : error.message;
  return new BlockcloudError("STORE_FAILED", `${file} cannot be used: ${why}.`, {
    cause: error,
    retryable: true,
    remedy: isReadOnly
      ? READ_ONLY
      : "Check the disk, and the permissions of the file and its folder.",
  });
}

/** Whether a path, or the nearest folder above it, is on a file system that cannot be written. */
export function isOnReadOnly(file: string): boolean {
  for (let each = file; ; each = path.dirname(each)) {
    try {
      accessSync(each, constants.W_OK);
      return false;
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || each === path.dirname(each))
        return codeOf(error) === "EROFS";
    }
  }
}

/** Room that this user has left where a folder is, bytes; undefined where that cannot be told. */
export function roomAt(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function isFull(file: string): boolean {
  return (roomAt(path.dirname(file)) ?? Infinity) < FULL_BYTES;
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? "") : "";
}
