import { expect } from "chai";
import { kindOfError, lastFall } from "../../console/src/pages/service/fall.ts";
import type { ServiceEpochRow } from "../../console/src/model.ts";
import type { Verdict } from "../../src/protocol/tally.ts";

/** Final epochs from 1 on with these verdicts. */
const epochs = (verdicts: readonly Verdict[], counts: readonly number[] = [0, 0, 0, 5]) =>
  verdicts.map((verdict, index): ServiceEpochRow => ({
    ...{ epoch: index + 1, final: true, seeded: true, status: "Active", counts, verdict },
    ...{ paidGrade: verdict, pay: 1n, settled: false },
  }));

describe("the fall of a service's score", () => {
  it("is the newest verdict that is lower than the one before", () => {
    expect(lastFall(epochs([3, 2, 3, 3, 1, 0]))).to.deep.include({
      ...{ from: 1, to: 0, after: 5, recovered: undefined },
    });
    expect(lastFall(epochs([3, 1, 2, 3, 3]))).to.deep.include({
      ...{ from: 3, to: 1, after: 1, recovered: 4 },
    });
  });

  it("is none while the score rises, and without two verdicts", () => {
    for (const verdicts of [[], [0], [0, 1, 1, 3], [null, null]] as Verdict[][]) {
      expect(lastFall(epochs(verdicts))).to.equal(undefined);
    }
  });

  it("passes over epochs without a quorum, and those that are not final", () => {
    expect(lastFall(epochs([3, null, 1]))).to.deep.include({ from: 3, to: 1, after: 1 });
    const rows = epochs([3, 3, 0]);
    rows[2]!.final = false;
    expect(lastFall(rows)).to.equal(undefined);
  });

  it("says what the votes alone show: away for all, for a part, or slow", () => {
    const kind = (to: Verdict, counts: number[]) => kindOfError(lastFall(epochs([3, to], counts))!);
    expect(kind(0, [7, 0, 0, 0])).to.contain("No auditor");
    expect(kind(0, [4, 0, 0, 3])).to.contain("A weight of 3 of 7 got a right answer");
    expect(kind(1, [0, 5, 0, 0])).to.contain("key, probe and endpoint were right");
    expect(kind(1, [2, 5, 0, 0])).to.contain("A weight of 2 of 7 found no right answer");
  });
});
