/**
 * `blockcloud/provider`: runs a service: gateway, records, settlement, answers to challenges.
 *
 * @module
 */
export { createProvider, type ProviderOptions } from "./createProvider.ts";
export {
  createProviders,
  type AgentOptions,
  type ProviderAgent,
  type ProviderEnvironment,
} from "./createProviders.ts";
export type { ServiceKeys, ServicePlan, ServiceSettings, ServiceSource } from "./fleet/plan.ts";
export { createSubService } from "./subservice/createSubService.ts";
export { registerService, type Registration } from "../chain/register.ts";
export { createChainClient, type ChainClient } from "../chain/client.ts";
export { loadDeployment, type Deployment } from "../chain/deployment.ts";
export { TransactionSender } from "../chain/transactions/sender.ts";
export type { FeePolicy } from "../chain/transactions/fees.ts";
export type { CoralOptions } from "../coral/options.ts";
export { createLogger } from "../node/createLogger.ts";
export { silentLogger, type Logger } from "../node/logger.ts";
export { createMetrics, type Metrics } from "../node/metrics.ts";
export { systemTimers, type Timers } from "../node/timers.ts";
export { BlockcloudError } from "../protocol/errors.ts";
export { encodeProbe, parseProbe, type ProbeInput } from "../protocol/probe.ts";
