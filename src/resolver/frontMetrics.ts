import type { Metrics } from "../node/metrics.ts";
import { rcodes } from "./dns/codes.ts";
import { transports, type DnsObserver, type Transport } from "./dns/tally.ts";
import type { HttpObserver } from "./http/observer.ts";

/** From the time of a lookup in memory to the longest that clients wait, seconds. */
const BUCKETS = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** Frozen, so that `Metrics` checks it once. */
const NO_LABELS = Object.freeze({});
const CLASSES = ["2xx", "3xx", "4xx", "5xx"];

/** Metrics of the DNS front. */
export class DnsMetrics implements DnsObserver {
  readonly #answers;
  readonly #seconds;
  readonly #limited;
  readonly #connections;

  constructor(metrics: Metrics) {
    this.#answers = metrics.counter(
      "blockcloud_dns_answers_total",
      "DNS responses by transport and response code.",
      { transport: [...transports], rcode: Object.keys(rcodes) },
    );
    this.#seconds = metrics.histogram(
      "blockcloud_dns_answer_seconds",
      "Time to a DNS response; sent: one of 64 that were cached, found: all that needed a lookup.",
      BUCKETS,
      { way: ["sent", "found"] },
    );
    this.#limited = metrics.counter(
      "blockcloud_dns_limited_total",
      "DNS responses over UDP that a network's rate truncated or dropped.",
      { outcome: ["truncated", "dropped"] },
    );
    this.#connections = metrics.gauge(
      "blockcloud_dns_connections_open",
      "Open TCP connections of DNS clients.",
    );
    this.#connections.set(0, {});
  }

  answered(transport: Transport, rcode: string, count: number): void {
    this.#answers.add(count, { transport, rcode });
  }

  took(way: "sent" | "found", seconds: number): void {
    this.#seconds.observe(seconds, { way });
  }

  limited(outcome: "truncated" | "dropped", count: number): void {
    this.#limited.add(count, { outcome });
  }

  connections(open: number): void {
    this.#connections.set(open, {});
  }
}

/** Metrics of the HTTP front. */
export class HttpMetrics implements HttpObserver {
  /** Responses by class since the last exposition, then those of no class: a counter takes as long as a lookup. */
  readonly #answered = new Float64Array(CLASSES.length + 1);
  readonly #requests;
  readonly #seconds;
  readonly #watches;
  readonly #cut;

  constructor(metrics: Metrics) {
    this.#requests = metrics.counter(
      "blockcloud_resolver_requests_total",
      "HTTP requests to the resolver that were answered, by the class of their status.",
      { status: CLASSES },
    );
    this.#seconds = metrics.histogram(
      "blockcloud_resolver_request_seconds",
      "Time from the head of an HTTP request to the head of its response.",
      BUCKETS,
    );
    this.#watches = metrics.gauge(
      "blockcloud_resolver_watches_open",
      "Clients that watch names over HTTP.",
    );
    this.#watches.set(0, {});
    this.#cut = metrics.counter(
      "blockcloud_resolver_watches_cut_total",
      "Watches that were ended because their clients did not read.",
    );
    metrics.beforeExposition(() => {
      this.#answered.forEach((count, at) => {
        if (count > 0) this.#requests.add(count, { status: CLASSES[at] ?? "other" });
      });
      this.#answered.fill(0);
    });
  }

  answered(status: number, seconds: number): void {
    const known = Math.floor(status / 100) - 2;
    const at = known >= 0 && known < CLASSES.length ? known : CLASSES.length;
    this.#answered[at] = (this.#answered[at] ?? 0) + 1;
    this.#seconds.observe(seconds, NO_LABELS);
  }

  watches(open: number): void {
    this.#watches.set(open, {});
  }

  cut(): void {
    this.#cut.add(1, {});
  }
}
