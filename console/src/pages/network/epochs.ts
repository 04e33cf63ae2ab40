import type { Totals } from "../../index/epochs.ts";
import type { EpochRow } from "../../model.ts";

/** Epochs and, from the index, the sums over all of them. */
export interface NetworkEpochs {
  rows: readonly EpochRow[];
  totals: Totals | undefined;
  leftOut: string | undefined;
}

/** Epochs with the chain's figures of the newest ones: the page must not show two figures of one thing. */
export function withNewest(
  rows: readonly EpochRow[],
  newest: { rows: readonly EpochRow[]; isWhole: boolean } | undefined,
): readonly EpochRow[] {
  if (newest?.isWhole !== true) return rows;
  const merged = new Map(rows.map((row) => [row.epoch, row]));
  for (const row of newest.rows) {
    const { verdicts, gasPerAudit } = merged.get(row.epoch) ?? row;
    merged.set(row.epoch, { ...row, verdicts, gasPerAudit: gasPerAudit ?? row.gasPerAudit });
  }
  return [...merged.values()].sort((a, b) => a.epoch - b.epoch);
}

/** The gas of an audit is that of a whole epoch: while one lasts, its commits have no reveals yet to be divided by. */
export function withWholeGas(rows: readonly EpochRow[], current: number): readonly EpochRow[] {
  return rows.map((row) => (row.epoch < current ? row : { ...row, gasPerAudit: undefined }));
}

/** What was paid for each epoch, BLOC in wei; null while it is not decided, or not paid yet. */
export interface PaidLines {
  auditors: readonly (bigint | null)[];
  providers: readonly (bigint | null)[];
}

/**
 * The lines of the chart. Auditors claim, and services are settled, from the second epoch after it on; so the line ends
 * before the epochs that are not over by then, and before the newest for which nobody was paid yet.
 */
export function paidLines(rows: readonly EpochRow[], current: number): PaidLines {
  const line = (paid: (row: EpochRow) => bigint) => {
    const last = rows.findLastIndex((row) => row.epoch + 3 <= current && paid(row) > 0n);
    return rows.map((row, index) => (index <= last ? paid(row) : null));
  };
  return { auditors: line((row) => row.auditorsPaid), providers: line((row) => row.providersPaid) };
}
