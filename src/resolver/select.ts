import type { ServiceFacts } from "../chain/directory.ts";

/** What a verdict makes of a service's weight: the multiplier of its pay (docs/protocol.md, 3.7). */
const MULTIPLIERS = [0, 0.4, 0.8, 1] as const;

/**
 * How much a service counts beside others that stand in for each other, by its newest verdict; 1 where there
 * is none yet.
 */
export function verdictWeight(facts: ServiceFacts | undefined): number {
  const newest = facts?.verdicts.find(({ verdict }) => verdict !== null)?.verdict ?? null;
  return newest === null ? 1 : MULTIPLIERS[newest];
}
