import type { Address, Hex } from "viem";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { currentEpoch } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/transactions/fees.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import { Seeds } from "../chain/seeds.ts";
import { Services } from "../chain/services.ts";
import type { CoralOptions } from "../coral/options.ts";
import { DialRules } from "../net/dialRules.ts";
import { disposable, inOrder, type Worker } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { systemScheduler } from "../node/scheduler.ts";
import type { Timers } from "../node/timers.ts";
import { ReceiptSigner } from "../protocol/receipt.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { TlsTransport } from "../sal/transport/tlsTransport.ts";
import { AuditDuty } from "./auditDuty.ts";
import { Auditor } from "./auditor.ts";
import { Secrets } from "./secrets.ts";
import { EarnDuty } from "./earnDuty.ts";
import { createLocator } from "./inspection/locator.ts";
import { refuseForeignRounds } from "./foreignRounds.ts";
import { Inspector, type InspectorDependencies, type Voter } from "./inspection/inspector.ts";
import { AuditorMetrics } from "./metrics.ts";
import { checkOperator } from "./operatorCheck.ts";
import { Profit, type Economics } from "./profit.ts";
import { AuditorStore, auditorStoreFile } from "./store.ts";
import { TickDuty } from "./tickDuty.ts";

export interface AuditorOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  fees?: FeePolicy | undefined;
  /** Skips unprofitable rounds; undefined: skips none. */
  economics?: Economics | undefined;
  deployment: Deployment;
  /** The auditor's owner: its identity. */
  auditor: Address;
  /** Signs the rounds' transactions and makes the hash chains. */
  operatorKey: Hex;
  /** The auditor's node of the record network; without it, only announcements on chain are used. */
  coral?: CoralOptions | undefined;
  /** Folder of the worker's state. */
  stateDir: string;
  /** For a devnet: inspect services on loopback, too. */
  allowLoopback: boolean;
  /** Duties to run, default all. An auditor that leaves starts no new rounds. */
  duties?: readonly string[];
}

export interface AuditorEnvironment {
  timers: Timers;
  log: Logger;
  /** The registry in which the auditor counts its events. */
  metrics?: Metrics;
  /** Replaces the inspector in tests. */
  createVoter?: (dependencies: InspectorDependencies) => Voter;
  /** Opens the store; tests replace it by one that fails. */
  openStore?: (file: string) => AuditorStore;
}

/**
 * Assembles an auditor, ready to start.
 *
 * @example
 * await using auditor = createAuditor(
 *   {
 *     deployment: loadDeployment("deployments/sepolia.json"),
 *     rpcUrls: ["https://rpc.example"],
 *     auditor: "0xbDA5747bFD65F08deb54cb465eB87D40e51B197E",
 *     operatorKey,
 *     stateDir: ".blockcloud",
 *     allowLoopback: false,
 *   },
 *   { timers: systemTimers, log: createLogger({ name: "auditor", level: "info" }) },
 * );
 * await auditor.start();
 */
export function createAuditor(options: AuditorOptions, environment: AuditorEnvironment): Worker {
  const { deployment, auditor } = options;
  const { timers, log, metrics: registry = createMetrics("auditor") } = environment;
  const metrics = new AuditorMetrics(registry);
  const chain = new ChainAccess(options, { timers, log, metrics: registry, listeners: [metrics] });
  const { client, time } = chain;
  const services = new Services(client, deployment);
  const announcements = new Announcements({ client, deployment, time, services, log });
  const locator = createLocator(options, {
    ...{ client, time, announcements, timers, log },
    metrics: registry,
  });
  const seeds = new Seeds(client, deployment);
  const secrets = new Secrets({ auditor, operatorKey: options.operatorKey, deployment }, client);
  const sender = chain.sender(options.operatorKey, options.fees, () => GAS_PER_ROUND.auditor);
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const receipts = new ReceiptSigner(domain);
  const { allowLoopback } = options;
  const transport = new TlsTransport(new DialRules({ allowLoopback }));
  const sal = { transport, clock: systemScheduler, domain, log };
  const createVoter =
    environment.createVoter ?? ((needs) => new Inspector({ allowLoopback }, needs));
  const { locate } = locator;
  const voter = createVoter({ time, timers, locate, receipts, sal, log, metrics });
  const openStore = environment.openStore ?? ((file: string) => new AuditorStore(file));
  const store = openStore(auditorStoreFile(options.stateDir, auditor, deployment));
  const shared = { client, deployment, seeds, store, sender, time, timers, log, metrics };
  const profit = options.economics && new Profit(options.economics, shared);
  const duties = [
    new TickDuty(shared),
    new AuditDuty({ auditor }, { ...shared, services, secrets, voter, profit }),
    new EarnDuty({ auditor }, shared),
  ];
  const wanted = duties.filter(({ name }) => options.duties?.includes(name) ?? true);
  const worker = new Auditor({ auditor }, { duties: wanted, time, timers, log, metrics });

  const parts = inOrder(chain, locator);
  return disposable({
    async start() {
      await parts.start();
      // Duties that only end earlier rounds need no operator: anyone may reveal.
      if (options.duties === undefined) {
        await checkOperator({ client, deployment, log }, auditor, options.operatorKey);
      }
      await refuseForeignRounds({ client, deployment, store }, auditor, currentEpoch(time));
      await worker.start();
    },
    async stop() {
      await worker.stop();
      await parts.stop();
      store.close();
    },
  });
}
