import { formatEther, parseEventLogs, type TransactionReceipt } from "viem";
import type { Metrics } from "../node/metrics.ts";
import { settlementAbi } from "../protocol/abi/settlement.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { serviceStatuses, type ServiceStatus } from "../protocol/serviceStatus.ts";
import { grades } from "../protocol/tally.ts";
import type { SessionObserver } from "../sal/provider/sessionTable.ts";
import { bounds, type Bound } from "../net/peerBounds.ts";
import { PublicHttpMetrics } from "../net/publicHttpMetrics.ts";
import { PayMetrics, type ServicePayMetrics } from "./pay/metrics.ts";
import { problemCodes, type GatewayProblemCode } from "./gateway/problem.ts";

/** Bounds of the gateway's times, seconds: around the bounds of the launch classes' grades. */
const EXCHANGE_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
/** Repeated tasks: publishing by the lease, the others once per epoch. */
const TASKS = ["status", "publish", "announce", "settle"] as const;
export type BookkeepingTask = (typeof TASKS)[number];
/** Root services by number, sub-services by ID; the values come and go with the services. */
const SERVICE = { service: [] };
/** By the first digit of the status; the last one is for a client that left before. */
const STATUS_GROUPS = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
/** What happens to sessions of the SAL. */
const SESSION_EVENTS = ["opened", "orphaned", "resumed", "ended"];
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

/** The metrics of a provider's agent; each has the label `service`. */
export class ProviderMetrics {
  readonly requests;
  readonly seconds;
  readonly receipts;
  readonly problems;
  readonly connectionsRefused;
  readonly sessions;
  readonly challenges;
  readonly challengeOpen;
  readonly challengeDeadline;
  readonly status;
  readonly settled;
  readonly earned;
  readonly settledEpoch;
  readonly recordExpiry;
  readonly bookkeepingFailures;
  readonly relaysMissing;
  readonly up;
  readonly pay: PayMetrics;
  /** Of the servers that take leases of other instances. */
  readonly leases: PublicHttpMetrics;
  readonly #metrics: Metrics;
  readonly #services = new Map<string, ServiceMetrics>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.pay = new PayMetrics(metrics);
    this.leases = new PublicHttpMetrics(metrics);
    this.requests = metrics.counter(
      "blockcloud_gateway_requests_total",
      "Requests that have ended, by the class of their status; none: the client left first.",
      { ...SERVICE, status: STATUS_GROUPS },
    );
    this.seconds = metrics.histogram(
      "blockcloud_gateway_request_seconds",
      "Time from a request's head to the end of its response.",
      EXCHANGE_SECONDS,
      SERVICE,
    );
    this.receipts = metrics.counter(
      "blockcloud_gateway_receipts_total",
      "Receipts that were signed.",
      SERVICE,
    );
    this.problems = metrics.counter(
      "blockcloud_gateway_problems_total",
      "Requests that the gateway refused or gave up, by code.",
      { ...SERVICE, code: problemCodes },
    );
    this.connectionsRefused = metrics.counter(
      "blockcloud_gateway_connections_refused_total",
      "Connections that were closed at once, by the bound that was reached.",
      { ...SERVICE, bound: bounds },
    );
    this.sessions = metrics.counter(
      "blockcloud_gateway_sessions_total",
      "Sessions of the SAL that began, lost their connection, resumed, or ended.",
      { ...SERVICE, event: SESSION_EVENTS },
    );
    this.challengeOpen = metrics.gauge(
      "blockcloud_provider_challenge_open",
      "1 while a challenge of the service is open, else 0.",
      SERVICE,
    );
    this.challengeDeadline = metrics.gauge(
      "blockcloud_provider_challenge_deadline_timestamp_seconds",
      "Deadline of the open challenge, Unix seconds; NaN before it has a question.",
      SERVICE,
    );
    this.challenges = metrics.counter(
      "blockcloud_provider_challenges_total",
      "Challenges that have ended, by outcome.",
      { ...SERVICE, state: CHALLENGE_ENDS },
    );
    this.status = metrics.gauge(
      "blockcloud_provider_service_status",
      "1 for the current status of the service, 0 for the others.",
      { ...SERVICE, status: serviceStatuses },
    );
    this.settled = metrics.counter(
      "blockcloud_provider_epochs_settled_total",
      "Epochs that were settled, by the verdict's grade.",
      { ...SERVICE, grade: grades },
    );
    this.earned = metrics.counter(
      "blockcloud_provider_earned_bloc_total",
      "Pay of the epochs that were settled, BLOC.",
      SERVICE,
    );
    this.settledEpoch = metrics.gauge(
      "blockcloud_provider_newest_settled_epoch",
      "Newest epoch that was settled since the process began.",
      SERVICE,
    );
    this.recordExpiry = metrics.gauge(
      "blockcloud_provider_record_expiry_timestamp_seconds",
      "Expiry of the published endpoint record, Unix seconds.",
      SERVICE,
    );
    this.bookkeepingFailures = metrics.counter(
      "blockcloud_provider_bookkeeping_failures_total",
      "Tasks that failed and are tried again: publishing after seconds, the others in the next epoch.",
      { ...SERVICE, task: TASKS },
    );
    this.relaysMissing = metrics.gauge(
      "blockcloud_provider_relays_missing",
      "Relays of the service that do not lead clients to it now.",
      SERVICE,
    );
    this.up = metrics.gauge(
      "blockcloud_provider_service_up",
      "1 while the service is served and its tasks run, 0 while it cannot start.",
      SERVICE,
    );
  }

  /**
   * The metrics and the health check of a service.
   *
   * @param service A root service's number, or a sub-service's ID.
   */
  of(service: string): ServiceMetrics {
    const known = this.#services.get(service);
    if (known !== undefined) return known;
    this.#metrics.admit("service", service);
    const made = new ServiceMetrics(service, this);
    this.#services.set(service, made);
    this.#metrics.health.register(checkOf(service), () => made.reason);
    return made;
  }

  /** Removes a service's series and its health check. */
  forget(service: string): void {
    this.#services.delete(service);
    this.#metrics.health.unregister(checkOf(service));
    this.#metrics.dismiss("service", service);
  }

  /** A transaction of the agent is in a block. */
  mined(receipt: TransactionReceipt): void {
    const { logs } = receipt;
    for (const event of parseEventLogs({ abi: settlementAbi, eventName: "Settled", logs })) {
      const { number, epoch, grade, reward } = event.args;
      const service = number.toString();
      this.settled.add(1, { service, grade: grades[grade] ?? "" });
      this.earned.add(Number(formatEther(reward)), { service });
      this.settledEpoch.set(epoch, { service });
    }
  }
}

function checkOf(service: string): string {
  return `service_${service}`;
}

/** The metrics and the health of one service. */
export class ServiceMetrics implements GatewayObserver, SessionObserver {
  readonly pay: ServicePayMetrics;
  readonly #service: string;
  readonly #all: ProviderMetrics;
  readonly #faults = new Map<BookkeepingTask, string>();
  /** Frozen, because they are used for each request (see Metrics). */
  readonly #labels: Readonly<{ service: string }>;
  readonly #byStatus: readonly Readonly<{ service: string; status: string }>[];
  #failure: string | undefined;

  constructor(service: string, all: ProviderMetrics) {
    this.#service = service;
    this.#all = all;
    this.pay = all.pay.of(service);
    this.#labels = Object.freeze({ service });
    this.#byStatus = STATUS_GROUPS.map((status) => Object.freeze({ service, status }));
    all.challengeOpen.set(0, { service });
  }

  get leases(): PublicHttpMetrics {
    return this.#all.leases;
  }

  /** The reason for which the service is not well, without private data. */
  get reason(): string | undefined {
    return [this.#failure ?? [], ...this.#faults.values()].flat().join(", ") || undefined;
  }

  /** The service is served, and its tasks run. */
  running(): void {
    this.#failure = undefined;
    this.#all.up.set(1, { service: this.#service });
  }

  /** The service could not start; it is tried again. */
  failed(error: unknown): void {
    this.#failure = `cannot start: ${codeOf(error)}`;
    this.#all.up.set(0, { service: this.#service });
  }

  finished(status: number | undefined, seconds: number): void {
    const labels = this.#byStatus.at(status === undefined ? -1 : Math.floor(status / 100) - 1);
    if (labels !== undefined) this.#all.requests.add(1, labels);
    this.#all.seconds.observe(seconds, this.#labels);
  }

  receipt(): void {
    this.#all.receipts.add(1, this.#labels);
  }

  problem(code: GatewayProblemCode): void {
    this.#all.problems.add(1, { service: this.#service, code });
  }

  connectionRefused(bound: Bound): void {
    this.#all.connectionsRefused.add(1, { service: this.#service, bound });
  }

  opened(): void {
    this.#all.sessions.add(1, { service: this.#service, event: "opened" });
  }

  resumed(): void {
    this.#all.sessions.add(1, { service: this.#service, event: "resumed" });
  }

  orphaned(): void {
    this.#all.sessions.add(1, { service: this.#service, event: "orphaned" });
  }

  ended(): void {
    this.#all.sessions.add(1, { service: this.#service, event: "ended" });
  }

  /** A challenge is open; `deadline` in Unix seconds once it has its question. */
  challengeOpen(deadline: number | undefined): void {
    this.#all.challengeOpen.set(1, { service: this.#service });
    this.#all.challengeDeadline.set(deadline ?? NaN, { service: this.#service });
  }

  /** The open challenge has ended. */
  challengeClosed(state: string): void {
    this.#all.challengeOpen.set(0, { service: this.#service });
    this.#all.challengeDeadline.set(NaN, { service: this.#service });
    this.#all.challenges.add(1, { service: this.#service, state });
  }

  /** The service's newest status. */
  serviceStatus(now: ServiceStatus): void {
    for (const status of serviceStatuses)
      this.#all.status.set(status === now ? 1 : 0, { service: this.#service, status });
  }

  /** A record was published; it is valid until this time, Unix milliseconds. */
  published(expiresAt: bigint): void {
    this.#all.recordExpiry.set(Number(expiresAt) / 1000, { service: this.#service });
  }

  /** How many of the service's relays lead clients to it. */
  relays(reserved: number, wanted: number): void {
    this.#all.relaysMissing.set(wanted - reserved, { service: this.#service });
  }

  /** A task of the epoch's bookkeeping has ended; after a failure the worker is unhealthy until it succeeds. */
  bookkeeping(task: BookkeepingTask, error?: unknown): void {
    if (error === undefined) {
      this.#faults.delete(task);
      return;
    }
    this.#all.bookkeepingFailures.add(1, { service: this.#service, task });
    this.#faults.set(task, `${task} failed: ${codeOf(error)}`);
  }
}

/** The code identifies the entry in the log; a message may contain private data. */
function codeOf(error: unknown): string {
  return error instanceof BlockcloudError ? error.code : "an unexpected error";
}
