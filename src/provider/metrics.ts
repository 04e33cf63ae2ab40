import { formatEther, parseEventLogs, type TransactionReceipt } from "viem";
import { serviceStatuses, type ServiceStatus } from "../chain/services.ts";
import type { Metrics } from "../node/metrics.ts";
import { settlementAbi } from "../protocol/abi/settlement.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { grades } from "../protocol/tally.ts";
import { bounds, type Bound } from "../net/peerBounds.ts";
import { problemCodes, type GatewayProblemCode } from "./gateway/problem.ts";

/** Bounds of the gateway's times, seconds: around the bounds of the launch classes' grades. */
const EXCHANGE_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
/** Repeated tasks: publishing by the lease, the others once per epoch. */
const TASKS = ["status", "publish", "announce", "settle"] as const;
export type BookkeepingTask = (typeof TASKS)[number];
/** The possible ends of a challenge. */
const CHALLENGE_ENDS = ["Answered", "Unanswered", "Annulled"];

/** Observes a gateway's exchanges. */
export interface GatewayObserver {
  /** An exchange has ended; the status is undefined if the client left before the head was sent. */
  finished(status: number | undefined, seconds: number): void;
  /** A receipt was signed. */
  receipt(): void;
  /** The gateway refused the request or gave it up. */
  problem(code: GatewayProblemCode): void;
  /** A connection was closed at once, because a bound was reached. */
  connectionRefused(bound: Bound): void;
}

/** The metrics of a provider's agent. */
export class ProviderMetrics implements GatewayObserver {
  readonly #requests;
  readonly #seconds;
  readonly #receipts;
  readonly #problems;
  readonly #connectionsRefused;
  readonly #challenges;
  readonly #challengeOpen;
  readonly #challengeDeadline;
  readonly #status;
  readonly #settled;
  readonly #earned;
  readonly #settledEpoch;
  readonly #recordExpiry;
  readonly #bookkeepingFailures;
  readonly #faults = new Map<BookkeepingTask, string>();

  constructor(metrics: Metrics) {
    this.#requests = metrics.counter(
      "blockcloud_gateway_requests_total",
      "Requests that have ended, by the class of their status; none: the client left first.",
      { status: ["1xx", "2xx", "3xx", "4xx", "5xx", "none"] },
    );
    this.#seconds = metrics.histogram(
      "blockcloud_gateway_request_seconds",
      "Time from a request's head to the end of its response.",
      EXCHANGE_SECONDS,
    );
    this.#receipts = metrics.counter(
      "blockcloud_gateway_receipts_total",
      "Receipts that were signed.",
    );
    this.#problems = metrics.counter(
      "blockcloud_gateway_problems_total",
      "Requests that the gateway refused or gave up, by code.",
      { code: problemCodes },
    );
    this.#connectionsRefused = metrics.counter(
      "blockcloud_gateway_connections_refused_total",
      "Connections that were closed at once, by the bound that was reached.",
      { bound: bounds },
    );
    this.#challengeOpen = metrics.gauge(
      "blockcloud_provider_challenge_open",
      "1 while a challenge of the service is open, else 0.",
    );
    this.#challengeDeadline = metrics.gauge(
      "blockcloud_provider_challenge_deadline_timestamp_seconds",
      "Deadline of the open challenge, Unix seconds; NaN before it has a question.",
    );
    this.#challenges = metrics.counter(
      "blockcloud_provider_challenges_total",
      "Challenges that have ended, by outcome.",
      { state: CHALLENGE_ENDS },
    );
    this.#status = metrics.gauge(
      "blockcloud_provider_service_status",
      "1 for the current status of the service, 0 for the others.",
      { status: serviceStatuses },
    );
    this.#settled = metrics.counter(
      "blockcloud_provider_epochs_settled_total",
      "Epochs that were settled, by the verdict's grade.",
      { grade: grades },
    );
    this.#earned = metrics.counter(
      "blockcloud_provider_earned_bloc_total",
      "Pay of the epochs that were settled, BLOC.",
    );
    this.#settledEpoch = metrics.gauge(
      "blockcloud_provider_newest_settled_epoch",
      "Newest epoch that was settled since the process began.",
    );
    this.#recordExpiry = metrics.gauge(
      "blockcloud_provider_record_expiry_timestamp_seconds",
      "Expiry of the published endpoint record, Unix seconds.",
    );
    this.#bookkeepingFailures = metrics.counter(
      "blockcloud_provider_bookkeeping_failures_total",
      "Tasks that failed and are tried again: publishing after seconds, the others in the next epoch.",
      { task: TASKS },
    );
    this.#challengeOpen.set(0, {});
    metrics.health.register(
      "bookkeeping",
      () => [...this.#faults.values()].join(", ") || undefined,
    );
  }

  finished(status: number | undefined, seconds: number): void {
    const group = status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
    this.#requests.add(1, { status: group });
    this.#seconds.observe(seconds, {});
  }

  receipt(): void {
    this.#receipts.add(1, {});
  }

  problem(code: GatewayProblemCode): void {
    this.#problems.add(1, { code });
  }

  connectionRefused(bound: Bound): void {
    this.#connectionsRefused.add(1, { bound });
  }

  /** A challenge is open; `deadline` in Unix seconds once it has its question. */
  challengeOpen(deadline: number | undefined): void {
    this.#challengeOpen.set(1, {});
    this.#challengeDeadline.set(deadline ?? NaN, {});
  }

  /** The open challenge has ended. */
  challengeClosed(state: string): void {
    this.#challengeOpen.set(0, {});
    this.#challengeDeadline.set(NaN, {});
    this.#challenges.add(1, { state });
  }

  /** The service's newest status. */
  serviceStatus(now: ServiceStatus): void {
    for (const status of serviceStatuses) this.#status.set(status === now ? 1 : 0, { status });
  }

  /** A record was published; it is valid until this time, Unix milliseconds. */
  published(expiresAt: bigint): void {
    this.#recordExpiry.set(Number(expiresAt) / 1000, {});
  }

  /** A task of the epoch's bookkeeping has ended; after a failure the worker is unhealthy until it succeeds. */
  bookkeeping(task: BookkeepingTask, error?: unknown): void {
    if (error === undefined) {
      this.#faults.delete(task);
      return;
    }
    this.#bookkeepingFailures.add(1, { task });
    // The code identifies the entry in the log; a message may contain private data.
    const code = error instanceof BlockcloudError ? error.code : "an unexpected error";
    this.#faults.set(task, `${task} failed: ${code}`);
  }

  /** A transaction of the provider is in a block. */
  mined(receipt: TransactionReceipt): void {
    const { logs } = receipt;
    for (const event of parseEventLogs({ abi: settlementAbi, eventName: "Settled", logs })) {
      const { epoch, grade, reward } = event.args;
      this.#settled.add(1, { grade: grades[grade] ?? "" });
      this.#earned.add(Number(formatEther(reward)), {});
      this.#settledEpoch.set(epoch, {});
    }
  }
}
