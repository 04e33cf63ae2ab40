import type { Grade } from "../../../../src/protocol/tally.ts";
import type { ServiceEpochRow } from "../../model.ts";

/** A verdict that is lower than the one before it. */
export interface Fall {
  row: ServiceEpochRow;
  to: Grade;
  from: Grade;
  /** The epoch of the better verdict. */
  after: number;
  /** The first epoch since with a verdict as good as before; undefined if there is none yet. */
  recovered: number | undefined;
}

/** The newest fall in the final epochs, oldest first; an epoch without a quorum says nothing. */
export function lastFall(rows: readonly ServiceEpochRow[]): Fall | undefined {
  const graded = rows.flatMap((row) =>
    row.final && row.verdict !== null ? [{ row, verdict: row.verdict }] : [],
  );
  const at = graded.findLastIndex(({ verdict }, index) => {
    const before = graded[index - 1];
    return before !== undefined && before.verdict > verdict;
  });
  const [before, fallen] = [graded[at - 1], graded[at]];
  if (before === undefined || fallen === undefined) return undefined;
  const recovered = graded.slice(at + 1).find(({ verdict }) => verdict >= before.verdict);
  return {
    row: fallen.row,
    to: fallen.verdict,
    from: before.verdict,
    after: before.row.epoch,
    recovered: recovered?.row.epoch,
  };
}

/** What the votes alone say about the kind of error. */
export function kindOfError({ row: { counts }, to }: Fall): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const [failed = 0] = counts;
  if (to > 0) {
    const few = failed === 0 ? "" : ` A weight of ${failed} of ${total} found no right answer.`;
    return `Such votes need receipts of the service's key, so key, probe and endpoint were right.${few}`;
  }
  if (failed === total) {
    return "No auditor got a right answer in time: the service was away for all of them, signed with another key, or answered something else than its probe asks for.";
  }
  return `A weight of ${total - failed} of ${total} got a right answer, so key and probe were right: the service was away, or too slow, for a part of the auditors.`;
}
