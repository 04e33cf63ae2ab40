/** Seconds of a year of 365.25 days. */
const YEAR = 31_557_600n;
/** Scheduled emission, BLOC in wei per second, rounded down. */
export const BUDGET_PER_SECOND = (500_000_000n * 10n ** 18n) / YEAR;
/** The providers' part of a budget. */
export const PROVIDERS_PERCENT = 60n;
/** Auditors receive at most this many times the yield of their own stake. */
export const AUDITORS_YIELDS = 4n;
/** A tick releases one part in this number of the contributions. */
export const CONTRIBUTION_EPOCHS = 168n;
/** Paid for the tick that proves an epoch's seed, BLOC in wei. */
export const TICK_BOUNTY = 10n ** 18n;

/** The input of an epoch's budget; BLOC in wei. */
export interface EmissionInput {
  /** BLOC in the pool that is neither reserved nor contributed. */
  available: bigint;
  /** Contributions that are not yet reserved. */
  contributed: bigint;
  /** Counted stake of the epoch's active services. */
  activeStake: bigint;
  /** Stake of the epoch's enrolled auditors. */
  enrolledStake: bigint;
}

/** The budget of an epoch; BLOC in wei. */
export interface EpochBudget {
  providers: bigint;
  /** The contributed part of it. */
  auditors: bigint;
  contributed: bigint;
  bounty: bigint;
}

/**
 * The budget of an epoch: the schedule's, but at most the yield of the active services' stake. Every
 * division rounds down, in the pool's favour.
 *
 * @param yieldPercent The highest yield, percent a year.
 * @param epochSeconds Length of the epoch.
 */
export function epochBudget(
  input: EmissionInput,
  yieldPercent: bigint,
  epochSeconds: bigint,
): EpochBudget {
  const { available, activeStake, enrolledStake } = input;
  const yieldOf = (stake: bigint) => (stake * yieldPercent * epochSeconds) / (100n * YEAR);
  const bounty = least(TICK_BOUNTY, available);
  const schedule = least(BUDGET_PER_SECOND * epochSeconds, available - bounty);
  const budget = least(schedule, yieldOf(activeStake));
  const providers = (budget * PROVIDERS_PERCENT) / 100n;
  const emitted = least(budget - providers, AUDITORS_YIELDS * yieldOf(enrolledStake));
  const canEarn = activeStake > 0n && enrolledStake > 0n;
  const contributed = canEarn ? input.contributed / CONTRIBUTION_EPOCHS : 0n;
  return { providers, auditors: emitted + contributed, contributed, bounty };
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
