import path from "node:path";
import type { Address, Hex } from "viem";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { Challenges } from "../chain/challenges.ts";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/transactions/fees.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import { Seeds } from "../chain/seeds.ts";
import { Services } from "../chain/services.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { CollectDuty } from "./collectDuty.ts";
import type { KeeperDuty } from "./duty.ts";
import { Executor } from "./executor.ts";
import { FeesDuty, LEAST_FEES } from "./feesDuty.ts";
import { EventFollower } from "./follower.ts";
import { Keeper } from "./keeper.ts";
import { LapseDuty } from "./lapseDuty.ts";
import { KeeperMetrics } from "./metrics.ts";
import { ReleaseDuty } from "./releaseDuty.ts";
import { ReportDuty } from "./reportDuty.ts";
import { ResolveDuty } from "./resolveDuty.ts";
import { SettleDuty } from "./settleDuty.ts";
import { KeeperStore } from "./store.ts";
import { SuspendDuty } from "./suspendDuty.ts";
import { TickDuty } from "./tickDuty.ts";

export interface KeeperOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  fees?: FeePolicy | undefined;
  deployment: Deployment;
  /** Pays for transactions and receives the rewards. */
  key: Hex;
  /** Folder of the worker's state. */
  stateDir: string;
  /** Wei of ether that one BLOC is worth to the keeper. */
  blocPriceWei: bigint;
  /** Budget for unprofitable calls, ether in wei a day; 0 for none. */
  unpaidWeiPerDay: bigint;
  /** Epochs after which the keeper settles a service's pay; needs a budget for unprofitable calls. */
  settleAfterEpochs: number;
  /** Auditors whose claimed pay the keeper collects. */
  collectFor: readonly Address[];
}

/** Assembles a keeper, ready to start. */
export function createKeeper(
  options: KeeperOptions,
  environment: { timers: Timers; log: Logger; metrics?: Metrics },
): Startable {
  const { deployment, blocPriceWei, unpaidWeiPerDay } = options;
  const { timers, log, metrics = createMetrics("keeper") } = environment;
  const observer = new KeeperMetrics(metrics);
  const keeper = addressOfKey(options.key);
  const chain = new ChainAccess(options, { timers, log, metrics });
  const { client, time } = chain;
  const sender = chain.sender(options.key, options.fees, () => GAS_PER_ROUND.keeper);
  const name = `keeper-${keeper}-${deploymentTag(deployment)}.sqlite`;
  const store = new KeeperStore(path.join(options.stateDir, name));
  const shared = { client, deployment, store };
  const executor = new Executor(
    { blocPriceWei, unpaidWeiPerDay },
    { ...shared, sender, time, observer, log },
  );
  const challenges = new Challenges(client, deployment);
  const services = new Services(client, deployment);
  const afterEpochs = options.settleAfterEpochs;
  const duties: KeeperDuty[] = [
    new ReportDuty({ keeper }, shared),
    new ResolveDuty({ keeper }, { challenges, deployment, store }),
    new CollectDuty({ auditors: options.collectFor }, shared),
    // Without a budget, the keeper does not search for unprofitable work.
    ...(unpaidWeiPerDay > 0n
      ? [
          new SuspendDuty({ client, deployment, services }),
          new LapseDuty({ keeper }, shared),
          new SettleDuty({ keeper, afterEpochs }, shared),
          new ReleaseDuty(shared),
          new FeesDuty({ least: LEAST_FEES }, shared),
        ]
      : []),
  ];
  const seeds = new Seeds(client, deployment);
  const worker = new Keeper({
    follower: new EventFollower({ ...shared, observer, log }),
    tick: new TickDuty({ client, deployment, seeds, time, timers, log }),
    duties,
    executor,
    observer,
    time,
    timers,
    log,
  });
  return {
    async start() {
      await chain.start();
      await worker.start();
    },
    async stop() {
      await worker.stop();
      await chain.stop();
      store.close();
    },
  };
}
