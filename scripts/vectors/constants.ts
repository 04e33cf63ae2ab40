import { MAX_STEPS } from "../../src/protocol/hashChain.ts";
import { MAX_WORDS, SAMPLES } from "../../src/protocol/round.ts";
import { K, LANES, MAX_WEIGHT } from "../../src/protocol/sortition.ts";
import { QUORUM } from "../../src/protocol/tally.ts";

/** Figures that both sides write down. */
export function constantVectors() {
  return {
    K: Number(K),
    LANES,
    MAX_WEIGHT: Number(MAX_WEIGHT),
    QUORUM,
    MAX_WORDS,
    SAMPLES,
    MAX_STEPS,
  };
}
