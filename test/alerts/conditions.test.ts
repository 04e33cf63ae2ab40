import { expect } from "chai";
import { parseEther, parseGwei, type Address } from "viem";
import {
  accountConditions,
  auditorConditions,
  serviceConditions,
  type AlertLimits,
} from "../../src/alerts/conditions.ts";
import type { AuditorRound } from "../../src/chain/views/auditorRounds.ts";
import type { AuditorView } from "../../src/chain/views/auditorView.ts";
import type { Moment } from "../../src/chain/views/contracts.ts";
import type { ServiceView } from "../../src/chain/views/serviceView.ts";
import type { Verdict } from "../../src/protocol/tally.ts";
import type { ServiceEpoch } from "../../src/protocol/serviceEpochs.ts";

const HOUR = 3_600;
const limits: AlertLimits = { inARow: 3, leastGrade: 2, leastDays: 3, withinS: 6 * HOUR };
const moment: Moment = { number: 1n, hash: "0x", timestamp: 1_800_000_000, epoch: 1_000 };
const chain = { moment, epochSeconds: HOUR, gasPrice: parseGwei("1") };
const account: Address = `0x${"ab".repeat(20)}`;

describe("what needs the operator", () => {
  describe("of a service", () => {
    const view = (over: Partial<ServiceView> = {}): ServiceView =>
      ({
        ...{ number: 7n, status: { now: "Active", next: "Active" }, challenge: undefined },
        settledThrough: 996,
        record: {
          state: "current",
          record: { expiresAt: BigInt((moment.timestamp + 7 * HOUR) * 1000) },
        },
        ...over,
      }) as ServiceView;
    const epochs = (verdicts: readonly Verdict[], over: Partial<ServiceEpoch> = {}) =>
      verdicts.map((verdict, index): ServiceEpoch => {
        const epoch = 998 - verdicts.length + 1 + index;
        return { epoch, final: true, verdict, settled: true, pay: 1n, ...over } as ServiceEpoch;
      });
    const kinds = (given: ServiceView, of: readonly ServiceEpoch[]) =>
      serviceConditions(given, of, limits, chain).map(({ kind }) => kind);

    it("is nothing while it is well", () => {
      expect(kinds(view(), epochs([0, 0, 2, 1, 3]))).to.deep.equal([]);
    });

    it("is a grade that is too low so many times in a row, whatever epochs without a verdict say", () => {
      expect(kinds(view(), epochs([3, 1, 0]))).to.deep.equal([]);
      expect(kinds(view(), epochs([1, null, 0, null, 1]))).to.deep.equal(["grade"]);
      expect(kinds(view(), epochs([1, 0]))).to.deep.equal([]);
      // The newest one is not final.
      expect(kinds(view(), [...epochs([3, 1]), ...epochs([0], { final: false })])).to.deep.equal(
        [],
      );
    });

    it("is a status, a challenge, a record that ends or is not there", () => {
      expect(kinds(view({ status: { now: "Suspended", next: "Suspended" } }), [])).to.deep.equal([
        "status",
      ]);
      expect(kinds(view({ challenge: {} as ServiceView["challenge"] }), [])).to.deep.equal([
        "challenge",
      ]);
      const record = (state: string, hours: number) =>
        ({
          state,
          record: { expiresAt: BigInt((moment.timestamp + hours * HOUR) * 1000) },
        }) as ServiceView["record"];
      expect(kinds(view({ record: record("current", 5) }), [])).to.deep.equal(["lease"]);
      expect(kinds(view({ record: record("expired", -1) }), [])).to.deep.equal(["lease"]);
      const none = { state: "none", record: undefined } as ServiceView["record"];
      expect(kinds(view({ record: none }), [])).to.deep.equal(["lease"]);
    });

    it("is pay that can soon not be settled any more", () => {
      const owed = epochs([3], { settled: false });
      // Epochs can be settled for 256 epochs.
      expect(kinds(view({ settledThrough: 751 }), owed)).to.deep.equal([]);
      expect(kinds(view({ settledThrough: 749 }), owed)).to.deep.equal(["settle"]);
      expect(kinds(view({ settledThrough: 749 }), epochs([3]))).to.deep.equal([]);
    });

    it("is not pay that has most of its time yet, where epochs are so short that all of it is less than the limit", () => {
      const short = (settledThrough: number) =>
        serviceConditions(view({ settledThrough }), epochs([3], { settled: false }), limits, {
          ...chain,
          epochSeconds: 12,
        }).map(({ kind }) => kind);
      expect(short(996)).to.deep.equal([]);
      // 64 of the 256 epochs are left.
      expect(short(808)).to.deep.equal([]);
      expect(short(807)).to.deep.equal(["settle"]);
    });
  });

  describe("of an auditor", () => {
    const auditor: Address = `0x${"cd".repeat(20)}`;
    const view = (wei = parseEther("1")): AuditorView =>
      ({ auditor, operator: account, operatorBalance: wei }) as AuditorView;
    const round = (epoch: number, over: Partial<AuditorRound> = {}): AuditorRound => ({
      ...{ epoch, counted: true, committed: true, reported: false, revealed: 1, claimed: 1 },
      ...{ votes: 1, paidVotes: 1, reward: 1n, risk: 0n, ...over },
    });
    const kinds = (rounds: readonly AuditorRound[], wei?: bigint) =>
      auditorConditions(view(wei), rounds, limits, chain).map(({ kind }) => kind);
    const missed = { committed: false, revealed: 0, claimed: 0 };

    it("is rounds that it missed in a row, the open ones and those before its enrolment not counted", () => {
      expect(kinds([996, 997, 998].map((epoch) => round(epoch)))).to.deep.equal([]);
      expect(kinds([996, 997, 998].map((epoch) => round(epoch, missed)))).to.deep.equal(["missed"]);
      const open = [997, 998, 999, 1_000].map((epoch) => round(epoch, missed));
      expect(kinds([round(996), ...open])).to.deep.equal([]);
      const unrevealed = { committed: true, revealed: 0, claimed: 0 };
      expect(kinds([996, 997, 998].map((epoch) => round(epoch, unrevealed)))).to.deep.equal([
        "missed",
      ]);
      const before = [996, 997, 998].map((epoch) => round(epoch, { ...missed, counted: false }));
      expect(kinds(before)).to.deep.equal([]);
    });

    it("is a round that can soon not be claimed any more", () => {
      const late = (epoch: number) => [round(epoch, { claimed: 0 }), round(998)];
      expect(kinds(late(878))).to.deep.equal([]);
      expect(kinds(late(877))).to.deep.equal(["claim"]);
      const short = (epoch: number) =>
        auditorConditions(view(parseEther("9")), late(epoch), limits, {
          ...chain,
          epochSeconds: 12,
        }).map(({ kind }) => kind);
      // 32 of the 128 epochs are left.
      expect(short(904)).to.deep.equal([]);
      expect(short(903)).to.deep.equal(["claim"]);
    });

    it("is ether for too few days", () => {
      // 230,000 gas an hour at a gwei: 0.01656 ETH in three days.
      expect(kinds([], parseEther("0.0166"))).to.deep.equal([]);
      expect(kinds([], parseEther("0.0163"))).to.deep.equal(["balance"]);
    });
  });

  it("of an account that pays is ether for too few days", () => {
    const kinds = (wei: bigint) =>
      accountConditions(account, wei, limits, chain).map(({ key }) => key);
    expect(kinds(parseEther("0.0073"))).to.deep.equal([]);
    expect(kinds(parseEther("0.0070"))).to.deep.equal([`account ${account} balance`]);
  });
});
