import path from "node:path";
import type { Address, Hex } from "viem";
import { Announcements } from "../chain/announcements.ts";
import { checkChain, createChainClient } from "../chain/client.ts";
import { ChainClock } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/fees.ts";
import { Seeds } from "../chain/seeds.ts";
import { TransactionSender } from "../chain/sender.ts";
import { Services } from "../chain/services.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { ReceiptSigner } from "../protocol/receipt.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { AuditDuty } from "./auditDuty.ts";
import { Auditor } from "./auditor.ts";
import { Secrets } from "./chain.ts";
import { EarnDuty } from "./earnDuty.ts";
import { Inspector, type InspectorDependencies, type Voter } from "./inspector.ts";
import { Profit, type Economics } from "./profit.ts";
import { AuditorStore } from "./store.ts";
import { TickDuty } from "./tickDuty.ts";

export interface AuditorOptions {
  /** The preferred RPC endpoint, then those that stand in for it. */
  rpcUrls: readonly string[];
  fees?: FeePolicy | undefined;
  /** Refuses rounds that do not pay; without it none is refused. */
  economics?: Economics | undefined;
  deployment: Deployment;
  /** The auditor's owner: its identity. */
  auditor: Address;
  /** Signs the rounds' transactions and makes the hash chains. */
  operatorKey: Hex;
  /** Folder of the worker's state. */
  stateDir: string;
  /** The devnet switch: services on loopback are inspected too. */
  allowLoopback: boolean;
}

export interface AuditorEnvironment {
  timers: Timers;
  log: Logger;
  /** Who votes; the real inspector unless a test brings another. */
  createVoter?: (dependencies: InspectorDependencies) => Voter;
}

/** An auditor with everything it needs, ready to start. */
export function createAuditor(options: AuditorOptions, environment: AuditorEnvironment): Startable {
  const { deployment, auditor } = options;
  const { timers, log } = environment;
  const { chainId, contracts, genesis, epochSeconds } = deployment;
  const client = createChainClient(options.rpcUrls, chainId, { timers, log });
  const time = new ChainClock({ timing: { genesis, epochSeconds } }, { client, timers, log });
  const services = new Services(client, deployment);
  const announcements = new Announcements({ client, deployment, time, services, log });
  const seeds = new Seeds(client, deployment);
  const secrets = new Secrets({ auditor, operatorKey: options.operatorKey, deployment }, client);
  const sender = new TransactionSender(
    { rpcUrls: options.rpcUrls, chainId, fees: options.fees, key: options.operatorKey },
    { client, log, timers },
  );
  const receipts = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
  const createVoter =
    environment.createVoter ??
    ((needs) => new Inspector({ allowLoopback: options.allowLoopback }, needs));
  const voter = createVoter({ time, timers, announcements, receipts, log });
  const store = new AuditorStore(path.join(options.stateDir, `auditor-${auditor}.sqlite`));
  const shared = { client, deployment, seeds, store, sender, time, timers, log };
  const profit = options.economics && new Profit(options.economics, shared);
  const duties = [
    new TickDuty(shared),
    new AuditDuty({ auditor }, { ...shared, services, announcements, secrets, voter, profit }),
    new EarnDuty({ auditor }, shared),
  ];
  const worker = new Auditor({ auditor }, { duties, time, timers, log });

  return {
    async start() {
      await checkChain(client, deployment);
      await time.start();
      await worker.start();
    },
    async stop() {
      await worker.stop();
      await time.stop();
      store.close();
    },
  };
}
