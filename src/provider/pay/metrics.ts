import type { CollectorObserver } from "../../cashier/collector/observer.ts";
import { cashierErrors } from "../../cashier/errors.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { ReviewObserver } from "../gateway/pay/reviewer.ts";

/** Root services by number; the values come and go with the services. */
const SERVICE = { service: [] };
const OUTCOMES = ["paid", "skipped"];
const REVIEWS = ["vanished", "lost"];

/** How the payments of a service stand. Amounts are BLOC in wei. */
export interface PayState {
  tabs: number;
  exposure: bigint;
  exposureLimit: bigint;
  /** Of graded vouchers. */
  waiting: bigint;
  /** Transfers over HTTP that are not settled. */
  pending: number;
}

/** The metrics of the payments of an agent's services; each has the label `service`. */
export class PayMetrics {
  readonly charged;
  readonly credited;
  readonly redeemed;
  readonly redemptions;
  readonly refusals;
  readonly reviews;
  readonly #tabs;
  readonly #exposure;
  readonly #exposureLimit;
  readonly #waiting;
  readonly #pending;
  readonly #states = new Map<string, () => PayState>();

  constructor(metrics: Metrics) {
    this.charged = metrics.counter(
      "blockcloud_pay_charged_bloc_total",
      "Use that was charged to tabs, BLOC.",
      SERVICE,
    );
    this.credited = metrics.counter(
      "blockcloud_pay_credited_bloc_total",
      "What vouchers on disk cover, BLOC.",
      SERVICE,
    );
    this.redeemed = metrics.counter(
      "blockcloud_pay_redeemed_bloc_total",
      "What redemptions on chain have paid, before the fee, BLOC.",
      SERVICE,
    );
    this.redemptions = metrics.counter(
      "blockcloud_pay_redemptions_total",
      "Vouchers that were sent to the chain, by outcome.",
      { ...SERVICE, outcome: OUTCOMES },
    );
    this.refusals = metrics.counter(
      "blockcloud_pay_refusals_total",
      "Tabs and vouchers that were refused, by code.",
      { ...SERVICE, code: Object.values(cashierErrors) },
    );
    this.reviews = metrics.counter(
      "blockcloud_pay_transfers_reorganised_total",
      "Settled transfers that a reorganisation took from the chain, and those of them that were lost.",
      { ...SERVICE, outcome: REVIEWS },
    );
    this.#tabs = metrics.gauge(
      "blockcloud_pay_tabs_open",
      "Tabs that the collector holds.",
      SERVICE,
    );
    this.#exposure = metrics.gauge(
      "blockcloud_pay_exposure_bloc",
      "Vouchers that payers can void by a withdrawal, because their tabs are not open on chain, BLOC.",
      SERVICE,
    );
    this.#exposureLimit = metrics.gauge(
      "blockcloud_pay_exposure_limit_bloc",
      "The most that may be unsecured, BLOC.",
      SERVICE,
    );
    this.#waiting = metrics.gauge(
      "blockcloud_pay_waiting_bloc",
      "Graded vouchers that wait for their verdicts, BLOC.",
      SERVICE,
    );
    this.#pending = metrics.gauge(
      "blockcloud_pay_settlements_open",
      "Transfers over HTTP that are not settled yet.",
      SERVICE,
    );
    metrics.beforeExposition(() => {
      for (const [service, read] of this.#states) this.#sample(service, read());
    });
  }

  /** The metrics of a service. */
  of(service: string): ServicePayMetrics {
    return new ServicePayMetrics(service, this);
  }

  /** Reads a service's state at each exposition, until the returned function is called. */
  watch(service: string, read: () => PayState): () => void {
    this.#states.set(service, read);
    return () => {
      if (this.#states.get(service) === read) this.#states.delete(service);
    };
  }

  #sample(service: string, state: PayState): void {
    const labels = { service };
    this.#tabs.set(state.tabs, labels);
    this.#exposure.set(bloc(state.exposure), labels);
    this.#exposureLimit.set(bloc(state.exposureLimit), labels);
    this.#waiting.set(bloc(state.waiting), labels);
    this.#pending.set(state.pending, labels);
  }
}

/** The metrics of the payments of one service. */
export class ServicePayMetrics implements CollectorObserver, ReviewObserver {
  readonly #service: string;
  readonly #all: PayMetrics;
  /** Frozen, because they are used for each charge (see Metrics). */
  readonly #labels: Readonly<{ service: string }>;

  constructor(service: string, all: PayMetrics) {
    this.#service = service;
    this.#all = all;
    this.#labels = Object.freeze({ service });
  }

  charged(amount: bigint): void {
    this.#all.charged.add(bloc(amount), this.#labels);
  }

  credited(amount: bigint): void {
    this.#all.credited.add(bloc(amount), this.#labels);
  }

  refused(code: string): void {
    this.#all.refusals.add(1, { service: this.#service, code });
  }

  redeemed({ amount, paid, skipped }: { amount: bigint; paid: number; skipped: number }): void {
    const service = this.#service;
    this.#all.redeemed.add(bloc(amount), this.#labels);
    this.#all.redemptions.add(paid, { service, outcome: "paid" });
    this.#all.redemptions.add(skipped, { service, outcome: "skipped" });
  }

  vanished(): void {
    this.#all.reviews.add(1, { service: this.#service, outcome: "vanished" });
  }

  lost(): void {
    this.#all.reviews.add(1, { service: this.#service, outcome: "lost" });
  }

  /** Reads the state at each exposition, until the returned function is called. */
  watch(read: () => PayState): () => void {
    return this.#all.watch(this.#service, read);
  }
}

/** Near enough for a metric, and cheap: it is called for each charge. */
function bloc(amount: bigint): number {
  return Number(amount) / 1e18;
}
