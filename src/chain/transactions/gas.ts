/** The maximum gas of a transaction (EIP-7825). */
const MAX_TRANSACTION_GAS = 16_777_216n;
/**
 * Reserve in addition to a tenth of the estimate. The first call of an epoch writes new storage slots; an estimate
 * in the previous epoch found them written already. A stake then costs 22,500 more, and some calls write several.
 */
const ROOM = 100_000n;

/** The gas limit of a call; unused gas is not paid. */
export function gasLimit(estimate: bigint): bigint {
  const roomy = (estimate * 11n) / 10n + ROOM;
  return roomy > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : roomy;
}

/** Whether a reverted call has probably run out of gas: an inner call gets at most 63/64. */
export function isOutOfGas(used: bigint, limit: bigint): boolean {
  return used * 64n >= limit * 63n;
}
