/** Gas that a worker needs for a round or an epoch (snapshots/gas.json, rounded up). */
export const GAS_PER_ROUND = {
  /** A commitment, a reveal, a claim and its share of a collection. */
  auditor: 230_000n,
  /** A settlement and an announcement, most of which come once a day. */
  provider: 100_000n,
  /** A tick; what it earns with other duties pays for them. */
  keeper: 200_000n,
  /** The two transfers of a gift. */
  faucet: 90_000n,
} as const;

/** Rounds that a key should be able to pay for before it starts: four days of hours. */
export const ENOUGH_ROUNDS = 100n;
/** From here on somebody must send ether: a day of hours. `ops/prometheus/alerts.yml` has the same number. */
export const LOW_ROUNDS = 24n;

/**
 * How many rounds, or epochs, a balance lasts at a price of gas.
 *
 * @param wei Balance.
 * @param price Of a unit of gas, wei.
 * @returns Rounded down; undefined where gas is free.
 */
export function roundsLeft(wei: bigint, price: bigint, gasPerRound: bigint): bigint | undefined {
  return price === 0n ? undefined : wei / (gasPerRound * price);
}
