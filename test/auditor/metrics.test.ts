import { expect } from "chai";
import { parseEther, type TransactionReceipt } from "viem";
import { failed } from "../../src/auditor/inspection/finding.ts";
import { AuditorMetrics } from "../../src/auditor/metrics.ts";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { AUDITOR } from "../support/auditorRig.ts";
import { encodeLog, type FakeLog } from "../support/fakeChain.ts";
import { sample } from "../support/samples.ts";

describe("AuditorMetrics", () => {
  let metrics: Metrics;
  let auditor: AuditorMetrics;
  beforeEach(() => {
    metrics = createMetrics("auditor");
    auditor = new AuditorMetrics(metrics);
  });

  const value = (name: string, labels?: Record<string, string>) =>
    sample(metrics, `blockcloud_auditor_${name}`, labels);

  function mined(...events: Omit<FakeLog, "block">[]): void {
    const logs = events.map((event) => encodeLog({ block: 1, ...event }));
    auditor.mined({ logs } as unknown as TransactionReceipt);
  }

  it("follows a round from the draw to the payout", async () => {
    const round = { auditor: AUDITOR, epoch: 7 };
    auditor.declined();
    auditor.drawn(7, 30);
    mined({ eventName: "Committed", args: round });
    for (const index of [0, 1]) {
      mined({ eventName: "Revealed", args: { ...round, index, votes: 15n } });
      const pay = { paidVotes: 10n, reward: parseEther("1.5") };
      mined({ eventName: "Claimed", args: { ...round, index, ...pay } });
    }
    mined({ eventName: "Collected", args: { auditor: AUDITOR, amount: parseEther("3") } });
    for (const step of ["drawn", "committed", "revealed", "claimed"]) {
      expect(await value(`rounds_${step}_total`), step).to.equal(1);
      expect(await value(`newest_${step}_epoch`), step).to.equal(7);
    }
    expect(await value("rounds_declined_total")).to.equal(1);
    expect(await value("services_drawn_total")).to.equal(30);
    expect(await value("votes_paid_total")).to.equal(20);
    expect(await value("earned_bloc_total")).to.equal(3);
    expect(await value("collected_bloc_total")).to.equal(3);
  });

  it("counts a round once however late and in whichever order it is claimed", async () => {
    const claim = (epoch: number) => {
      const args = { auditor: AUDITOR, epoch, index: 0, paidVotes: 1n, reward: 1n };
      mined({ eventName: "Claimed", args });
    };
    for (const epoch of [9, 7, 8, 7]) claim(epoch);
    expect(await value("rounds_claimed_total")).to.equal(3);
    expect(await value("newest_claimed_epoch")).to.equal(9);
  });

  it("counts a call that failed inside a batch which was mined", async () => {
    mined({ eventName: "CallFailed", args: { index: 1n, reason: "0x" } });
    expect(await value("batch_calls_failed_total")).to.equal(1);
  });

  it("counts votes and inspections by grade, and failures by class, not by what was said", async () => {
    auditor.inspected({ grade: 3, elapsedMs: 120, transport: "sal" });
    auditor.inspected(failed("status", "status 503 instead of 200", 40));
    auditor.inspected(failed("status", `status 5${"0".repeat(900)}`, 40));
    auditor.voted(0);
    expect(await value("inspections_total", { grade: "EXCELLENT", transport: "sal" })).to.equal(1);
    expect(await value("inspections_total", { grade: "FAILED", transport: "none" })).to.equal(2);
    expect(await value("inspection_failures_total", { reason: "status" })).to.equal(2);
    expect(await value("inspection_seconds_count")).to.equal(3);
    expect((await value("inspection_seconds_sum"))?.toFixed(6)).to.equal("0.200000");
    expect(await value("votes_total", { grade: "FAILED" })).to.equal(1);
  });

  it("is unwell from a duty's failure to its next success, and tells the code alone", async () => {
    const error = new BlockcloudError("CALL_REVERTED", "at https://rpc.example/v2/secret");
    auditor.duty("audit", "failed", error);
    expect(metrics.health.report()).to.deep.equal({
      ok: false,
      checks: [
        { name: "duty_tick", ok: true },
        { name: "duty_audit", ok: false, reason: "the last attempt failed: CALL_REVERTED" },
        { name: "duty_earn", ok: true },
      ],
    });
    auditor.duty("audit", "succeeded");
    expect(metrics.health.report().ok).to.equal(true);
    const attempts = (outcome: string) => value("duty_attempts_total", { duty: "audit", outcome });
    expect(await attempts("failed")).to.equal(1);
    expect(await attempts("succeeded")).to.equal(1);
    expect(await attempts("retried")).to.equal(0);
  });
});
