import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { LockOptions } from "../../node/lock.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Longest path of a Unix socket, bytes: 108 with its end on Linux, 104 on others. */
const MAX_PATH_BYTES = 103;

/** Where the processes of one worker meet: a socket of each in the state folder. The lock names the worker. */
export class HandoffPlace {
  readonly #folder: string;
  readonly #prefix: string;

  constructor({ stateDir, name }: LockOptions) {
    this.#folder = stateDir;
    // The lock's name is too long for a socket's path.
    this.#prefix = `handoff-${createHash("sha256").update(name).digest("hex").slice(0, 8)}-`;
  }

  /** Whether sockets of a folder's processes have a path that is short enough. */
  static fits(stateDir: string): boolean {
    return isShort(path.join(stateDir, `handoff-${"0".repeat(8)}-${"0".repeat(8)}.sock`));
  }

  /**
   * A socket for one more process.
   *
   * @throws BlockcloudError `HANDOFF_PATH` if the path is too long for a socket.
   */
  next(): string {
    const file = path.join(this.#folder, `${this.#prefix}${randomBytes(4).toString("hex")}.sock`);
    if (isShort(file)) return file;
    throw new BlockcloudError("HANDOFF_PATH", `${file} is too long for a Unix socket.`, {
      remedy: `Give a state folder whose path has at most ${MAX_PATH_BYTES - 30} bytes.`,
    });
  }

  /** The sockets that are there, the newest first; of some the process is gone. */
  all(): string[] {
    return allSockets(this.#folder, this.#prefix)
      .map((file) => ({ file, madeAt: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => b.madeAt - a.madeAt)
      .map(({ file }) => file);
  }
}

function isShort(file: string): boolean {
  return Buffer.byteLength(path.resolve(file)) <= MAX_PATH_BYTES;
}

/** The sockets of all workers of a state folder. */
export function allSockets(folder: string, prefix = "handoff-"): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(
      (name) => name.startsWith(prefix) && /^handoff-[0-9a-f]{8}-[0-9a-f]{8}\.sock$/.test(name),
    )
    .map((name) => path.join(folder, name));
}
