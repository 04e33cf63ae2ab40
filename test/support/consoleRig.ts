import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Deployment } from "../../src/chain/deployment.ts";
import { buildPage } from "../../src/cli/console/build.ts";
import { createClient } from "../../src/client/createClient.ts";
import { consoleConfig } from "../../src/console/consoleConfig.ts";
import { ConsoleServer } from "../../src/console/consoleServer.ts";
import { PathLog } from "../../src/console/pathLog.ts";
import { readPageFiles, type PageFile } from "../../src/console/pageFiles.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { MemoryLog } from "./memoryLog.ts";

let built: Promise<ReadonlyMap<string, PageFile>> | undefined;

/** The page of these sources: each process builds its own, once, and leaves no file. */
export function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  built ??= build();
  return built;
}

async function build(): Promise<ReadonlyMap<string, PageFile>> {
  const folder = await mkdtemp(path.join(tmpdir(), "console-page-"));
  try {
    await buildPage(() => undefined, folder);
    return readPageFiles(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A console that a browser can open. */
export type ConsoleSite = Awaited<ReturnType<typeof startConsole>>;

/** Starts the console's server for a chain, with the page of these sources. */
export async function startConsole(
  chain: { rpcUrl: string; deployment: Deployment },
  options: { indexUrl?: URL; config?: object; resolver?: string } = {},
) {
  const files = await pageFiles();
  const { rpcUrl, deployment } = chain;
  const { indexUrl, resolver } = options;
  const hasIndex = indexUrl !== undefined;
  const paths = new PathLog(() => Date.now());
  const client = createClient(
    {
      deployment,
      rpc: rpcUrl,
      allowLoopback: true,
      ...(resolver === undefined ? { bootstrap: [] } : { resolver }),
    },
    { observer: paths },
  );
  const log = new MemoryLog();
  const server = new ConsoleServer(
    {
      listen: { host: "127.0.0.1", port: 0 },
      ...{ trustedProxies: [], maxConnections: 0, maxConnectionsPerPeer: 0, keepAliveMs: 1_000 },
      ...{ maxUnread: 0, maxUnreadPerPeer: 0 },
      names: [],
      config: options.config ?? consoleConfig(deployment, { hasIndex, isEmbedded: true }),
      files,
      rpcUrls: [rpcUrl],
      indexUrl,
    },
    { client, paths, timers: systemTimers, log, fetch: (url, init) => fetch(url, init) },
  );
  await server.start();
  const { port } = server.address satisfies AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/`, lines: log.lines, stop: () => server.stop() };
}
