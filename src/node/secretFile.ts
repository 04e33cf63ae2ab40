import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import path from "node:path";
import { BlockcloudError } from "../protocol/errors.ts";

/** No key, keystore or password is longer, bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads a file that only its owner may read. The mode is that of the file that is read, not of one that
 * took its name meanwhile.
 *
 * @param what Names the content in errors: `key`, `password`.
 * @throws BlockcloudError `KEY_MISSING` when it cannot be read, `KEY_FILE_OPEN` when others may read it,
 * `KEY_MALFORMED` when it is too long.
 */
export function readSecretFile(file: string, what: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw missing(file, what, cause);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw missing(file, what);
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
        remedy: `At most ${MAX_BYTES} bytes are read.`,
      });
    }
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a new file that only its owner may read, and waits until it is on disk.
 *
 * @throws BlockcloudError `KEY_EXISTS`: nothing is ever overwritten.
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
      : new BlockcloudError("KEY_UNWRITABLE", `${file} cannot be written.`, {
          cause,
          remedy: "Check the folder and its permissions.",
        });
  }
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether systemd hands the file over (`LoadCredential`). It may let the worker's user in by an access list,
 * whose mask then stands where the group's bits are: mode 440, of a file that nobody else may read.
 */
function isCredential(file: string): boolean {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  return folder !== undefined && path.dirname(path.resolve(file)) === path.resolve(folder);
}

function missing(file: string, what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("KEY_MISSING", `The ${what} file ${file} cannot be read.`, {
    cause,
    remedy: "Check the path and its permissions.",
  });
}
