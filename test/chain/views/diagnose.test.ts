import { expect } from "chai";
import { parseEther, zeroAddress, type Address } from "viem";
import {
  describeCounts,
  diagnose,
  type DiagnosisInput,
} from "../../../src/chain/views/diagnose.ts";
import type { Diagnosis } from "../../../src/chain/views/diagnosis.ts";
import type { SelfProbeRequest } from "../../../src/chain/views/probeDiagnosis.ts";
import type { RecordView } from "../../../src/chain/views/recordView.ts";
import type { ServiceView } from "../../../src/chain/views/serviceView.ts";
import { epochStart } from "../../../src/protocol/epoch.ts";
import type { ServiceEpoch } from "../../../src/protocol/serviceEpochs.ts";
import type { ServiceStatus } from "../../../src/protocol/serviceStatus.ts";
import type { Verdict } from "../../../src/protocol/tally.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";

const EPOCH = 50;
const KEY: Address = `0x${"4b".repeat(20)}`;
const OTHER: Address = `0x${"66".repeat(20)}`;
const HASH = `0x${"5e".repeat(32)}` as const;
const moment = {
  number: 1_000n,
  hash: HASH,
  epoch: EPOCH,
  timestamp: epochStart(DEPLOYMENT, EPOCH),
};

function record(over: Partial<RecordView> = {}, uri = "https://a.example", hours = 12): RecordView {
  const expiresAt = BigInt((moment.timestamp + hours * 3_600) * 1_000);
  return {
    source: "chain",
    state: "current",
    signer: KEY,
    searchedFrom: 1n,
    record: {
      serviceId: HASH,
      issuedAt: expiresAt - 86_400_000n,
      expiresAt,
      endpoints: [{ uri, priority: 0, weight: 1 }],
      delegation: "0x",
    },
    ...over,
  };
}

const healthy: ServiceView = {
  number: 7n,
  id: HASH,
  owner: OTHER,
  payout: OTHER,
  label: undefined,
  classId: 0,
  class: {
    name: "http",
    excellentMs: 500,
    goodMs: 2_000,
    poorMs: 10_000,
    minimumStake: parseEther("1000"),
    maximumStake: parseEther("100000"),
    registrationFee: 0n,
    open: true,
  },
  metadata: undefined,
  status: { now: "Active", next: "Active" },
  key: { now: KEY, next: KEY },
  probe: {
    hash: { now: HASH, next: HASH },
    specification: {
      v: 1,
      requests: [{ method: "GET", path: "/", headers: {}, status: 200 }],
    } as unknown as NonNullable<ServiceView["probe"]["specification"]>,
    found: true,
    isNewer: false,
  },
  stake: { now: parseEther("1000"), next: parseEther("1000") },
  staker: OTHER,
  unbonding: [],
  firstEpoch: 1,
  reinstatedSince: 0,
  settledThrough: 40,
  record: record(),
  challenge: undefined,
  quietUntil: 0,
};

function epoch(number: number, over: Partial<ServiceEpoch> = {}): ServiceEpoch {
  const verdict: Verdict = over.verdict === undefined ? 3 : over.verdict;
  return {
    epoch: number,
    final: true,
    status: "Active",
    seeded: true,
    counts: [0, 0, 0, 7],
    shardWeight: 7,
    verdict,
    paidGrade: verdict,
    paidBy: number,
    pay: 1n,
    settled: false,
    ...over,
  };
}

/** Of a service that speaks first. */
const STATIC: ServiceView["probe"]["specification"] = {
  v: 3,
  requests: [
    { port: 22, expect: "SSH-2.0-" },
    { port: 7, send: "{r}", expect: "{r}" },
  ],
};

function asked(over: Partial<SelfProbeRequest>): DiagnosisInput["probe"] {
  const request = { request: "GET /", grade: 3, elapsedMs: 10, reason: undefined } as const;
  const place = { endpoint: "https://a.example", transport: "https" } as const;
  return { requests: [{ ...place, ...request, ...over }] };
}

function findings(
  over: Partial<ServiceView> = {},
  more: {
    epochs?: ServiceEpoch[];
    probe?: DiagnosisInput["probe"];
    announced?: RecordView;
  } = {},
): Diagnosis[] {
  const { epochs = [], ...rest } = more;
  const view = { ...healthy, ...over };
  return diagnose({ view, epochs, moment, deployment: DEPLOYMENT, probe: undefined, ...rest });
}

const codes = (...args: Parameters<typeof findings>) => findings(...args).map(({ code }) => code);

describe("diagnose", () => {
  it("finds nothing where nothing is wrong", () => {
    const epochs = [epoch(46), epoch(47), epoch(48), epoch(49, { final: false, verdict: null })];
    expect(findings({}, { epochs, probe: asked({}) })).to.deep.equal([]);
  });

  for (const status of ["Unstaked", "Maintenance", "Suspended", "Retired", "Keyless"] as const) {
    it(`names ${status} and what ends it, now, from the next epoch on, and in past epochs`, () => {
      const code = status.toUpperCase();
      const [now] = findings({ status: { now: status, next: status } });
      expect(now).to.include({ code: `STATUS_${code}`, severity: "problem" });
      expect(now?.remedy).not.to.equal("");
      expect(codes({ status: { now: "Active", next: status } })).to.deep.equal([
        `STATUS_${code}_NEXT`,
      ]);
      const [past] = findings({}, { epochs: [epoch(47, { status }), epoch(48, { status })] });
      expect(past).to.deep.include({ code: `EPOCH_${code}`, epochs: [47, 48] });
    });
  }

  it("says that nothing is to be done where the next epoch ends it", () => {
    const [found] = findings({ status: { now: "Maintenance", next: "Active" } });
    expect(found?.remedy).to.contain("epoch 51");
  });

  it("leaves a service alone that does not count yet, and epochs before it did", () => {
    const status: ServiceView["status"] = { now: "None", next: "Active" };
    const epochs = [epoch(48, { status: "None" as ServiceStatus })];
    expect(codes({ firstEpoch: 51, status }, { epochs })).to.deep.equal(["NOT_COUNTED_YET"]);
  });

  const none = { state: "none", record: undefined, signer: undefined } as const;
  for (const [code, view] of [
    ["RECORD_NONE", { record: record(none) }],
    ["RECORD_EXPIRED", { record: record({ state: "expired" }, undefined, -1) }],
    ["RECORD_WRONG_KEY", { record: record({ state: "foreign", signer: OTHER }) }],
    ["RECORD_NOT_AUDITED", { record: record({}, "tcp://a.example:1") }],
    ["RECORD_ENDS_SOON", { record: record({}, undefined, 0.5) }],
    ["PROBE_UNREADABLE", { probe: { ...healthy.probe, specification: undefined } }],
    ["PROBE_STATIC", { probe: { ...healthy.probe, specification: STATIC } }],
    ["PROBE_NEWER", { probe: { ...healthy.probe, specification: undefined, isNewer: true } }],
    ["PROBE_NOT_FOUND", { probe: { ...healthy.probe, found: false, specification: undefined } }],
  ] as [string, Partial<ServiceView>][]) {
    it(`knows ${code}`, () => {
      expect(codes(view)).to.deep.equal([code]);
    });
  }

  it("expects an hour of an announcement, and not of a live record, which lasts a minute", () => {
    const minute = 1 / 60;
    expect(codes({ record: record({ source: "network" }, undefined, minute) })).to.deep.equal([]);
    const [found] = findings({ record: record({}, undefined, minute) });
    expect(found).to.include({ code: "RECORD_ENDS_SOON" });
    expect(found?.what).to.match(/ ends in 1 minute\.$/);
  });

  it("says beside a live record how its announcement stands", () => {
    const live = { record: record({ source: "network" }, undefined, 1 / 60) };
    const cases = [
      [record(), []],
      [record({}, undefined, 0.5), ["RECORD_ENDS_SOON"]],
      [record({ state: "expired" }, undefined, -1), ["RECORD_EXPIRED"]],
      [record(none), ["RECORD_NONE"]],
    ] as const;
    for (const [announced, expected] of cases) {
      const found = findings(live, { announced });
      expect(found.map(({ code }) => code)).to.deep.equal(expected);
      expect(found.every(({ severity }) => severity === "notice")).to.equal(true);
    }
  });

  it("takes an old announcement for a possible reason why a probe fails", () => {
    const probe = asked({ grade: 0, reason: "connect ECONNREFUSED" });
    const [old] = findings({}, { probe });
    expect(old?.remedy).to.contain("--resolver");
    const [live] = findings({ record: record({ source: "network" }) }, { probe });
    expect(live?.remedy).not.to.contain("--resolver");
  });

  it("names the key that signed a record, and the one that should have", () => {
    const [found] = findings({ record: record({ state: "foreign", signer: OTHER }) });
    expect(found?.what).to.contain(OTHER).and.to.contain(KEY);
  });

  it("tells slow from failing by what its own probe met", () => {
    const [slow] = findings({}, { probe: asked({ grade: 2, elapsedMs: 1_234 }) });
    expect(slow).to.include({ code: "PROBE_SLOW" });
    expect(slow?.what).to.contain("1234 ms").and.to.contain("500 ms");
    const reason = "status 500 instead of 200";
    const [failed] = findings({}, { probe: asked({ grade: 0, reason }) });
    expect(failed).to.include({ code: "PROBE_FAILED" });
    expect(failed?.what).to.contain(reason);
    const late = asked({ grade: 0, elapsedMs: 10_500, reason: "no answer" });
    expect(codes({}, { probe: late })).to.deep.equal(["PROBE_SLOW"]);
  });

  it("groups epochs by what the auditors counted", () => {
    const epochs = [
      epoch(44, { verdict: 0, counts: [5, 0, 0, 2] }),
      epoch(45, { verdict: 2, counts: [0, 1, 5, 1] }),
      epoch(46, { verdict: 0, counts: [5, 0, 0, 2] }),
      epoch(47),
      epoch(48, { verdict: 1, counts: [1, 4, 0, 0] }),
    ];
    const found = findings({}, { epochs });
    expect(found.map(({ code, epochs: which }) => [code, which])).to.deep.equal([
      ["EPOCH_FAILED", [44, 46]],
      ["EPOCH_GOOD", [45]],
      ["EPOCH_POOR", [48]],
    ]);
    expect(found[0]?.what).to.contain("4 EXCELLENT, 10 FAILED by weight");
  });

  it("tells an epoch without a seed from one without a quorum, paid or not", () => {
    const epochs = [
      epoch(46, { seeded: false, verdict: null, paidGrade: null, counts: [0, 0, 0, 0] }),
      epoch(47, { verdict: null, paidGrade: 3, paidBy: 45, counts: [0, 0, 0, 2] }),
      epoch(48, { verdict: null, paidGrade: null, counts: [0, 0, 0, 0] }),
    ];
    const found = findings({}, { epochs });
    expect(found.map(({ code }) => code)).to.deep.equal([
      "EPOCH_WITHOUT_SEED",
      "EPOCH_WITHOUT_QUORUM",
      "EPOCH_WITHOUT_QUORUM",
    ]);
    expect(found[1]?.what).to.contain("EXCELLENT");
    expect(found[2]?.what).to.contain("not paid");
  });

  it("warns of a run of FAILED before it is long enough to suspend, and when it is", () => {
    const run = (length: number) =>
      Array.from({ length }, (_, index) =>
        epoch(EPOCH - 1 - length + index, { verdict: 0, counts: [7, 0, 0, 0] }),
      );
    expect(codes({}, { epochs: run(1) })).to.deep.equal(["EPOCH_FAILED"]);
    const [warning] = findings({}, { epochs: run(3) });
    expect(warning).to.deep.include({ code: "FAILED_RUN", epochs: [46, 47, 48] });
    expect(warning?.what).to.contain("after 8");
    const [late] = findings({}, { epochs: run(8) });
    expect(late?.what).to.contain("anyone can suspend");
  });

  it("says until when an open challenge must be answered, with which key, and when it is lost", () => {
    const challenge = {
      id: 3n,
      number: 7n,
      challenger: zeroAddress,
      openedIn: EPOCH - 1,
      key: KEY,
      penalty: 1n,
      state: "Open",
      question: undefined,
    } as const;
    const asks = (deadline: number) => ({
      challenge: { ...challenge, question: { nonce: HASH, deadline } },
    });
    const [waiting] = findings({ challenge });
    expect(waiting).to.include({ code: "CHALLENGE_OPEN", severity: "problem" });
    expect(waiting?.remedy).to.contain(KEY);
    expect(codes(asks(moment.timestamp))).to.deep.equal(["CHALLENGE_OPEN"]);
    expect(codes(asks(moment.timestamp - 1))).to.deep.equal(["CHALLENGE_LOST"]);
  });
});

describe("describeCounts", () => {
  it("gives the best grade first and leaves zeros out", () => {
    expect(describeCounts([1, 0, 0, 5])).to.equal("5 EXCELLENT, 1 FAILED");
    expect(describeCounts([0, 0, 0, 0])).to.equal("no votes");
  });
});
