import { expect } from "chai";
import {
  epochsToRead,
  failedRun,
  KNOWN_EPOCHS,
  serviceEpochs,
  type EpochViews,
} from "../../src/protocol/serviceEpochs.ts";
import { addReport, reportWord, type Grade } from "../../src/protocol/tally.ts";
import { slotAt } from "../../src/protocol/sortition.ts";

const SLOT = slotAt(0, 4);
const SEED = `0x${"5e".repeat(32)}` as const;
const ACTIVE = 1;

/** What the views say of an epoch in which auditors of a weight of 5 voted so on the service. */
function views(epoch: number, vote: Grade | null, over: Partial<EpochViews> = {}): EpochViews {
  const votes = Array.from({ length: 15 }, (_, lane) => (lane === 4 ? vote : null));
  const tally = addReport(0n, 0n, reportWord(0, votes), 5n);
  return {
    ...{ epoch, status: ACTIVE, seed: SEED, tally },
    ...{ counted: 100n, budget: 1_000n, total: 400n },
    ...over,
  };
}

describe("a service by epoch", () => {
  const at = (current: number, all: readonly EpochViews[], settledThrough = 0) =>
    serviceEpochs(all, { slot: SLOT, settledThrough, current, oldest: all[0]?.epoch ?? 1 });

  it("needs the four epochs before the oldest one, whose verdicts it may carry", () => {
    expect(epochsToRead(10, 2)).to.deep.equal({ wanted: [4, 5, 6, 7, 8, 9], oldest: 8 });
    expect(epochsToRead(3, 48)).to.deep.equal({ wanted: [1, 2], oldest: 1 });
    expect(epochsToRead(1, 48)).to.deep.equal({ wanted: [], oldest: 1 });
    expect(epochsToRead(1_000, 999).oldest).to.equal(1_000 - KNOWN_EPOCHS);
  });

  it("is paid by its verdict, once that is final", () => {
    const [first, second] = at(3, [views(1, 2), views(2, 3)], 1);
    expect(first).to.deep.include({ verdict: 2, paidBy: 1, pay: 200n, final: true, settled: true });
    expect(first?.counts).to.deep.equal([0, 0, 5, 0]);
    expect(first?.shardWeight).to.equal(5);
    expect(second).to.deep.include({ verdict: 3, pay: undefined, final: false, settled: false });
  });

  it("without a quorum is paid by the newest verdict of the four epochs before, and then no more", () => {
    const all = [views(1, 3), ...[2, 3, 4, 5, 6].map((epoch) => views(epoch, null))];
    const rows = at(9, all);
    for (const row of rows.slice(1, 5)) {
      expect(row).to.deep.include({ verdict: null, paidGrade: 3, paidBy: 1, pay: 250n });
    }
    expect(rows[5]).to.deep.include({ paidGrade: null, paidBy: undefined, pay: 0n });
  });

  it("gets nothing without a seed, while it is not active, and where there is no stake", () => {
    const none = `0x${"00".repeat(32)}` as const;
    const unlucky = [
      views(1, 3, { seed: none }),
      views(2, 3, { status: 3 }),
      views(3, 3, { total: 0n, counted: 0n }),
    ];
    const rows = at(9, unlucky);
    expect(rows.map(({ pay }) => pay)).to.deep.equal([0n, 0n, 0n]);
    expect(rows[1]).to.deep.include({ status: "Maintenance", verdict: null, shardWeight: 0 });
  });

  it("has no votes without a slot: those of the slot are about another service", () => {
    const input = { slot: 0, settledThrough: 0, current: 9, oldest: 1 };
    expect(serviceEpochs([views(1, 3)], input)[0]).to.deep.include({ verdict: null, pay: 0n });
  });

  it("counts the run of failures at its end, over final epochs only", () => {
    const run = (votes: readonly (Grade | null)[]) =>
      failedRun(
        at(
          votes.length + 1,
          votes.map((vote, index) => views(index + 1, vote)),
        ),
      );
    expect(run([0, 3, 0, 0, 3])).to.equal(2);
    expect(run([0, 0, null, 0])).to.equal(0);
    expect(run([3])).to.equal(0);
  });
});
