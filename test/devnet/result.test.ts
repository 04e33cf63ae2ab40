import { expect } from "chai";
import type { Address } from "viem";
import type { DemoDownload } from "../../devnet/download.ts";
import type { DemoMove } from "../../devnet/move.ts";
import { Findings } from "../../devnet/findings.ts";
import type { DemoPaying } from "../../devnet/paying.ts";
import type { Monitor } from "../../devnet/monitor.ts";
import type { DemoRelayLoss } from "../../devnet/relays.ts";
import type { DemoReason } from "../../devnet/reasons.ts";
import { judge } from "../../devnet/result.ts";
import type { LogLine } from "../../devnet/worker.ts";
import type { Verdict } from "../../src/protocol/tally.ts";

const FIRST = 10;
const OWNERS: Address[] = [`0x${"11".repeat(20)}`, `0x${"22".repeat(20)}`];
const OPERATOR: Address = `0x${"33".repeat(20)}`;
const FULL = 100n;

const MOVE: DemoMove = {
  service: 1,
  from: "http://127.0.0.1:1",
  to: "http://127.0.0.1:2",
  milliseconds: 80,
  peers: 3,
  announcements: 0,
};

const DOWNLOAD: DemoDownload = {
  service: 1,
  bytes: 8_388_608,
  sha256: "5e".repeat(32),
  isWhole: true,
  from: "sal://127.0.0.1:1",
  to: "sal://127.0.0.1:2",
  gapMs: 12,
};

const RELAY_LOSS: DemoRelayLoss = {
  ...DOWNLOAD,
  service: 3,
  from: "sal://127.0.0.1:3?relay",
  to: "sal://127.0.0.1:4?relay",
  killed: "127.0.0.1:3",
};

const PAYING: DemoPaying = {
  payer: OWNERS[0]!,
  service: 1,
  ...{
    requests: 9,
    failures: 0,
    lastFailure: null,
    deposited: "100",
    signed: "50",
    redeemed: "50",
    left: "50",
  },
  ...{ paidOut: "49", burned: "1", contributed: "0", compared: 9, differences: [] },
};

describe("judge", () => {
  /** Rewards by service and epoch, then by auditor and epoch; undefined: not settled yet. */
  let settled: (number: bigint, epoch: number) => bigint | undefined;
  let earned: (auditor: Address, epoch: number) => bigint;
  let full: bigint;
  let verdict: (number: bigint, epoch: number) => Verdict;
  let hasSeed: boolean;
  let findings: Findings;
  let refreshed: bigint;
  let move: DemoMove | undefined;
  let download: DemoDownload | undefined;
  let relayLoss: DemoRelayLoss | undefined;
  let paying: DemoPaying | undefined;

  beforeEach(() => {
    settled = (number) => (number === 3n ? 40n : FULL);
    earned = () => 5n;
    full = FULL;
    verdict = (number) => (number === 3n ? 1 : 3);
    hasSeed = true;
    findings = new Findings();
    refreshed = 0n;
    move = MOVE;
    download = DOWNLOAD;
    relayLoss = RELAY_LOSS;
    paying = PAYING;
  });

  /** An auditor's log says something. */
  function says(auditor: Address, line: Partial<LogLine>): void {
    const all = { level: "info", msg: "service inspected", ...line };
    findings.follow(auditor, {
      onLine: (listen) => {
        listen(all);
      },
    });
  }

  function run(epochs?: number, interrupted = false) {
    const settlement = (number: bigint, epoch: number) => {
      const reward = settled(number, epoch);
      return reward === undefined ? undefined : { grade: 3, reward };
    };
    const monitor = {
      refresh: async (head: bigint) => {
        refreshed = head;
      },
      settlement,
      settledTo: (number: bigint, first: number) => {
        const counts = Array.from({ length: 20 }, (_, index) => index + 1);
        return Math.max(0, ...counts.filter((count) => settlement(number, first + count - 1)));
      },
      fullPay: async () => full,
      hasSeed: () => hasSeed,
      verdict: async (number: bigint, epoch: number) => verdict(number, epoch),
      round: (auditor: Address, epoch: number) => {
        const reward = earned(auditor, epoch);
        const claimed = reward > 0n;
        return {
          committed: true,
          revealed: true,
          votes: 3,
          claimed,
          paidVotes: claimed ? 2 : 0,
          reward,
        };
      },
      transactions: () => 7,
      gasPerAudit: 61_000,
    } as unknown as Monitor;
    const services = [1n, 2n, 3n].map((number) => ({
      number,
      name: `service ${number}`,
      className: "http" as const,
      stake: 1n,
      healthy: number !== 3n,
    }));
    const auditors = OWNERS.map((owner) => ({ owner, operator: OPERATOR, stake: 9n }));
    const clock = { head: () => ({ number: 77n }) };
    const parts = { monitor, services, auditors, first: FIRST, clock, move, download };
    return judge({ ...parts, relayLoss, paying, findings }, epochs, interrupted);
  }

  it("is content when all went as it should, and adds everything up", async () => {
    const result = await run(3);
    expect(result).to.deep.include({ ok: true, epochs: 3, gasPerAudit: 61_000 });
    expect(result.reasons).to.deep.equal([]);
    expect(result.services.map(({ reward }) => reward)).to.deep.equal(["300", "300", "120"]);
    expect(result.services[2]).to.deep.equal({
      number: 3,
      class: "http",
      verdicts: [1, 1, 1],
      reward: "120",
    });
    expect(result.auditors[0]).to.deep.equal({
      address: OWNERS[0],
      stake: "9",
      rounds: 3,
      votes: 9,
      paidVotes: 6,
      reward: "15",
      transactions: 7,
    });
    expect(result.move).to.deep.equal(MOVE);
    expect(result.download).to.deep.equal(DOWNLOAD);
    expect(result.relayLoss).to.deep.equal(RELAY_LOSS);
    expect(JSON.parse(JSON.stringify(result))).to.deep.equal(result);
  });

  it("reads the chain to its head before", async () => {
    await run(3);
    expect(refreshed).to.equal(77n);
  });

  it("counts the epochs that are settled for every service when none were asked for", async () => {
    settled = (number, epoch) => {
      if (epoch >= FIRST + Number(number)) return undefined;
      return number === 3n ? 40n : FULL;
    };
    const result = await run(undefined);
    expect(result).to.include({ ok: true, epochs: 1 });
    expect(result.services.map(({ reward }) => reward)).to.deep.equal(["100", "100", "40"]);
  });

  it("judges a first epoch that was never settled as one of the run, not the run as empty", async () => {
    settled = (number, epoch) => {
      if (epoch === FIRST || epoch > FIRST + 2) return undefined;
      return number === 3n ? 40n : FULL;
    };
    const result = await run(undefined);
    expect(result).to.include({ ok: false, epochs: 3 });
    expect(result.reasons.map(({ check, epoch }) => [check, epoch])).to.deep.equal([
      ["HEALTHY_SERVICE_PAID_IN_FULL", FIRST],
      ["HEALTHY_SERVICE_PAID_IN_FULL", FIRST],
    ]);
  });

  it("is content with an interrupted run, of which nothing has ended yet", async () => {
    [move, download, relayLoss, paying] = [undefined, undefined, undefined, undefined];
    settled = (number, epoch) => (epoch > FIRST || number === 2n ? undefined : FULL);
    earned = () => 0n;
    for (const epochs of [undefined, 3]) {
      const result = await run(epochs, true);
      expect(result).to.deep.include({ ok: true, interrupted: true, reasons: [], epochs: 0 });
    }
  });

  it("is content with an interrupted run after its first epochs, whose user still pays", async () => {
    settled = (_, epoch) => (epoch > FIRST + 1 ? undefined : FULL);
    [paying, earned] = [undefined, () => 0n];
    const result = await run(undefined, true);
    expect(result).to.deep.include({ ok: true, interrupted: true, reasons: [], epochs: 2 });
    expect(result.services.map(({ reward }) => reward)).to.deep.equal(["200", "200", "200"]);
  });

  it("is not content with a download that came to harm, though the run was interrupted", async () => {
    download = { ...DOWNLOAD, isWhole: false };
    const { ok, reasons } = await run(undefined, true);
    expect([ok, reasons.map(({ check }) => check)]).to.deep.equal([false, ["DOWNLOAD_WHOLE"]]);
  });

  const wrong: [string, () => void, Partial<Omit<DemoReason, "why">> & { why: RegExp }, number?][] =
    [
      [
        "no service moved",
        () => (move = undefined),
        {
          check: "SERVICE_MOVED_WITHOUT_TRANSACTION",
          epoch: null,
          why: /before the service moved/,
        },
        3,
      ],
      [
        "the move was announced on chain",
        () => (move = { ...MOVE, announcements: 1 }),
        { check: "SERVICE_MOVED_WITHOUT_TRANSACTION", service: 1, why: /by 1 transactions/ },
        3,
      ],
      [
        "the download did not end",
        () => (download = undefined),
        { check: "DOWNLOAD_WHOLE", service: 1, epoch: null, why: /before the download did/ },
        3,
      ],
      [
        "the download lost a byte",
        () => (download = { ...DOWNLOAD, isWhole: false }),
        { check: "DOWNLOAD_WHOLE", service: 1, epoch: null, why: /not what was sent/ },
        3,
      ],
      [
        "the download stayed where it was",
        () => (download = { ...DOWNLOAD, to: DOWNLOAD.from }),
        { check: "DOWNLOAD_WHOLE", service: 1, epoch: null, why: /did not move/ },
        3,
      ],
      [
        "no relay was killed",
        () => (relayLoss = undefined),
        { check: "RELAY_LOST_WITHOUT_LOSS", service: 3, epoch: null, why: /before a relay was/ },
        3,
      ],
      [
        "the loss of a relay lost a byte",
        () => (relayLoss = { ...RELAY_LOSS, isWhole: false }),
        { check: "RELAY_LOST_WITHOUT_LOSS", service: 3, epoch: null, why: /not what was sent/ },
        3,
      ],
      [
        "a voucher of the user was not redeemed",
        () => (paying = { ...PAYING, signed: "51" }),
        { check: "BOOKS_ADD_UP", service: 1, epoch: null, why: /signed 51 wei, and 50 were/ },
        3,
      ],
      [
        "a wei of a payment is missing",
        () => (paying = { ...PAYING, paidOut: "48" }),
        { check: "BOOKS_ADD_UP", service: 1, epoch: null, why: /Of 50 wei, 48 were paid out/ },
        3,
      ],
      [
        "the contract says something else than its events",
        () => (paying = { ...PAYING, differences: ["fees: 1 wei instead of 2"] }),
        { check: "BOOKS_ADD_UP", service: 1, epoch: null, why: /1 wei instead of 2/ },
        3,
      ],
      [
        "more than a quarter of the user's requests failed",
        () => (paying = { ...PAYING, requests: 5, failures: 2, lastFailure: "502" }),
        { check: "REQUESTS_ANSWERED", service: 1, epoch: null, why: /Of 7 requests .* 2 failed/ },
        3,
      ],
      [
        "no epoch was audited",
        () => (settled = () => undefined),
        { check: "EPOCHS_AUDITED", epoch: null, why: /No epoch/ },
      ],
      [
        "a healthy service was not paid in full",
        () => (settled = (number) => (number === 3n ? 40n : number === 2n ? FULL - 1n : FULL)),
        { check: "HEALTHY_SERVICE_PAID_IN_FULL", service: 2, epoch: FIRST, why: /99 of 100 wei/ },
        3,
      ],
      [
        "a healthy service missed an epoch",
        () =>
          (settled = (number, epoch) =>
            number === 3n ? 40n : epoch === FIRST + 1 ? undefined : FULL),
        { check: "HEALTHY_SERVICE_PAID_IN_FULL", service: 1, epoch: FIRST + 1, why: /not settled/ },
        3,
      ],
      [
        "a healthy service was paid more than there is",
        () => (settled = (n) => (n === 3n ? 40n : 101n)),
        { check: "HEALTHY_SERVICE_PAID_IN_FULL", service: 1, epoch: FIRST, why: /101 of 100 wei/ },
        3,
      ],
      [
        "the faulty one was paid as much",
        () => (settled = () => FULL),
        {
          check: "FAULTY_SERVICE_PAID_LESS",
          service: 3,
          epoch: null,
          why: /300 of 300 wei.*10 POOR/,
        },
        3,
      ],
      [
        "the faulty one was paid more than 80%",
        () => (settled = (n) => (n === 3n ? 81n : FULL)),
        { check: "FAULTY_SERVICE_PAID_LESS", service: 3, epoch: null, why: /243 of 300 wei/ },
        3,
      ],
      [
        "an auditor earned nothing",
        () => (earned = (owner) => (owner === OWNERS[1] ? 0n : 5n)),
        {
          check: "AUDITOR_EARNED",
          auditor: OWNERS[1]!,
          epoch: FIRST,
          why: /3 votes.*did not claim/,
        },
        3,
      ],
      [
        "there was nothing to earn",
        () => {
          settled = () => 0n;
          full = 0n;
          hasSeed = false;
        },
        { check: "HEALTHY_SERVICE_PAID_IN_FULL", service: 1, epoch: FIRST, why: /has no seed/ },
        3,
      ],
    ];
  for (const [what, arrange, { why, ...reason }, epochs] of wrong) {
    it(`is not content when ${what}, and says why`, async () => {
      arrange();
      const result = await run(epochs);
      expect(result.ok).to.equal(false);
      expect(result.reasons[0]).to.deep.include(reason);
      expect(result.reasons[0]!.why).to.match(why);
    });
  }

  it("tells what the auditors measured of a healthy service that was graded down", async () => {
    settled = (number) => (number === 3n ? 40n : number === 1n ? 80n : FULL);
    verdict = (number, epoch) => (number === 1n && epoch === FIRST + 1 ? 2 : 3);
    for (const epoch of [FIRST, FIRST + 1]) {
      const milliseconds = [1_612, 1_540, 1_700];
      says(OWNERS[0]!, { epoch, number: "1", grade: 2, milliseconds, reasons: [] });
      says(OWNERS[1]!, { epoch, number: "2", grade: 0, milliseconds, reasons: ["No answer."] });
    }
    const { reasons } = await run(2);
    expect(reasons.map(({ epoch }) => epoch)).to.deep.equal([FIRST, FIRST + 1]);
    expect(reasons[1]!.why).to.equal(
      `GOOD instead of EXCELLENT. ${OWNERS[0]} found GOOD in 1612, 1540, 1700 ms`,
    );
  });

  it("tells why there was no verdict", async () => {
    settled = (number) => (number === 1n ? 0n : number === 3n ? 40n : FULL);
    verdict = (number) => (number === 1n ? null : 3);
    expect((await run(1)).reasons[0]!.why).to.match(
      /No quorum: only 2 of 2 auditors revealed votes/,
    );
    // Such an epoch is never settled.
    settled = (number) => (number === 3n ? 40n : undefined);
    expect((await run(1)).reasons[0]!.why).to.match(/No quorum: only 2 of 2 auditors/);
  });

  it("tells what an auditor that earned nothing last said of the epoch", async () => {
    earned = (owner) => (owner === OWNERS[1] ? 0n : 5n);
    says(OWNERS[1]!, { epoch: FIRST, msg: "too late to inspect in this epoch" });
    says(OWNERS[1]!, { epoch: FIRST, msg: "sampled", level: "debug" });
    const { reasons } = await run(2);
    expect(reasons.map(({ epoch }) => epoch)).to.deep.equal([FIRST, FIRST + 1]);
    expect(reasons[0]!.why).to.match(/log last says: too late to inspect in this epoch\.$/);
    expect(reasons[1]!.why).to.match(/log says nothing of it\.$/);
  });

  it("takes exactly 80% for visibly less", async () => {
    settled = (number) => (number === 3n ? 80n : FULL);
    expect((await run(3)).ok).to.equal(true);
  });

  it("is content with an auditor that missed an epoch but earned in another", async () => {
    earned = (owner, epoch) => (owner === OWNERS[1] && epoch > FIRST ? 0n : 5n);
    const result = await run(3);
    expect(result.ok).to.equal(true);
    expect(result.auditors[1]).to.include({ rounds: 1, paidVotes: 2, votes: 9, reward: "5" });
  });
});
