import path from "node:path";
import type { Hex } from "viem";
import { ChainAccess, type ChainOptions } from "../chain/access.ts";
import { deploymentTag } from "../chain/deployment.ts";
import { TEST_CHAINS } from "../chain/networks.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import type { FeePolicy } from "../chain/transactions/fees.ts";
import { PublicHttpMetrics } from "../net/publicHttpMetrics.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import { wallSeconds, type Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { Faucet, type FaucetLimits } from "./faucet.ts";
import { FaucetFront, type FaucetFrontOptions } from "./front.ts";
import { FaucetStore } from "./store.ts";

export interface FaucetOptions extends ChainOptions {
  fees?: FeePolicy | undefined;
  /** Holds the BLOC and the ether that are given. */
  key: Hex;
  /** Folder of the worker's state. */
  stateDir: string;
  limits: FaucetLimits;
  front: FaucetFrontOptions;
}

/**
 * Assembles a faucet, ready to start.
 *
 * @throws BlockcloudError `NO_TEST_CHAIN` where BLOC may be worth something; `GIFT_INVALID`.
 */
export function createFaucet(
  options: FaucetOptions,
  environment: { timers: Timers; log: Logger; metrics: Metrics },
): Startable {
  const { deployment, limits } = options;
  const { chainId } = deployment;
  if (!TEST_CHAINS.includes(chainId)) {
    throw new BlockcloudError("NO_TEST_CHAIN", `Chain ${chainId} is not a known test network.`, {
      remedy: "A faucet runs on Sepolia, Base Sepolia or a development chain only.",
    });
  }
  const { gift, daily } = limits;
  if (gift.bloc > daily.bloc || gift.ether > daily.ether) {
    throw new BlockcloudError("GIFT_INVALID", "One gift is more than all gifts of a day.", {
      remedy: "Lower --bloc or --ether, or raise --daily-bloc or --daily-ether.",
    });
  }
  if (gift.bloc === 0n && gift.ether === 0n) {
    throw new BlockcloudError("GIFT_INVALID", "One gift is neither BLOC nor ether.", {
      remedy: "Give --bloc or --ether an amount above 0.",
    });
  }
  const { log, metrics } = environment;
  const refusals = new PublicHttpMetrics(metrics);
  const chain = new ChainAccess(options, environment);
  const name = `faucet-${addressOfKey(options.key)}-${deploymentTag(deployment)}.sqlite`;
  const store = new FaucetStore(path.join(options.stateDir, name));
  const faucet = new Faucet(limits, {
    client: chain.client,
    sender: chain.sender(options.key, options.fees, () => GAS_PER_ROUND.faucet),
    now: () => wallSeconds() * 1000,
    ...{ deployment, store, log },
  });
  const front = new FaucetFront({ ...options.front, chainId }, { faucet, log, refusals });
  const parts = inOrder(chain, front);
  return {
    start: () => parts.start(),
    stop: async () => {
      await parts.stop();
      store.close();
    },
  };
}
