import type { Totals } from "../../index/epochs.ts";
import type { EpochRow } from "../../model.ts";

/** Epochs and, from the index, the sums over all of them. */
export interface NetworkEpochs {
  rows: readonly EpochRow[];
  totals: Totals | undefined;
  leftOut: string | undefined;
}
