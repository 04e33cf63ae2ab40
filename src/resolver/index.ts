/**
 * `blockcloud/resolver`: looks up services, and checks the answers of other resolvers.
 *
 * @module
 */
export {
  resolveErrors,
  type Answer,
  type AnswerSource,
  type Change,
  type Resolver,
} from "./answer.ts";
export { answerFromJson, answerToJson, type AnswerJson } from "./answerSchema.ts";
export {
  createResolver,
  LocalResolver,
  type ResolverEnvironment,
  type ResolverOptions,
} from "./createResolver.ts";
export { AnswerVerifier } from "./verify/answerVerifier.ts";
export {
  verifyAnswer,
  type UnconfirmedField,
  type VerifiedAnswer,
  type VerifyContext,
} from "./verify/verifyAnswer.ts";
export { resolverLimits, type ResolverLimits } from "./limits.ts";
export type { ServiceFacts } from "../chain/directory.ts";
export { loadDeployment, type Deployment } from "../chain/deployment.ts";
export type { CoralOptions } from "../coral/options.ts";
export { createLogger } from "../node/createLogger.ts";
export { silentLogger, type Logger } from "../node/logger.ts";
export { createMetrics, type Metrics } from "../node/metrics.ts";
export { systemTimers, type Timers } from "../node/timers.ts";
export { BlockcloudError } from "../protocol/errors.ts";
export type { Endpoint } from "../protocol/record.ts";
