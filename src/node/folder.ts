import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
} from "node:fs";
import { isOnReadOnly, whyOf } from "./fileFault.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** Files that SQLite keeps beside a database while it is open, and after a crash. */
const BESIDE = ["-wal", "-shm", "-journal"];

/**
 * Makes a folder for state or keys, which other users cannot read. One that is there and belongs to this user
 * is closed to others.
 *
 * @throws BlockcloudError `STATE_UNUSABLE`, with the operating system's reason.
 */
export function ensureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    // `mkdir` of several levels says ENOENT where the lowest folder that is there cannot be written.
    const { code } = cause as NodeJS.ErrnoException;
    const isReadOnly = isOnReadOnly(folder);
    const why = isReadOnly
      ? "the file system is read-only"
      : code === "EEXIST"
        ? "it is a file"
        : whyOf(cause);
    throw new BlockcloudError("STATE_UNUSABLE", `${folder} cannot be used as a folder: ${why}.`, {
      cause,
      remedy: "Name a folder that this user may write to.",
    });
  }
  tighten(folder);
}

/** Waits until the names in a folder are on disk. */
export function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Makes an empty file that only its owner may read; SQLite gives the files beside it the same mode. */
export function makePrivateFile(file: string): void {
  closeSync(openSync(file, "a", 0o600));
  tighten(file);
}

/** Closes a database, and the files that SQLite keeps beside it, to everybody but its owner. */
export function tightenDatabase(file: string): void {
  for (const each of [file, ...BESIDE.map((suffix) => file + suffix)]) {
    if (existsSync(each)) tighten(each);
  }
}

/**
 * Takes the rights of others away, where there are any. What belongs to another user stays as it is: a folder
 * that root made for this worker, for example, or `/tmp`.
 */
function tighten(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) === 0 || uid !== process.getuid?.()) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // A file system that keeps no modes, or is read-only: it is read all the same.
    if (!["EPERM", "EROFS", "ENOTSUP"].includes(code)) throw error;
  }
}
