import { mkdirSync } from "node:fs";
import { BlockcloudError } from "../protocol/errors.ts";

/**
 * Makes a folder for state or keys, for nobody else to look into, unless there is one.
 *
 * @throws BlockcloudError `STATE_UNUSABLE`, with what the operating system says.
 */
export function ensureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    const why = WHY[code] ?? code;
    throw new BlockcloudError("STATE_UNUSABLE", `${folder} cannot be used as a folder: ${why}.`, {
      cause,
      remedy: "Name a folder that this user may write to.",
    });
  }
}

const WHY: Readonly<Record<string, string>> = {
  EEXIST: "it is a file",
  ENOTDIR: "a part of the path is a file",
  EACCES: "this user may not make it",
  EPERM: "this user may not make it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};
