import { median, rounded } from "./quantiles.ts";

/** Measures each subject once per round, in turn, so that a slow phase of the machine affects all. */
export async function alternately<K extends string>(
  rounds: number,
  measures: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(measures) as K[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    K,
    number[]
  >;
  for (let round = 0; round < rounds; round += 1) {
    // Every second round is in reverse order, because the second subject finds a warmer machine.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      figures[name].push(await measures[name]());
    }
  }
  return figures;
}

/** The median of the rounds' ratios. */
export function medianRatio(ones: readonly number[], others: readonly number[]): number {
  return rounded(median(ones.map((one, round) => one / (others[round] ?? NaN))), 3);
}

/** Calls a second, for many short calls: the median of several runs. */
export function callsPerSecond(
  runs: number,
  calls: number,
  callAll: (calls: number) => void,
): number {
  callAll(calls);
  const figures = Array.from({ length: runs }, () => {
    const from = performance.now();
    callAll(calls);
    return calls / ((performance.now() - from) / 1000);
  });
  return rounded(median(figures));
}
