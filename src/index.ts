/**
 * The package's public face: formats that clients check for themselves, and the workers with what they
 * are built from. Everything else is internal and may change.
 */
export { enrolAuditor } from "./auditor/enrol.ts";
export { createAuditor, type AuditorOptions } from "./auditor/createAuditor.ts";
export { createChainClient } from "./chain/client.ts";
export { loadDeployment, type Deployment } from "./chain/deployment.ts";
export { TransactionSender } from "./chain/sender.ts";
export { Services } from "./chain/services.ts";
export { createLogger, silentLogger, type Logger } from "./node/logger.ts";
export { systemTimers, type Timers } from "./node/timers.ts";
export { BlockcloudError } from "./protocol/errors.ts";
export { encodeProbe, parseProbe, type ProbeInput } from "./protocol/probe.ts";
export {
  decodeReceipt,
  httpChannel,
  ReceiptSigner,
  type ServiceReceipt,
  type SignedReceipt,
} from "./protocol/receipt.ts";
export { readRecord, signRecord, type EndpointRecord } from "./protocol/record.ts";
export { parseServiceId, rootServiceId, serviceId } from "./protocol/serviceId.ts";
export { blockcloudDomain, type Domain } from "./protocol/typedData.ts";
export { createProvider, type ProviderOptions } from "./provider/createProvider.ts";
export { registerService, type Registration } from "./provider/register.ts";
export { resolveErrors, type Answer, type Change, type Resolver } from "./resolver/answer.ts";
export { answerFromJson, answerToJson, type AnswerJson } from "./resolver/answerSchema.ts";
export { AnswerVerifier } from "./resolver/answerVerifier.ts";
export { createResolver, LocalResolver, type ResolverOptions } from "./resolver/createResolver.ts";
export { verifyAnswer, type VerifiedAnswer, type VerifyContext } from "./resolver/verifyAnswer.ts";
