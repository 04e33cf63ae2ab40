/**
 * `blockcloud/auditor`: inspects services and votes on them.
 *
 * @module
 */
export { createAuditor, type AuditorEnvironment, type AuditorOptions } from "./createAuditor.ts";
export { enrolAuditor } from "./enrol.ts";
export type { Economics } from "./profit.ts";
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
