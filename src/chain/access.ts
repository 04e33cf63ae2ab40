import type { Hex } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { checkChain, createChainClient, type ChainClient } from "./client.ts";
import { ChainClock } from "./clock.ts";
import { originOf, type Deployment } from "./deployment.ts";
import { whatFailed } from "./rpc/faults.ts";
import { NewHeads } from "./rpc/newHeads.ts";
import type { FeePolicy } from "./transactions/fees.ts";
import { ChainMetrics, type ReceiptListener } from "./metrics.ts";
import { roundsLeft } from "./runway.ts";
import { TransactionSender } from "./transactions/sender.ts";

/** A worker's chain, and its RPC endpoints. */
export interface ChainOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  deployment: Deployment;
  /** The polling of the head; default: about one poll per block. */
  pace?: ChainPace | undefined;
}

/** The polling of the head. */
export interface ChainPace {
  /** Interval between polls, milliseconds; default: about the time between blocks. */
  pollMs?: number | undefined;
  /** WebSocket endpoint that announces new blocks (`newHeads`). */
  headsUrl?: string | undefined;
}

/** Number of answers with another chain ID after which a worker stops. */
const CHECKS = 3;
const never = new AbortController().signal;

/** A worker's access to the chain: a client, a clock and, for some, a sender, all with metrics. */
export class ChainAccess implements Startable {
  readonly client: ChainClient;
  readonly time: ChainClock;
  readonly #options: ChainOptions;
  readonly #heads: NewHeads | undefined;
  readonly #metrics: ChainMetrics;
  readonly #timers: Timers;
  readonly #log: Logger;

  /** @param dependencies.listeners Called for every mined transaction of the worker. */
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
      origin: originOf(options.deployment),
    });
    const timing = { genesis, epochSeconds };
    const { pollMs, headsUrl } = options.pace ?? {};
    this.time = new ChainClock({ timing, pollMs }, { client: this.client, timers, log });
    const heard = () => {
      this.time.poke();
    };
    this.#heads =
      headsUrl === undefined ? undefined : new NewHeads({ url: headsUrl }, { timers, log, heard });
    counted.follow(this.time);
    this.#options = options;
    this.#metrics = counted;
    this.#timers = timers;
    this.#log = log;
  }

  /**
   * A sender of a key's transactions, whose balance is watched.
   *
   * @param gasPerRound The gas that the worker needs in a round or an epoch; it may change.
   */
  sender(key: Hex, fees: FeePolicy | undefined, gasPerRound: () => bigint): TransactionSender {
    const { rpcUrls, deployment } = this.#options;
    const { client } = this;
    const sender = new TransactionSender(
      { rpcUrls, chainId: deployment.chainId, fees, key },
      { client, log: this.#log, timers: this.#timers, observer: this.#metrics },
    );
    this.#metrics.watchBalance(async () => {
      const [wei, price] = await Promise.all([
        client.getBalance({ address: sender.address }),
        client.getGasPrice(),
      ]);
      return { wei, rounds: roundsLeft(wei, price, gasPerRound()) };
    });
    return sender;
  }

  /**
   * Checks the chain. An endpoint that names another chain is asked again first, because the error ends the worker.
   *
   * @throws BlockcloudError as `checkChain` does.
   */
  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await checkChain(this.client, this.#options.deployment);
        break;
      } catch (error) {
        const isMismatch = error instanceof BlockcloudError && error.code === "CHAIN_MISMATCH";
        if (!isMismatch || tries === CHECKS) throw error;
        this.#log.warn("the endpoint may serve another chain, asking again", { error });
        await this.#timers.sleep(tries * 500, never);
      }
    }
    await startTime(this.time);
    await this.#heads?.start();
  }

  async stop(): Promise<void> {
    await this.#heads?.stop();
    await this.time.stop();
  }
}

async function startTime(time: ChainClock): Promise<void> {
  try {
    await time.start();
  } catch (cause) {
    throw new BlockcloudError(
      "CHAIN_UNREACHABLE",
      `The newest block cannot be read: ${whatFailed(cause)}`,
      {
        cause,
        retryable: true,
        remedy: "Check the RPC endpoints.",
      },
    );
  }
}
