/** What a recount is doing. */
export const stages = [
  "blocks",
  "stakes",
  "seed",
  "rounds",
  "pool",
  "claims",
  "settlements",
  "balances",
] as const;
export type Stage = (typeof stages)[number];

export interface Progress {
  stage: Stage;
  /** Of the stage, 0 to 1. */
  share: number;
}
