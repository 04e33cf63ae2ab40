import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { isOnReadOnly, roomAt, whyOf } from "../../node/fileFault.ts";
import type { Listen } from "../framework/values.ts";
import { ill, well, type CheckResult } from "./check.ts";

const MEBIBYTE = 1024 ** 2;
/** Room that a worker should have: its state, SQLite's journals, and a copy for a backup. */
const ROOM_BYTES = 256 * MEBIBYTE;

/** The lowest version of Node that runs the sources. */
const NODE_MAJOR = 24;

/** Checks the version of Node. */
export function examineNode(version: string): CheckResult {
  const major = Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
  return major >= NODE_MAJOR
    ? well("node", version)
    : ill("node", version, `Install Node ${NODE_MAJOR} or newer.`);
}

/** Checks that the workers' state can be written, and that there is room for it. */
export function examineState(folder: string): CheckResult {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(mkdtempSync(path.join(folder, "doctor-")), { recursive: true });
    const room = roomAt(folder);
    if (room === undefined) return well("state", folder);
    const detail = `${folder}, ${Math.floor(room / MEBIBYTE)} MiB free`;
    return room >= ROOM_BYTES
      ? well("state", detail)
      : ill("state", detail, `Make room: a worker needs ${ROOM_BYTES / MEBIBYTE} MiB.`);
  } catch (error) {
    const why = isOnReadOnly(folder) ? "the file system is read-only" : whyOf(error);
    return ill(
      "state",
      `${folder}: ${why}`,
      "Name a folder that the worker may write, with --state.",
    );
  }
}

/** Checks that a server could listen at an address. */
export async function examinePort(name: string, { host, port }: Listen): Promise<CheckResult> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, host, resolve);
    });
    return well(name, `${host}:${port} is free`);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "failed";
    return ill(
      name,
      `${host}:${port}: ${why}`,
      why === "EADDRINUSE"
        ? "Another process listens there. If it is the worker itself, there is nothing to do."
        : "Name an address of this host, and a port that the worker may open.",
    );
  } finally {
    server.close();
  }
}
