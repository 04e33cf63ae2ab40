import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import type { Listen } from "../framework/values.ts";
import { ill, well, type CheckResult } from "./check.ts";

/** The lowest version of Node that runs the sources. */
const NODE_MAJOR = 24;

/** Checks the version of Node. */
export function examineNode(version: string): CheckResult {
  const major = Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
  return major >= NODE_MAJOR
    ? well("node", version)
    : ill("node", version, `Install Node ${NODE_MAJOR} or newer.`);
}

/** Checks that the workers' state can be written. */
export function examineState(folder: string): CheckResult {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(mkdtempSync(path.join(folder, "doctor-")), { recursive: true });
    return well("state", folder);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "failed";
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
