/** What a key's owner is ready to pay for gas. Without a limit a transaction takes the market's price. */
export interface FeePolicy {
  /** Most of a transaction's fee per gas, base fee and tip together, wei; above it transactions wait. */
  maxFeePerGas?: bigint | undefined;
  /** The same for urgent ones, whose loss costs more than gas, wei; without it there is no limit. */
  urgentMaxFeePerGas?: bigint | undefined;
  /** Most of the tip per gas, wei; 10 gwei without it, for a tip is paid in full, whoever suggests it. */
  maxPriorityFeePerGas?: bigint | undefined;
}

/** The fields of EIP-1559, wei per gas. */
export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What gas costs now, wei per gas. */
export interface Market {
  /** Of the newest block. */
  baseFee: bigint;
  /** What the node suggests. */
  tip: bigint;
}

const DEFAULT_TIP_LIMIT = 10_000_000_000n;

/** What a transaction of now would pay per gas, wei. */
export function gasPrice(market: Market, policy: FeePolicy): bigint {
  return market.baseFee + firstTip(market, policy);
}

/**
 * Fees for a new transaction: room for a base fee that doubles, as far as the limit allows.
 *
 * @param lean For a node that caps what a transaction may cost: room for one block's rise of the base fee.
 * @returns Undefined when the market is above the limit.
 */
export function priceOf(
  market: Market,
  policy: FeePolicy,
  urgent: boolean,
  lean = false,
): Fees | undefined {
  const limit = limitOf(policy, urgent);
  const maxPriorityFeePerGas = firstTip(market, policy);
  if (limit !== undefined && market.baseFee + maxPriorityFeePerGas > limit) return undefined;
  const roomy = room(market.baseFee, lean) + maxPriorityFeePerGas;
  const maxFeePerGas = limit !== undefined && limit < roomy ? limit : roomy;
  return { maxFeePerGas, maxPriorityFeePerGas };
}

/**
 * Fees that replace a transaction: an eighth more in both fields, which every node takes as enough, or the
 * market's where that is higher.
 *
 * @param lean As for {@link priceOf}.
 * @returns Undefined when they would be above a limit.
 */
export function replacementFees(
  old: Fees,
  market: Market,
  policy: FeePolicy,
  urgent: boolean,
  lean = false,
): Fees | undefined {
  const limit = limitOf(policy, urgent);
  const tipLimit = policy.maxPriorityFeePerGas ?? DEFAULT_TIP_LIMIT;
  const maxPriorityFeePerGas = larger(
    eighthMore(old.maxPriorityFeePerGas),
    firstTip(market, policy),
  );
  const least = larger(eighthMore(old.maxFeePerGas), market.baseFee + maxPriorityFeePerGas);
  if (maxPriorityFeePerGas > tipLimit || (limit !== undefined && least > limit)) return undefined;
  const roomy = larger(least, room(market.baseFee, lean) + maxPriorityFeePerGas);
  const maxFeePerGas = limit !== undefined && limit < roomy ? limit : roomy;
  return { maxFeePerGas, maxPriorityFeePerGas };
}

function limitOf(policy: FeePolicy, urgent: boolean): bigint | undefined {
  return urgent ? policy.urgentMaxFeePerGas : policy.maxFeePerGas;
}

/** A block raises the base fee by an eighth at the most; rounded up. */
function room(baseFee: bigint, lean: boolean): bigint {
  return lean ? baseFee + (baseFee + 7n) / 8n : 2n * baseFee;
}

/** Half of the limit at first, so that replacements have somewhere to go. */
function firstTip({ tip }: Market, policy: FeePolicy): bigint {
  const most = (policy.maxPriorityFeePerGas ?? DEFAULT_TIP_LIMIT) / 2n;
  return tip < most ? tip : most;
}

/** Rounded up, and at least one more: a tip of 0 grows, too. */
function eighthMore(value: bigint): bigint {
  return value + (value + 7n) / 8n + (value === 0n ? 1n : 0n);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
