import type { ServiceFacts } from "../chain/directory.ts";

/** The factor of a service's weight for each verdict: the multiplier of its pay (docs/protocol.md, 3.7). */
const MULTIPLIERS = [0, 0.4, 0.8, 1] as const;

/**
 * The weight of a service among services that replace each other, by its newest verdict; 1 if there is none
 * yet.
 */
export function verdictWeight(facts: ServiceFacts | undefined): number {
  const newest = facts?.verdicts.find(({ verdict }) => verdict !== null)?.verdict ?? null;
  return newest === null ? 1 : MULTIPLIERS[newest];
}
