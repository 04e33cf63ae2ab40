/** Fee limits of a key's owner. Without a limit a transaction pays the market price. */
export interface FeePolicy {
  /** Maximum fee per gas, base fee and tip together, wei; transactions wait while gas costs more. */
  maxFeePerGas?: bigint | undefined;
  /** The same for urgent transactions, whose loss costs more than gas, wei; undefined: no limit. */
  urgentMaxFeePerGas?: bigint | undefined;
  /** Maximum tip per gas, wei; default 10 gwei, because a tip is always paid in full. */
  maxPriorityFeePerGas?: bigint | undefined;
}

/** The fields of EIP-1559, wei per gas. */
export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** The current price of gas, wei per gas. */
export interface Market {
  /** The base fee of the newest block. */
  baseFee: bigint;
  /** The tip that the node suggests. */
  tip: bigint;
}

const DEFAULT_TIP_LIMIT = 10_000_000_000n;

/** The price that a transaction would pay now, wei per gas. */
export function gasPrice(market: Market, policy: FeePolicy): bigint {
  return market.baseFee + firstTip(market, policy);
}

/**
 * Fees for a new transaction: they allow the base fee to double, within the limit.
 *
 * @param lean For a node that caps the cost of a transaction: allows only one block's rise of the base fee.
 * @returns Undefined if the market price is above the limit.
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
 * Fees that replace a transaction: an eighth more in both fields, which every node accepts, or the market price if
 * that is higher.
 *
 * @param lean As for {@link priceOf}.
 * @returns Undefined if they would be above a limit.
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

/** A block raises the base fee by at most an eighth; rounded up. */
function room(baseFee: bigint, lean: boolean): bigint {
  return lean ? baseFee + (baseFee + 7n) / 8n : 2n * baseFee;
}

/** Half of the limit at first, so that replacements can pay more. */
function firstTip({ tip }: Market, policy: FeePolicy): bigint {
  const most = (policy.maxPriorityFeePerGas ?? DEFAULT_TIP_LIMIT) / 2n;
  return tip < most ? tip : most;
}

/** Rounded up, and at least 1 more, so that a tip of 0 grows, too. */
function eighthMore(value: bigint): bigint {
  return value + (value + 7n) / 8n + (value === 0n ? 1n : 0n);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
