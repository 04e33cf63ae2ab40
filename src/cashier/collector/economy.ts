/** What transactions of a collector cost and bring; amounts of ether in wei, of BLOC in wei. */

const BLOC = 10n ** 18n;

/** Gas by measurement (docs/protocol.md, section 11), rounded up: to decide what is worth a transaction. */
export const gasOf = {
  /** Of a batch beside its items. */
  batch: 30_000n,
  /** Of an item, with a grade and with new storage in some. */
  item: 21_000n,
  opening: 95_000n,
  collection: 62_000n,
  closing: 50_000n,
} as const;

/** Without haste, gas may cost this part of the income: waiting is free, and a later redemption pays for all before. */
const WORTH = 20n;
/** In haste, income must exceed its gas by this much, percent: the price of gas may rise meanwhile. */
const MARGIN_PERCENT = 20n;

/**
 * Whether an income is worth its gas.
 *
 * @param terms.income BLOC in wei, before the fee.
 * @param terms.gasPrice Wei of ether for a unit of gas.
 * @param terms.blocPriceWei Wei of ether that one BLOC is worth to the provider.
 * @param terms.isUrgent Whether it is lost without a transaction now.
 */
export function isWorth(terms: {
  income: bigint;
  gas: bigint;
  gasPrice: bigint;
  blocPriceWei: bigint;
  isUrgent: boolean;
}): boolean {
  const { income, gas, gasPrice, blocPriceWei, isUrgent } = terms;
  if (income === 0n) return false;
  // The fee of a collection, 2%, is never the provider's.
  const gain = (((income * 98n) / 100n) * blocPriceWei) / BLOC;
  const cost = gas * gasPrice;
  return isUrgent ? gain * 100n > cost * (100n + MARGIN_PERCENT) : gain >= cost * WORTH;
}
