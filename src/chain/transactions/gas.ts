/** EIP-7825: the most gas that one transaction may have. */
const MAX_TRANSACTION_GAS = 16_777_216n;
/**
 * Beside a tenth of the estimate: the first call of an epoch writes slots anew that the estimate, of a moment
 * before, found written already. A stake costs 22,500 more then, and some calls write several.
 */
const ROOM = 100_000n;

/** The gas that a call is sent with; what it does not use is not paid for. */
export function gasLimit(estimate: bigint): bigint {
  const roomy = (estimate * 11n) / 10n + ROOM;
  return roomy > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : roomy;
}

/** Whether a call that failed in its block is likely to have run out of gas: one of its calls gets 63/64. */
export function isOutOfGas(used: bigint, limit: bigint): boolean {
  return used * 64n >= limit * 63n;
}
