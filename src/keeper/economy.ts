/** One BLOC, in wei of BLOC. */
const BLOC = 10n ** 18n;
/** Percentage by which a reward must exceed its gas: lost races cost gas, too. */
const MARGIN_PERCENT = 20n;

/** Cost of a call at the current fee, and its reward, both in wei of ether. */
export interface Quote {
  gas: bigint;
  costWei: bigint;
  rewardWei: bigint;
  pays: boolean;
}

/**
 * Compares a reward with its gas.
 *
 * @param input.gasPrice Wei of ether for a unit of gas.
 * @param input.reward BLOC in wei.
 * @param input.blocPriceWei Wei of ether that one BLOC is worth to the keeper.
 */
export function quote(input: {
  gas: bigint;
  gasPrice: bigint;
  reward: bigint;
  blocPriceWei: bigint;
}): Quote {
  const costWei = input.gas * input.gasPrice;
  const rewardWei = (input.reward * input.blocPriceWei) / BLOC;
  const pays = rewardWei * 100n > costWei * (100n + MARGIN_PERCENT);
  return { gas: input.gas, costWei, rewardWei, pays };
}

/** The UTC day of a moment (Unix seconds), counted from the Unix epoch. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / 86_400);
}
