import type { Hex } from "viem";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { Challenges } from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/transactions/fees.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import { Services } from "../chain/services.ts";
import { WhenReachable } from "../chain/whenReachable.ts";
import type { CoralOptions } from "../coral/options.ts";
import { disposable, inOrder, type Worker } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { systemScheduler } from "../node/scheduler.ts";
import { wallSeconds, type Timers } from "../node/timers.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { ServicePlan, ServiceSource } from "./fleet/plan.ts";
import { createServiceParts } from "./fleet/serviceParts.ts";
import { AgentHandoff, type ProcessHandoff } from "./handoff/agentHandoff.ts";
import type { KeyedService } from "./handoff/proofs.ts";
import { ProviderMetrics } from "./metrics.ts";
import { Collectors } from "./pay/collectors.ts";
import { RECORD_LEASE_MS } from "./publish/lease.ts";
import { createGround } from "./publish/presence.ts";

/** Options of an agent, whichever services it serves. */
export interface AgentOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  fees?: FeePolicy | undefined;
  deployment: Deployment;
  /** Pays for the transactions of all services. */
  walletKey: Hex;
  /** Folder of the worker's state. */
  stateDir: string;
  /** The agent's node of the record network. */
  coral: CoralOptions;
}

export interface ProviderEnvironment {
  timers: Timers;
  log: Logger;
  /** The registry in which the provider counts its events. */
  metrics?: Metrics;
  /**
   * Ends the agent if the chain, which could not be reached at the start, shows later that no service can be
   * served; without it, the agent tries again and is unhealthy.
   */
  fail?: ((error: unknown) => void) | undefined;
  /** Lets this process take the place of another one, and give its own; without it, neither is possible. */
  handoff?: ProcessHandoff | undefined;
}

/** An agent with several services. */
export interface ProviderAgent extends Worker {
  /**
   * Reads the services again: starts those that were added, restarts those that were changed, lets those that were
   * removed drain. The connections of the others are not cut. It never throws: an error is logged, and changes
   * nothing.
   */
  reload(): Promise<void>;
}

/**
 * Assembles an agent of several services, ready to start. They share the key that pays, the access to the chain and
 * the node of the record network; each has its own gateway, store and tasks, and its failure concerns no other.
 *
 * @example
 * await using agent = createProviders(
 *   { deployment, rpcUrls: ["https://rpc.example"], walletKey, stateDir: ".blockcloud", coral },
 *   { read: async () => plans },
 *   { timers: systemTimers, log: createLogger({ name: "provider", level: "info" }) },
 * );
 * await agent.start();
 */
export function createProviders(
  options: AgentOptions,
  source: ServiceSource,
  environment: ProviderEnvironment,
): ProviderAgent {
  const { deployment } = options;
  const { timers, log, metrics: registry = createMetrics("provider") } = environment;
  const metrics = new ProviderMetrics(registry);
  const chain = new ChainAccess(options, { timers, log, metrics: registry, listeners: [metrics] });
  const { client, time } = chain;
  const services = new Services(client, deployment);
  const sender = chain.sender(
    options.walletKey,
    options.fees,
    () => GAS_PER_ROUND.provider * BigInt(Math.max(1, fleet.size)),
  );
  const ground = createGround(options, { chain, timers, log, registry });
  const { stateDir } = options;
  const handoff: AgentHandoff | undefined =
    environment.handoff &&
    new AgentHandoff({
      process: environment.handoff,
      services: () => fleet.handoffs,
      stopDuties: () => onChain.stopRest(),
      hasChain: () => time.isKnown,
      domain: blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
      now: () => wallSeconds() * 1000,
      ...{ clock: systemScheduler, log },
    });
  const shared = {
    client,
    services,
    announcements: new Announcements({ client, deployment, time, services, log }),
    challenges: new Challenges(client, deployment),
    ...{ sender, time, ground, stateDir },
    before: handoff?.before,
    collectors: new Collectors({
      ...{ client, deployment, sender, time, now: ground.now, stateDir, timers },
    }),
  };
  const fleet: Fleet = new Fleet(
    { graceMs: RECORD_LEASE_MS },
    {
      source,
      make: async (plan, own, counted) =>
        createServiceParts(plan.settings, await plan.keys(), shared, {
          log: own,
          metrics: counted,
        }),
      ...{ metrics, timers, log, fail: environment.fail },
      hasChain: () => time.isKnown,
      before: handoff && ((plans) => keyedServices(plans).then((keyed) => handoff.take(keyed))),
    },
  );
  const fronts = handoff === undefined ? fleet.fronts : inOrder(fleet.fronts, handoff.host);
  const onChain: WhenReachable = new WhenReachable(
    { waits: ["record", "answers to challenges", "pay"] },
    {
      chain,
      always: fronts,
      rest: inOrder(shared.ground.parts, fleet.tasks),
      ...{ timers, log, metrics: registry, fail: environment.fail },
    },
  );
  const worker = disposable(onChain);
  return Object.assign(worker, { reload: () => fleet.reload() });
}

/** The services with their keys; those whose keys cannot be read now are left out. */
async function keyedServices(plans: readonly ServicePlan[]): Promise<KeyedService[]> {
  const keyed = plans.map(async (plan): Promise<KeyedService[]> => {
    const known = await plan.keys().catch(() => undefined);
    if (known === undefined) return [];
    const { serviceKey, previousKeys } = known;
    const own = [serviceKey, ...previousKeys.slice(0, 1)].map((key) => hexToBytes(key));
    return [{ serviceId: rootServiceId(plan.settings.number), keys: own }];
  });
  return (await Promise.all(keyed)).flat();
}
