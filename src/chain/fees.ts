/** What a key's owner is ready to pay for gas. Without a limit a transaction takes the market's price. */
export interface FeePolicy {
  /** Most of a transaction's fee per gas, base fee and tip together, wei; above it transactions wait. */
  maxFeePerGas?: bigint | undefined;
  /** The same for what is urgent, wei; without it the limit above counts. */
  urgentMaxFeePerGas?: bigint | undefined;
  /** Most of the tip per gas, wei. */
  maxPriorityFeePerGas?: bigint | undefined;
}
