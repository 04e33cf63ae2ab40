import type { ChainTime } from "../../chain/clock.ts";
import type { ChainClient } from "../../chain/client.ts";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import type { Startable } from "../../node/lifecycle.ts";
import { WorkerLock } from "../../node/lock.ts";
import type { Logger } from "../../node/logger.ts";
import { systemScheduler, type Scheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { CollectorReads } from "./chain.ts";
import { Collector, type CollectorOptions } from "./collector.ts";
import type { CollectorSender } from "./opener.ts";
import { Redeemer, type RedeemerOptions } from "./redeemer.ts";
import { CollectorStore, collectorStoreFile } from "./store.ts";

/** Pause between two rounds of a collector, milliseconds; at most a quarter of an epoch. */
const ROUND_MS = 60_000;

export interface OpenCollectorOptions
  extends CollectorOptions, Pick<RedeemerOptions, "blocPriceWei"> {
  stateDir: string;
  deployment: Deployment;
}

export interface OpenCollectorDependencies {
  client: ChainClient;
  /** Of the provider's wallet key, which is the collector. */
  sender: CollectorSender;
  time: ChainTime;
  timers: Timers;
  log: Logger;
  clock?: Scheduler;
}

/** A collector on disk with its duties. */
export interface OpenedCollector extends Startable {
  readonly collector: Collector;
}

/**
 * Opens the collector of a service in a state folder. Another process that has it open is refused: two would give one
 * payer the same credit twice.
 *
 * @throws BlockcloudError `WORKER_RUNNING` if another process has it open; those of `openStore`.
 * @example
 * const opened = openCollector({ stateDir, deployment, number, price, blocPriceWei }, dependencies);
 * await opened.start();
 */
export function openCollector(
  options: OpenCollectorOptions,
  dependencies: OpenCollectorDependencies,
): OpenedCollector {
  const { stateDir, deployment, number, blocPriceWei } = options;
  const { client, clock = systemScheduler, ...shared } = dependencies;
  const name = `collector-${number}-${deploymentTag(deployment)}`;
  const lock = WorkerLock.take({ stateDir, name });
  let store: CollectorStore | undefined;
  let collector: Collector;
  try {
    store = new CollectorStore(collectorStoreFile(stateDir, deployment, number));
    const chain = new CollectorReads(client, deployment);
    collector = new Collector(options, { ...shared, deployment, store, chain, clock });
    const everyMs = Math.min(ROUND_MS, deployment.epochSeconds * 250);
    const parts = { ...shared, collector, deployment, chain };
    const redeemer = new Redeemer({ blocPriceWei, everyMs }, parts);
    return { collector, ...lifeOf(collector, redeemer, store, lock) };
  } catch (error) {
    store?.close();
    lock.release();
    throw error;
  }
}

function lifeOf(
  collector: Collector,
  redeemer: Redeemer,
  store: CollectorStore,
  lock: WorkerLock,
): Startable {
  return {
    async start() {
      await collector.start();
      await redeemer.start();
    },
    async stop() {
      try {
        await redeemer.stop();
        await collector.stop();
      } finally {
        store.close();
        lock.release();
      }
    },
  };
}
