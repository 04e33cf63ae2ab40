import { mkdirSync } from "node:fs";
import { BlockcloudError } from "../protocol/errors.ts";

/**
 * Creates a folder for state or keys that only this user can read, unless it exists.
 *
 * @throws BlockcloudError `STATE_UNUSABLE`, with the operating system's reason.
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
  EACCES: "this user may not create it",
  EPERM: "this user may not create it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};
