import {
  CONTRIBUTION_EPOCHS,
  PROVIDERS_PERCENT,
  AUDITORS_YIELDS,
} from "../../src/protocol/emission.ts";
import { HORIZON, RING } from "../../src/protocol/epoch.ts";
import { MAX_STEPS } from "../../src/protocol/hashChain.ts";
import { MAX_WORDS, SAMPLES } from "../../src/protocol/round.ts";
import {
  DUE_AFTER,
  LONGEST_BATCH,
  LONGEST_TAB_S,
  NOTICE_S,
  OPEN_AHEAD_S,
  REDEMPTION_S,
} from "../../src/protocol/voucher.ts";
import { K, LANES, MAX_WEIGHT } from "../../src/protocol/sortition.ts";
import { QUORUM } from "../../src/protocol/tally.ts";

/** Constants that both languages define. */
export function constantVectors() {
  return {
    K: Number(K),
    LANES,
    MAX_WEIGHT: Number(MAX_WEIGHT),
    QUORUM,
    MAX_WORDS,
    SAMPLES,
    MAX_STEPS,
    HORIZON,
    RING,
    PROVIDERS_PERCENT: Number(PROVIDERS_PERCENT),
    AUDITORS_YIELDS: Number(AUDITORS_YIELDS),
    CONTRIBUTION_EPOCHS: Number(CONTRIBUTION_EPOCHS),
    OPEN_AHEAD: OPEN_AHEAD_S,
    LONGEST_TAB: LONGEST_TAB_S,
    REDEMPTION: REDEMPTION_S,
    NOTICE: NOTICE_S,
    LONGEST_BATCH,
    DUE_AFTER,
  };
}
