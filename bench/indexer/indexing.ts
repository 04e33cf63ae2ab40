import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Deployment } from "../../src/chain/deployment.ts";
import { createIndexer, prepareIndexer, type IndexParts } from "../../src/indexer/createIndexer.ts";
import { silentLogger, type Logger } from "../../src/node/logger.ts";
import { packageRoot } from "../../src/node/packageRoot.ts";
import { systemTimers } from "../../src/node/timers.ts";

/** An index that a benchmark runs. */
export interface MeasuredIndex extends IndexParts {
  /** The moments when it began to read history, and when it followed the head. */
  readonly moments: { backfill?: number; live?: number };
  /** Resolves when it follows the head. */
  readonly live: Promise<void>;
}

/** Says how far a benchmark is. */
export type Say = (message: string) => void;

/** Starts an index in a folder. */
export async function startIndex(
  folder: string,
  deployment: Deployment,
  rpcUrl: string,
  say: Say,
): Promise<MeasuredIndex> {
  const root = packageRoot();
  const prepared = await prepareIndexer({ root, stateDir: folder, deployment });
  const moments: MeasuredIndex["moments"] = {};
  const { promise: live, resolve, reject } = Promise.withResolvers<undefined>();
  // It may fail before anybody waits for it.
  live.catch(() => undefined);
  const tell = (message: string, fields?: object) => {
    say(`  ${message} ${fields === undefined ? "" : JSON.stringify(fields)}`.trimEnd());
  };
  const log: Logger = {
    ...silentLogger,
    info: (message, fields) => {
      if (message === "history is read") tell(message, fields);
      if (message === "the index reads the chain's history") moments.backfill = performance.now();
      if (message !== "the index follows the head") return;
      moments.live = performance.now();
      resolve(undefined);
    },
    warn: (message, fields) => {
      tell(message, fields);
      // One that starts again would measure the pauses.
      if (message === "Ponder ended and is started again") reject(new Error("Ponder ended."));
    },
    error: tell,
  };
  const parts = createIndexer(
    {
      ...{ rpcUrls: [rpcUrl], deployment, root, databaseUrl: undefined, pollMs: undefined },
      front: {
        ...{ listen: { host: "127.0.0.1", port: 0 }, origins: [], sql: false, trustedProxies: [] },
        ...{ maxConnections: 0, maxConnectionsPerPeer: 0, keepAliveMs: 5_000 },
        ...{ maxUnread: 0, maxUnreadPerPeer: 0 },
      },
    },
    prepared,
    { timers: systemTimers, log, fail: reject },
  );
  await parts.start();
  return { ...parts, moments, live };
}

/** Peak and present memory of a process, MiB. */
export function memoryOf(pid: number): { peakMiB: number; residentMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN);
  return {
    peakMiB: Math.round(read("VmHWM") / 1024),
    residentMiB: Math.round(read("VmRSS") / 1024),
  };
}

/** Processor time of a process so far, seconds. */
export function processorOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  // In ticks of 10 ms, as Linux has them on all platforms.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Waits for a part of a benchmark, and gives up after some seconds with what it waited for. */
export async function within<T>(seconds: number, what: string, part: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const limit = pause(seconds * 1000, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`${what} took more than ${seconds} s.`);
  });
  try {
    return await Promise.race([part, limit]);
  } finally {
    ended.abort();
    await limit.catch(() => undefined);
  }
}

/** Runs with a folder that is deleted afterwards. */
export async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-index-"));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
