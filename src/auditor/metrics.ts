import { formatEther, parseEventLogs, type TransactionReceipt } from "viem";
import type { Metrics } from "../node/metrics.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { grades, type Grade } from "../protocol/tally.ts";
import { transports } from "../protocol/transport.ts";
import { failureClasses, type Finding } from "./inspection/finding.ts";

/** The duties of an epoch. */
const DUTIES = ["tick", "audit", "earn"];
/** Bounds of inspection times, seconds: around the bounds of the launch classes' grades. */
const INSPECTION_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];

/** An age at which no round can be claimed any more. */
const REMEMBERED_EPOCHS = 256;

/** The outcome of an attempt at a duty. */
export type DutyOutcome = "succeeded" | "retried" | "failed";

/** An auditor's metrics. Its results on chain are read from the events of its transactions. */
export class AuditorMetrics {
  readonly #rounds;
  readonly #declined;
  readonly #services;
  readonly #votes;
  readonly #inspections;
  readonly #inspectionSeconds;
  readonly #failures;
  readonly #open;
  readonly #duties;
  readonly #paidVotes;
  readonly #earned;
  readonly #collected;
  readonly #callsFailed;
  readonly #faults = new Map<string, string>();

  constructor(metrics: Metrics) {
    const counter = (name: string, help: string) => metrics.counter(`blockcloud_${name}`, help);
    this.#rounds = {
      drawn: new RoundStep(metrics, "drawn", "Rounds whose shards were drawn, to be inspected."),
      committed: new RoundStep(metrics, "committed", "Rounds whose commitment is in a block."),
      revealed: new RoundStep(metrics, "revealed", "Rounds of which a chunk was revealed."),
      claimed: new RoundStep(metrics, "claimed", "Rounds of which a chunk was claimed."),
    };
    this.#declined = counter(
      "auditor_rounds_declined_total",
      "Unprofitable rounds that were skipped.",
    );
    this.#services = counter("auditor_services_drawn_total", "Services in the rounds drawn.");
    this.#votes = metrics.counter("blockcloud_auditor_votes_total", "Votes, by grade.", {
      grade: grades,
    });
    this.#inspections = metrics.counter(
      "blockcloud_auditor_inspections_total",
      "Inspections that have ended, by grade and transport; none: no contact was made.",
      { grade: grades, transport: [...transports, "none"] },
    );
    this.#inspectionSeconds = metrics.histogram(
      "blockcloud_auditor_inspection_seconds",
      "Time of inspections to the last byte, FAILED ones included.",
      INSPECTION_SECONDS,
    );
    this.#failures = metrics.counter(
      "blockcloud_auditor_inspection_failures_total",
      "Inspections that were FAILED, by the class of the reason.",
      { reason: failureClasses },
    );
    this.#open = metrics.gauge(
      "blockcloud_auditor_inspections_running",
      "Inspections that hold a connection now.",
    );
    this.#open.set(0, {});
    this.#duties = metrics.counter(
      "blockcloud_auditor_duty_attempts_total",
      "Attempts at a duty of an epoch, by outcome.",
      { duty: DUTIES, outcome: ["succeeded", "retried", "failed"] },
    );
    this.#paidVotes = counter("auditor_votes_paid_total", "Votes that claims were paid for.");
    this.#earned = counter("auditor_earned_bloc_total", "Pay credited by claims, BLOC.");
    this.#collected = counter("auditor_collected_bloc_total", "Pay paid out to the owner, BLOC.");
    this.#callsFailed = counter(
      "auditor_batch_calls_failed_total",
      "Reveals, claims and collections that failed inside a batch which was mined.",
    );
    for (const duty of DUTIES) {
      metrics.health.register(`duty_${duty}`, () => this.#faults.get(duty));
    }
  }

  /** The epoch's round is unprofitable and skipped. */
  declined(): void {
    this.#declined.add(1, {});
  }

  /** The epoch's shards were drawn and will be inspected. */
  drawn(epoch: number, services: number): void {
    this.#rounds.drawn.taken(epoch);
    this.#services.add(services, {});
  }

  /** Number of running inspections. */
  running(count: number): void {
    this.#open.set(count, {});
  }

  /** An inspection has ended. */
  inspected(finding: Finding): void {
    const { transport = "none" } = finding;
    this.#inspections.add(1, { grade: grades[finding.grade], transport });
    this.#inspectionSeconds.observe(finding.elapsedMs / 1000, {});
    if (finding.failure !== undefined) this.#failures.add(1, { reason: finding.failure });
  }

  /** A vote is cast. */
  voted(grade: Grade): void {
    this.#votes.add(1, { grade: grades[grade] });
  }

  /** An attempt at a duty has ended; after a failure the worker is unhealthy until the next success. */
  duty(name: string, outcome: DutyOutcome, error?: unknown): void {
    this.#duties.add(1, { duty: name, outcome });
    if (outcome === "succeeded") {
      this.#faults.delete(name);
      return;
    }
    // The code identifies the entry in the log; a message may contain private data.
    const code = error instanceof BlockcloudError ? error.code : "an unexpected error";
    this.#faults.set(name, `the last attempt failed: ${code}`);
  }

  /** A transaction of the auditor is in a block. */
  mined(receipt: TransactionReceipt): void {
    for (const event of parseEventLogs({ abi: proofOfServiceAbi, logs: receipt.logs })) {
      if (event.eventName === "Committed") this.#rounds.committed.taken(event.args.epoch);
      else if (event.eventName === "Revealed") this.#rounds.revealed.taken(event.args.epoch);
      else if (event.eventName === "Claimed") {
        this.#rounds.claimed.taken(event.args.epoch);
        this.#paidVotes.add(event.args.paidVotes, {});
        this.#earned.add(Number(formatEther(event.args.reward)), {});
      } else if (event.eventName === "Collected") {
        this.#collected.add(Number(formatEther(event.args.amount)), {});
      } else if (event.eventName === "CallFailed") this.#callsFailed.add(1, {});
    }
  }
}

/** A step of rounds: their number, and the newest one. Each chunk of a round takes the step separately. */
class RoundStep {
  readonly #counter;
  readonly #epochs = new Set<number>();
  #newest: number | undefined;

  constructor(metrics: Metrics, step: string, help: string) {
    this.#counter = metrics.counter(`blockcloud_auditor_rounds_${step}_total`, help);
    metrics.gauge(
      `blockcloud_auditor_newest_${step}_epoch`,
      `Epoch of the newest round that was ${step} since the process began.`,
      {},
      () => this.#newest,
    );
  }

  taken(epoch: number): void {
    if (this.#epochs.has(epoch)) return;
    this.#epochs.add(epoch);
    this.#counter.add(1, {});
    this.#newest = Math.max(this.#newest ?? epoch, epoch);
    for (const old of this.#epochs) {
      if (old < this.#newest - REMEMBERED_EPOCHS) this.#epochs.delete(old);
    }
  }
}
