import { epochBudget, type EmissionInput } from "../../src/protocol/emission.ts";
import { decimals, times, type Random } from "./random.ts";

const BLOC = 10n ** 18n;

/** Budgets of epochs: bound by the schedule, by the pool, by either yield, with contributions and without. */
export function emissionVectors(random: Random) {
  const full = { available: 3_000_000_000n * BLOC, contributed: 0n };
  const stakes = { activeStake: 3_000n * BLOC, enrolledStake: 25_000n * BLOC };
  const cases: (EmissionInput & { yieldPercent: bigint; epochSeconds: bigint })[] = [
    { ...full, ...stakes, yieldPercent: 100n, epochSeconds: 3600n },
    { ...full, ...stakes, yieldPercent: 1_000_000_000n, epochSeconds: 12n },
    { ...full, ...stakes, activeStake: 0n, yieldPercent: 100n, epochSeconds: 3600n },
    { ...full, ...stakes, enrolledStake: 0n, yieldPercent: 100n, epochSeconds: 3600n },
    {
      ...full,
      ...stakes,
      contributed: 168n * BLOC + 167n,
      yieldPercent: 100n,
      epochSeconds: 3600n,
    },
    { ...full, ...stakes, contributed: 167n, yieldPercent: 100n, epochSeconds: 3600n },
    { ...full, ...stakes, enrolledStake: 100n * BLOC, yieldPercent: 100n, epochSeconds: 3600n },
    { available: 0n, contributed: 5n * BLOC, ...stakes, yieldPercent: 100n, epochSeconds: 3600n },
    { available: BLOC - 1n, contributed: 0n, ...stakes, yieldPercent: 100n, epochSeconds: 3600n },
    { available: BLOC + 7n, contributed: 0n, ...stakes, yieldPercent: 100n, epochSeconds: 3600n },
    ...times(14, () => ({
      available: random.uint(92),
      contributed: random.uint(90),
      activeStake: random.uint(90),
      enrolledStake: random.uint(88),
      yieldPercent: random.uint(10),
      epochSeconds: random.uint(13),
    })),
  ];
  const budgets = cases.map(({ yieldPercent, epochSeconds, ...input }) =>
    epochBudget(input, yieldPercent, epochSeconds),
  );
  return {
    available: decimals(cases.map((each) => each.available)),
    contributed: decimals(cases.map((each) => each.contributed)),
    activeStake: decimals(cases.map((each) => each.activeStake)),
    enrolledStake: decimals(cases.map((each) => each.enrolledStake)),
    yieldPercent: decimals(cases.map((each) => each.yieldPercent)),
    epochSeconds: decimals(cases.map((each) => each.epochSeconds)),
    providers: decimals(budgets.map((budget) => budget.providers)),
    auditors: decimals(budgets.map((budget) => budget.auditors)),
    contributedPart: decimals(budgets.map((budget) => budget.contributed)),
    bounty: decimals(budgets.map((budget) => budget.bounty)),
  };
}
