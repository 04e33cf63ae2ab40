import { expect } from "chai";
import { paidLines, withNewest, withWholeGas } from "../../console/src/pages/network/epochs.ts";
import type { EpochRow } from "../../console/src/model.ts";

/** Epochs from 1 on, for which auditors and services were paid so much. */
const epochs = (paid: readonly (readonly [bigint, bigint])[]) =>
  paid.map(([auditorsPaid, providersPaid], index) =>
    row(index + 1, { auditorsPaid, providersPaid }),
  );

function row(epoch: number, some: Partial<EpochRow>): EpochRow {
  return {
    ...{ epoch, hasSeed: true, committed: 6, revealed: 6, claimed: 6, reported: 0 },
    ...{ votes: 24, paidVotes: 24, auditorsPaid: 1n, providersPaid: 1n },
    ...{ verdicts: undefined, gasPerAudit: undefined },
    ...some,
  };
}

describe("the epochs of the network's page", () => {
  it("have a line of pay that ends where the pay is not decided, and does not fall to 0 there", () => {
    const rows = epochs([
      [5n, 7n],
      [6n, 8n],
      [5n, 0n],
      [2n, 0n],
      [0n, 0n],
      [0n, 0n],
    ]);
    expect(paidLines(rows, 6)).to.deep.equal({
      auditors: [5n, 6n, 5n, null, null, null],
      providers: [7n, 8n, null, null, null, null],
    });
  });

  it("have a 0 in the line for an epoch in which nobody earned, once a later one is paid", () => {
    const rows = epochs([
      [5n, 7n],
      [0n, 0n],
      [5n, 7n],
    ]);
    expect(paidLines(rows, 9)).to.deep.equal({ auditors: [5n, 0n, 5n], providers: [7n, 0n, 7n] });
    expect(paidLines([], 9)).to.deep.equal({ auditors: [], providers: [] });
  });

  it("show the chain's figures of the newest epochs, which an index has later", () => {
    const known = [row(1, { verdicts: [0, 0, 0, 3] }), row(2, { revealed: 0, gasPerAudit: 9 })];
    const newest = [row(2, { revealed: 6 }), row(3, { revealed: 0, gasPerAudit: 8 })];
    const merged = withNewest(known, { rows: newest, isWhole: true });
    expect(merged.map(({ epoch, revealed }) => [epoch, revealed])).to.deep.equal([
      [1, 6],
      [2, 6],
      [3, 0],
    ]);
    expect(merged.map(({ gasPerAudit }) => gasPerAudit)).to.deep.equal([undefined, 9, 8]);
    expect(merged[0]?.verdicts).to.deep.equal([0, 0, 0, 3]);
  });

  it("have no gas of an audit while they last", () => {
    const rows = [1, 2, 3].map((epoch) => row(epoch, { gasPerAudit: 89_000 + epoch }));
    const gas = withWholeGas(rows, 3).map(({ gasPerAudit }) => gasPerAudit);
    expect(gas).to.deep.equal([89_001, 89_002, undefined]);
  });

  it("are left as they are when the chain's events were not all read", () => {
    const known = [row(1, {})];
    for (const newest of [undefined, { rows: [row(1, { revealed: 0 })], isWhole: false }]) {
      expect(withNewest(known, newest)).to.equal(known);
    }
  });
});
