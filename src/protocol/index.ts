/**
 * `blockcloud/protocol`: the formats and rules, without input or output. It runs on Node, in browsers and in
 * any other runtime with `TextEncoder`.
 *
 * @module
 */
export { abiHash } from "./abiHash.ts";
export { abis } from "./abis.ts";
export { challengeDigest, challengeQuestion, livenessProof, livenessSigner } from "./challenge.ts";
export { checkReceipt, receiptErrors, type ExpectedReceipt } from "./checkReceipt.ts";
export { checkRecord, checkTimes, type VerifiedRecord, type RecordContext } from "./checkRecord.ts";
export {
  MAX_GRANT_MS,
  readDelegation,
  signDelegation,
  type Delegation,
  type Revocation,
} from "./delegation.ts";
export { epochAt, epochStart, type EpochTiming } from "./epoch.ts";
export { BlockcloudError, type BlockcloudErrorOptions } from "./errors.ts";
export { fillExchange, isRandom, MAX_EXCHANGE_BYTES, type ExchangeProbe } from "./exchange.ts";
export { encodeHeader, epochSeed, type RpcHeader } from "./header.ts";
export { isLabel, labelCommitment } from "./label.ts";
export { canonicalName, parseName, rawName, ZONE, ZONES, type Name, type Zone } from "./name.ts";
export { nameKey, nameRecords, type NameRecord } from "./nameRecord.ts";
export {
  encodeProbe,
  MAX_PROBE_BYTES,
  parseProbe,
  suitsClass,
  type FreshCheck,
  type HttpProbe,
  type JsonCheck,
  type ProbeInput,
  type ProbeRequest,
  type ProbeSpecification,
  type RpcProbe,
} from "./probe.ts";
export {
  decodeReceipt,
  EMPTY_DIGEST,
  encodeReceipt,
  httpChannel,
  isNonce,
  NONCE_HEADER,
  RECEIPT_HEADER,
  ReceiptSigner,
  sha256,
  type HttpExchange,
  type ServiceReceipt,
  type SignedReceipt,
} from "./receipt.ts";
export {
  MAX_LEASE_MS,
  MAX_RECORD_BYTES,
  readRecord,
  signRecord,
  type Endpoint,
  type EndpointRecord,
} from "./record.ts";
export { parseServiceId, rootServiceId, serviceId, type ServiceIdParts } from "./serviceId.ts";
export { addressOfKey, recoverSigner, signDigest } from "./signature.ts";
export { grades, type Grade, type Verdict } from "./tally.ts";
export { blockcloudDomain, typedData, type Domain } from "./typedData.ts";
export {
  cashierDomain,
  cashierSeparator,
  cashierTypedData,
  DUE_AFTER,
  feeOf,
  LONGEST_BATCH,
  LONGEST_TAB_S,
  NOTICE_S,
  OPEN_AHEAD_S,
  REDEMPTION_S,
  signTab,
  signVoucher,
  tabDigest,
  tabOf,
  voucherDigest,
  voucherPay,
  voucherSigner,
  type CashierDomain,
  type Redemption,
  type TabAuthorization,
  type Voucher,
} from "./voucher.ts";
