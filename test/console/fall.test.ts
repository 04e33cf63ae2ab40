import { expect } from "chai";
import { kindOfError, lastFall } from "../../console/src/pages/service/fall.ts";
import { hasMoved } from "../../console/src/pages/service/moved.ts";
import { openPay } from "../../console/src/pages/service/openPay.ts";
import { reasonOf, wasAudited } from "../../console/src/pages/service/why.ts";
import type { ServiceClass, ServiceEpochRow } from "../../console/src/model.ts";
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

describe("the open pay of a service", () => {
  const rows = (pays: readonly bigint[]) =>
    epochs(pays.map(() => 3)).map((row, index) => ({ ...row, pay: pays[index] }));

  it("is that of the final epochs after the last that was settled", () => {
    expect(openPay(rows([9n, 4n, 5n]), 1, 5)).to.include({ epochs: 2, pay: 9n });
    expect(openPay(rows([9n, 4n, 5n]), 3, 5)).to.include({ epochs: 0, pay: 0n });
  });

  it("is nothing for epochs without a quorum, so that nobody pays gas for settling them", () => {
    expect(openPay(rows([9n, 0n, 0n]), 1, 5)).to.include({ epochs: 2, pay: 0n });
  });

  it("is not known while some of them were not read", () => {
    expect(openPay(undefined, 1, 5)).to.include({ epochs: 2, pay: undefined });
    expect(openPay(rows([9n, 4n, 5n]).slice(2), 1, 5)).to.include({
      ...{ epochs: 2, pay: undefined },
    });
  });
});

describe("the time in which open pay can be settled", () => {
  const rows = (pays: readonly bigint[]) =>
    epochs(pays.map(() => 3)).map((row, index) => ({ ...row, pay: pays[index] }));

  it("ends with the ring's last epoch of the first epoch that pays", () => {
    expect(openPay(rows([9n, 4n, 5n]), 1, 5)).to.include({ first: 2, until: 257 });
    expect(openPay(rows([9n, 0n, 5n]), 1, 5)).to.include({ first: 3, until: 258 });
  });

  it("is that of the first open epoch while not all were read", () => {
    expect(openPay(undefined, 1, 5)).to.include({ first: 2, until: 257 });
  });

  it("leaves out epochs that are lost already", () => {
    expect(openPay(undefined, 1, 400)).to.include({ first: 145, until: 400 });
  });
});

describe("a service that is elsewhere than it announced", () => {
  const [a, b] = ["http://192.0.2.7:80", "sal://192.0.2.7:7370"];
  it("has moved if an endpoint is another, and not if the order is", () => {
    expect(hasMoved([b, a], [a, b])).to.equal(false);
    expect(hasMoved([a], [a, b])).to.equal(true);
    expect(hasMoved([a], [b])).to.equal(true);
  });
  it("is not known to have moved without one of the two", () => {
    expect(hasMoved(undefined, [a])).to.equal(false);
    expect(hasMoved([a], undefined)).to.equal(false);
  });
});

describe("an epoch without an audit", () => {
  const [row] = epochs([null], [0, 0, 0, 0]);
  it("is one in which the service was not active, which is not a missing quorum", () => {
    expect(wasAudited({ ...row!, status: "Unstaked" })).to.equal(false);
    expect(wasAudited({ ...row!, status: "Active" })).to.equal(true);
    expect(wasAudited({ ...row!, status: undefined })).to.equal(true);
  });
});

describe("the reason for no verdict", () => {
  const kind = { poorMs: 3_500, goodMs: 1_500, excellentMs: 600 } as ServiceClass;
  const what = (counts: readonly number[]) => reasonOf(epochs([null], counts)[0]!, kind)?.what;

  it("does not speak of votes where there are none", () => {
    expect(what([0, 0, 0, 0])).to.contain("No vote on the service counted");
    expect(what([0, 1, 0, 1])).to.contain("below 3");
  });
});
