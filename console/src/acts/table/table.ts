import type { Act } from "../act.ts";
import { label } from "./label.ts";
import { challengeActs, payActs } from "./pay.ts";
import { serviceActs } from "./service.ts";
import { stakeActs } from "./stake.ts";

/** All acts, in the order of the page. */
export const acts: readonly Act[] = [
  ...serviceActs,
  label,
  ...stakeActs,
  ...payActs,
  ...challengeActs,
];
