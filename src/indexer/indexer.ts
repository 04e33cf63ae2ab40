import { createHash } from "node:crypto";
import path from "node:path";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { IndexFolder } from "./indexFolder.ts";
import type { Installation } from "./installation.ts";
import { stageApp } from "./installation.ts";
import type { IndexState, IndexStatus } from "./indexStatus.ts";
import type { IndexerMetrics } from "./metrics.ts";
import { ponderEnv } from "./ponderEnv.ts";
import { PonderProcess, type PonderEnd } from "./ponderProcess.ts";
import type { Head, RpcFront } from "./rpcFront.ts";
import { UNFIT } from "./unfit.ts";

/** Pause before Ponder is started again, milliseconds; it doubles with each failure. */
const PAUSE_MS = { least: 1_000, most: 30_000 };
/** Failures in a row, without having come further in between, after which the index gives up. */
const MOST_FAILURES = 5;
/** Interval between reports of the progress, milliseconds. */
const REPORT_MS = 5_000;
/** Time within which Ponder says where it is, milliseconds; it is busy while it reads history. */
const STATUS_MS = 1_000;
export interface IndexerOptions {
  deployment: Deployment;
  /** Folder of this package. */
  root: string;
  /** URL of a Postgres database; without one, PGlite keeps the tables in the folder. */
  databaseUrl: string | undefined;
  pollMs: number;
}

export interface IndexerDependencies {
  timers: Timers;
  log: Logger;
  installation: Installation;
  folder: IndexFolder;
  rpc: RpcFront;
  /** Finds a free port on loopback. */
  freePort: () => Promise<number>;
  /** Ends the worker: it cannot go on. */
  fail: (error: unknown) => void;
  metrics: IndexerMetrics;
}

/** Keeps an index of a deployment: runs Ponder, starts it again when it fails, and replaces a database that does not fit. */
export class Indexer implements Startable {
  readonly #options: IndexerOptions;
  readonly #dependencies: IndexerDependencies;
  readonly #stopping = new AbortController();
  #state: IndexState = "starting";
  #process: PonderProcess | undefined;
  #port: number | undefined;
  #indexed: Head | undefined;
  #isUnfit = false;
  #running: Promise<unknown> | undefined;

  constructor(options: IndexerOptions, dependencies: IndexerDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Where Ponder answers; undefined while it does not. */
  get base(): string | undefined {
    return this.#port === undefined ? undefined : `http://127.0.0.1:${this.#port}`;
  }

  /** Ponder's process; tests end it. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): Promise<void> {
    this.#running = Promise.all([this.#run(), this.#watch()]);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.#running;
    this.#enter("stopped");
  }

  async status(): Promise<IndexStatus> {
    await this.#ask();
    const { block: first } = this.#options.deployment;
    const seen = this.#dependencies.rpc.head;
    const indexed = this.#indexed ?? null;
    // Ponder may know a newer block than the last answer to "latest" that was seen.
    const head =
      seen && indexed && indexed.block > seen.head.block ? indexed : (seen?.head ?? null);
    const both = head !== null && indexed !== null;
    const span = both ? Math.max(1, head.block - first) : 1;
    return {
      state: this.#state,
      progress: both ? Math.min(1, Math.max(0, (indexed.block - first) / span)) : 0,
      head,
      indexed,
      behindBlocks: both ? head.block - indexed.block : null,
      behindSeconds: both ? head.time - indexed.time : null,
      checkedSecondsAgo: seen ? Math.round(seen.agoMs) / 1000 : null,
    };
  }

  /** One process of Ponder after the other, until it is stopped or gives up. */
  async #run(): Promise<void> {
    const { log, timers, folder, fail } = this.#dependencies;
    const { signal } = this.#stopping;
    let failures = 0;
    let furthest = 0;
    try {
      while (!signal.aborted) {
        const end = await this.#once();
        if (signal.aborted) return;
        const reached = this.#indexed?.block ?? 0;
        failures = this.#state === "live" || reached > furthest ? 1 : failures + 1;
        furthest = Math.max(furthest, reached);
        this.#enter("failing");
        if (this.#isUnfit || UNFIT.test(end.said)) {
          this.#isUnfit = false;
          await folder.setAside();
          log.warn("the database does not fit the chain: a new one begins, the old one is kept", {
            generation: folder.generation,
          });
        }
        if (failures > MOST_FAILURES) throw gaveUp(end);
        const pause = Math.min(PAUSE_MS.least * 2 ** (failures - 1), PAUSE_MS.most);
        this.#dependencies.metrics.restarted();
        log.warn("Ponder ended and is started again", {
          code: end.code,
          signal: end.signal,
          pause,
        });
        await timers.sleep(pause, signal).catch(() => undefined);
      }
    } catch (error) {
      this.#enter("failing");
      fail(error);
    }
  }

  async #once(): Promise<PonderEnd> {
    const { deployment, root, databaseUrl } = this.#options;
    const { installation, folder, freePort, log, rpc } = this.#dependencies;
    const app = path.join(folder.path, "app");
    const hash = await stageApp(app, root, installation);
    const { generation } = folder;
    const tag = `${deploymentTag(deployment)}-${deployment.contracts.registry}-${generation}`;
    rpc.begin(syncId(tag));
    const port = await freePort();
    this.#port = undefined;
    this.#indexed = undefined;
    this.#process = new PonderProcess(
      {
        program: installation.program,
        root: app,
        schema: `blockcloud_${digest(`${tag}-${hash}`).slice(0, 12)}`,
        port,
        env: ponderEnv({
          ...this.#options,
          deploymentFile: folder.deployment,
          rpcUrl: rpc.url,
          chainId: rpc.chainId,
          database: folder.database,
        }),
        secrets: databaseUrl === undefined ? [rpc.url] : [rpc.url, databaseUrl],
      },
      log,
      (news) => {
        if (news.kind === "live") this.#enter("live");
        else if (news.kind !== "listens") {
          // A database that breaks before Ponder answers is damaged; one that breaks later may be opened again.
          this.#isUnfit ||= news.kind === "unfit" || this.#port === undefined;
          void this.#process?.stop();
        } else {
          this.#port = news.port;
          this.#enter("backfill");
        }
      },
    );
    // It may have been stopped meanwhile.
    if (this.#stopping.signal.aborted) void this.#process.stop();
    const end = await this.#process.ended;
    this.#port = undefined;
    return end;
  }

  #enter(state: IndexState): void {
    if (state === this.#state) return;
    this.#state = state;
    const { log } = this.#dependencies;
    if (state === "backfill") log.info("the index reads the chain's history");
    if (state === "live") log.info("the index follows the head");
  }

  /** Measures how far the index is; while it reads history, the log says it, too. */
  async #watch(): Promise<void> {
    const { timers, log, metrics } = this.#dependencies;
    const { signal } = this.#stopping;
    for (;;) {
      await timers.sleep(REPORT_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const status = await this.status();
      metrics.seen(status);
      if (status.state !== "backfill") continue;
      const { progress, indexed, head } = status;
      const about = {
        progress: Number(progress.toFixed(3)),
        block: indexed?.block,
        head: head?.block,
      };
      log.info("history is read", about);
    }
  }

  /** Asks Ponder for its newest block; the last answer stands while it is busy. */
  async #ask(): Promise<void> {
    if (this.base === undefined) return;
    try {
      const response = await fetch(`${this.base}/status`, {
        signal: AbortSignal.timeout(STATUS_MS),
      });
      const { blockcloud } = (await response.json()) as PonderStatus;
      if (blockcloud)
        this.#indexed = { block: blockcloud.block.number, time: blockcloud.block.timestamp };
    } catch (error) {
      this.#dependencies.log.debug("Ponder does not say where it is", { error });
    }
  }
}

interface PonderStatus {
  blockcloud?: { block: { number: number; timestamp: number } };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * The chain's ID for Ponder. Ponder keeps blocks and logs by this ID alone, and test chains share theirs: an ID for
 * each deployment, and for each new beginning, keeps them apart in one database.
 */
function syncId(tag: string): number {
  return Number.parseInt(digest(tag).slice(0, 12), 16);
}

function gaveUp({ code, signal, said }: PonderEnd): BlockcloudError {
  const how = signal === null ? `with ${code}` : `by ${signal}`;
  const last = said.split("\n").at(-1) ?? "";
  return new BlockcloudError("INDEXER_FAILED", `Ponder ended ${how} again and again: ${last}`, {
    remedy: "Check database and RPC endpoint; --log-level debug shows all that Ponder says.",
  });
}
