import {
  closeSync,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { BlockcloudError } from "../protocol/errors.ts";
import { whyOf } from "./fileFault.ts";
import { syncFolder } from "./folder.ts";

/**
 * Replaces a text file of the system: a reader sees the old one or the new one. Owner and mode stay, and a copy of the
 * old one stays beside it.
 *
 * @param suffix Of the copy's name.
 * @returns The path of the copy.
 * @throws BlockcloudError `FILE_NOT_REPLACED`; the file is then as it was.
 */
export function replaceFile(file: string, text: string, suffix: string): string {
  let part: string | undefined;
  try {
    // A link stays one.
    const target = realpathSync(file);
    const { mode, uid, gid } = statSync(target);
    const copy = `${target}${suffix}`;
    copyFileSync(target, copy);
    part = `${target}.${process.pid}.new`;
    const opened = openSync(part, "wx", mode & 0o777);
    try {
      fchmodSync(opened, mode & 0o777);
      fchownSync(opened, uid, gid);
      writeFileSync(opened, text, "latin1");
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(part, target);
    syncFolder(path.dirname(target));
    return copy;
  } catch (cause) {
    if (part !== undefined) rmSync(part, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    throw new BlockcloudError("FILE_NOT_REPLACED", `${file} stays as it was: ${whyOf(cause)}.`, {
      cause,
      remedy:
        code === "EBUSY"
          ? "It is mounted by itself, as in a container: change it where it comes from."
          : "Run the command as a user who may write the file and its folder, for example with sudo.",
    });
  }
}
