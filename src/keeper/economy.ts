/** One BLOC, in wei of BLOC. */
const BLOC = 10n ** 18n;
/** A reward must exceed its gas by this much, percent: races that are lost cost gas, too. */
const MARGIN_PERCENT = 20n;

/** What a call costs at the present fee, and what it brings, both in wei of ether. */
export interface Quote {
  gas: bigint;
  costWei: bigint;
  rewardWei: bigint;
  pays: boolean;
}

/**
 * Weighs a reward against gas.
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

/** The day of a moment (Unix seconds), since the Unix epoch, in UTC. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / 86_400);
}
