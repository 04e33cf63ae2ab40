import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { fileFault, whyOf } from "./fileFault.ts";
import { syncFolder } from "./folder.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** Largest key, keystore or password file, bytes. */
const MAX_BYTES = 64 * 1024;
/** Byte order marks of UTF-16. */
const UTF16_MARKS: readonly string[] = ["fffe", "feff"];

/**
 * Reads a file that only its owner may read. The mode is checked on the open file, not on a file that took
 * its name meanwhile.
 *
 * @param what Names the content in errors: `key`, `password`.
 * @throws BlockcloudError `KEY_MISSING` if it is not there, `KEY_UNREADABLE` if this user may not read it or it is no
 *   file, `KEY_FILE_OPEN` if others may read it, `KEY_MALFORMED` if it is too long or not UTF-8.
 */
export function readSecretFile(file: string, what: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(file, what, cause);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw unreadable(file, what);
    if ((stat.mode & (isCredential(file) ? 0o037 : 0o077)) !== 0) {
      throw new BlockcloudError(
        "KEY_FILE_OPEN",
        `Others may read the ${what} file ${file} (mode ${(stat.mode & 0o777).toString(8)}).`,
        { remedy: `Run: chmod 600 ${file}` },
      );
    }
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    if (length > MAX_BYTES) {
      throw new BlockcloudError("KEY_MALFORMED", `The ${what} file ${file} is too long.`, {
        remedy: `Use a file of at most ${MAX_BYTES} bytes.`,
      });
    }
    if (UTF16_MARKS.includes(bytes.toString("hex", 0, 2))) {
      throw new BlockcloudError("KEY_MALFORMED", `The ${what} file ${file} is written in UTF-16.`, {
        remedy: "Save it as UTF-8.",
      });
    }
    return decoded(bytes.subarray(0, length), file, what);
  } finally {
    closeSync(descriptor);
  }
}

/** Decodes UTF-8 without its byte order mark. Replaced bytes would make a right password look wrong. */
function decoded(bytes: Uint8Array, file: string, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // The cause is dropped, because it may contain the key or the password.
    throw new BlockcloudError("KEY_MALFORMED", `The ${what} file ${file} is not UTF-8.`, {
      remedy: "Save it as UTF-8.",
    });
  }
}

/**
 * Reads a password from a file that only its owner may read, without the final newline and the byte order mark that
 * some editors write.
 *
 * @throws BlockcloudError as {@link readSecretFile}.
 */
export function readPasswordFile(file: string): string {
  return readSecretFile(file, "password").replace(/\r?\n$/, "");
}

/**
 * Writes a new file that only its owner may read, and waits until it is on disk.
 *
 * @throws BlockcloudError `KEY_EXISTS`: existing files are never overwritten.
 */
export function writeSecretFile(file: string, content: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, "wx", 0o600);
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === "EEXIST";
    throw exists
      ? new BlockcloudError("KEY_EXISTS", `${file} exists.`, {
          cause,
          remedy: "It is not overwritten: name another file.",
        })
      : new BlockcloudError("KEY_UNWRITABLE", `${file} cannot be written: ${whyOf(cause)}.`, {
          cause,
          remedy: "Check the folder and its permissions.",
        });
  }
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
    syncFolder(path.dirname(path.resolve(file)));
  } catch (cause) {
    // A part of a key is worse than none.
    rmSync(file, { force: true });
    throw fileFault(withPath(cause, file)) ?? cause;
  } finally {
    closeSync(descriptor);
  }
}

/** An error about a descriptor does not name its file, so the name is added. */
function withPath(error: unknown, file: string): unknown {
  return error instanceof Error ? Object.assign(error, { path: file }) : error;
}

/**
 * Whether systemd provides the file (`LoadCredential`). systemd may give the worker's user access by an
 * access list, whose mask then appears in the group's bits: mode 440, although no other user may read the
 * file.
 */
function isCredential(file: string): boolean {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  return folder !== undefined && path.dirname(path.resolve(file)) === path.resolve(folder);
}

/**
 * Why a file was not opened. What a password file's path names may be the password itself: then nothing repeats it.
 *
 * @param cause What the operating system said; undefined if it opened something that is no file.
 */
function unreadable(file: string, what: string, cause?: unknown): BlockcloudError {
  const isPassword = what === "password";
  const name = isPassword ? "that was named" : file;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new BlockcloudError("KEY_MISSING", `The ${what} file ${name} is not there.`, {
      ...(!isPassword && { cause }),
      remedy: "Check the path.",
    });
  }
  const why = cause === undefined ? "it is no file" : whyOf(cause);
  return new BlockcloudError("KEY_UNREADABLE", `The ${what} file ${name} cannot be read: ${why}.`, {
    ...(!isPassword && { cause }),
    remedy: cause === undefined ? "Name a file." : remedyOf(isPassword ? undefined : file),
  });
}

function remedyOf(file: string | undefined): string {
  const owner = `${process.geteuid?.() ?? "USER"}`;
  return file === undefined
    ? `It must belong to this user (${owner}) and have mode 600.`
    : `Run: chown ${owner} ${file} && chmod 600 ${file}; and let this user enter its folder.`;
}
