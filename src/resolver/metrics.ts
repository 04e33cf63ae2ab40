import type { Metrics } from "../node/metrics.ts";
import { resolveErrors } from "./answer.ts";

/** How full a resolver is. */
export interface ResolverLoad {
  entries: number;
  failures: number;
  waiting: number;
  watchers: number;
}

/** Events of a resolver, for metrics. */
export interface ResolverObserver {
  /** Lookups that were answered from memory; a plain number, because anything else would cost too much. */
  hits: number;
  /** A lookup on demand succeeded after a number of seconds. */
  fetched(seconds: number): void;
  /** A lookup failed with a code. */
  failed(code: string): void;
  /** A push of the record network changed the answer of a cached service. */
  pushed(): void;
  /** Called once a second. */
  load(load: ResolverLoad): void;
}

/** An observer that ignores all events. */
export function silentObserver(): ResolverObserver {
  return { hits: 0, fetched() {}, failed() {}, pushed() {}, load() {} };
}

/** A resolver's metrics. */
export class ResolverMetrics implements ResolverObserver {
  hits = 0;
  #counted = 0;
  readonly #answered;
  readonly #seconds;
  readonly #failures;
  readonly #pushes;
  readonly #held;

  constructor(metrics: Metrics) {
    this.#answered = metrics.counter(
      "blockcloud_resolver_answers_total",
      "Lookups that were answered, from memory or on demand.",
      { how: ["held", "demand"] },
    );
    this.#seconds = metrics.histogram(
      "blockcloud_resolver_demand_seconds",
      "Time of successful lookups on demand.",
      [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5],
    );
    this.#failures = metrics.counter(
      "blockcloud_resolver_failures_total",
      "Lookups that failed, by code.",
      { code: Object.values(resolveErrors) },
    );
    this.#pushes = metrics.counter(
      "blockcloud_resolver_pushes_total",
      "Records pushed by the record network that changed a held answer.",
    );
    this.#held = metrics.gauge(
      "blockcloud_resolver_held_entries",
      "What the resolver holds: services, remembered failures, waiting lookups, watchers.",
      { what: ["services", "failures", "waiting", "watchers"] },
    );
  }

  fetched(seconds: number): void {
    this.#answered.add(1, { how: "demand" });
    this.#seconds.observe(seconds, {});
  }

  failed(code: string): void {
    this.#failures.add(1, { code });
  }

  pushed(): void {
    this.#pushes.add(1, {});
  }

  load({ entries, failures, waiting, watchers }: ResolverLoad): void {
    this.#answered.add(this.hits - this.#counted, { how: "held" });
    this.#counted = this.hits;
    this.#held.set(entries, { what: "services" });
    this.#held.set(failures, { what: "failures" });
    this.#held.set(waiting, { what: "waiting" });
    this.#held.set(watchers, { what: "watchers" });
  }
}
