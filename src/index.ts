/**
 * `blockcloud`: the client for users of services. Operators import `blockcloud/resolver`, `blockcloud/provider` or
 * `blockcloud/auditor`; `blockcloud/protocol` runs without Node.
 *
 * @module
 */
export { loadDeployment, type Deployment } from "./chain/deployment.ts";
export type { ServiceFacts } from "./chain/directory.ts";
export { knownNetworks, loadNetwork } from "./chain/networks.ts";
export type { ServiceStatus } from "./protocol/serviceStatus.ts";
export type { Client } from "./client/client.ts";
export {
  createClient,
  type ClientEnvironment,
  type ClientNetwork,
  type ClientOptions,
} from "./client/createClient.ts";
export {
  clientErrors,
  ReceiptError,
  UnreachableError,
  type EndpointFailure,
} from "./client/errors.ts";
export type { ServiceRequestInit } from "./client/question.ts";
export { ServiceResponse, type Proof } from "./client/response.ts";
export type { IncomingFlow } from "./provider/listen/flowQueue.ts";
export { listen } from "./provider/listen/listen.ts";
export type { Listener, ListenOptions, RecordPublisher } from "./provider/listen/listener.ts";
export { createLogger } from "./node/createLogger.ts";
export { silentLogger, type Logger } from "./node/logger.ts";
export { systemTimers, type Timers } from "./node/timers.ts";
export * from "./protocol/index.ts";
export { salErrors } from "./sal/errors.ts";
export type { SalLimits } from "./sal/provider/limits.ts";
export type { DirectSettings } from "./sal/upgrade/settings.ts";
export type { FlowPeer } from "./sal/provider/service.ts";
export type { Flow } from "./sal/session/flow.ts";
export { resolveErrors, type Answer, type AnswerSource, type Change } from "./resolver/answer.ts";
