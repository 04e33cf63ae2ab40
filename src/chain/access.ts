import type { Hex } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { checkChain, createChainClient, type ChainClient } from "./client.ts";
import { ChainClock } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import type { FeePolicy } from "./fees.ts";
import { ChainMetrics, type ReceiptListener } from "./metrics.ts";
import { TransactionSender } from "./sender.ts";

/** Which chain a worker works on, and by whom it reaches it. */
export interface ChainOptions {
  /** The preferred RPC endpoint, then those that stand in for it. */
  rpcUrls: readonly string[];
  deployment: Deployment;
}

/** What every worker needs of the chain: a client, a clock and, for some, a sender, all of it counted. */
export class ChainAccess implements Startable {
  readonly client: ChainClient;
  readonly time: ChainClock;
  readonly #options: ChainOptions;
  readonly #metrics: ChainMetrics;
  readonly #timers: Timers;
  readonly #log: Logger;

  /** @param dependencies.listeners Told of every transaction of the worker that is in a block. */
  constructor(
    options: ChainOptions,
    dependencies: {
      timers: Timers;
      log: Logger;
      metrics: Metrics;
      listeners?: readonly ReceiptListener[];
    },
  ) {
    const { timers, log, metrics, listeners } = dependencies;
    const { chainId, genesis, epochSeconds } = options.deployment;
    const counted = new ChainMetrics(metrics, timers, listeners);
    this.client = createChainClient(options.rpcUrls, chainId, {
      timers,
      log,
      observe: (transport) => counted.observe(transport),
      observer: counted,
    });
    const timing = { genesis, epochSeconds };
    this.time = new ChainClock({ timing }, { client: this.client, timers, log });
    counted.follow(this.time);
    this.#options = options;
    this.#metrics = counted;
    this.#timers = timers;
    this.#log = log;
  }

  /** A sender of a key's transactions, whose balance is watched. */
  sender(key: Hex, fees: FeePolicy | undefined): TransactionSender {
    const { rpcUrls, deployment } = this.#options;
    const { client } = this;
    const sender = new TransactionSender(
      { rpcUrls, chainId: deployment.chainId, fees, key },
      { client, log: this.#log, timers: this.#timers, observer: this.#metrics },
    );
    this.#metrics.watchBalance(() => client.getBalance({ address: sender.address }));
    return sender;
  }

  /** @throws BlockcloudError as `checkChain` does. */
  async start(): Promise<void> {
    await checkChain(this.client, this.#options.deployment);
    await this.time.start();
  }

  async stop(): Promise<void> {
    await this.time.stop();
  }
}
