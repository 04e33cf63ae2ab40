import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from "prom-client";
import { Health } from "./health.ts";
import { Histogram } from "./histogram.ts";

/** Labels of a metric with their declared values. */
export type LabelValues = Readonly<Record<string, readonly string[]>>;
type NoLabels = Record<string, never>;
/** Values of a metric's labels. */
export type Labels<L extends LabelValues> = { readonly [K in keyof L]: string };

/** A counter: a number that only grows. */
export interface CounterMetric<L extends LabelValues> {
  /** @param amount A bigint is rounded to a double. */
  add(amount: number | bigint, labels: Labels<L>): void;
}

/** A gauge: a number that rises and falls. */
export interface GaugeMetric<L extends LabelValues> {
  set(value: number | bigint, labels: Labels<L>): void;
}

/** A histogram. */
export interface HistogramMetric<L extends LabelValues> {
  observe(value: number, labels: Labels<L>): void;
}

/** The declaration of a metric. */
export interface MetricEntry {
  type: "counter" | "gauge" | "histogram";
  name: string;
  help: string;
  labels: LabelValues;
}

/** The value that replaces undeclared label values. */
const OTHER = "other";

/** A metric of the library, with the labels that were declared for it. */
interface Family {
  labels: LabelValues;
  metric: { remove(labels: Record<string, string>): void };
  /** Begins a counter at 0. */
  begin?: (labels: Record<string, string>) => void;
}

/**
 * The metrics and health of a process. It has its own registry instead of the library's global one, so that workers in
 * one process stay separate. Names follow Prometheus: `blockcloud_`, snake case, the unit last (`_seconds`, `_bloc`,
 * `_wei`, `_epoch`), `_total` for counters.
 *
 * A label has its declared values and `other` for all else, so that strangers cannot create endless series. Counters
 * begin at 0 with every declared value, because a rate needs the zero. Values that come and go while the process
 * runs, for example the services of an agent, are added by `admit` and removed by `dismiss`.
 */
export class Metrics {
  readonly health = new Health();
  readonly logLinesDropped: CounterMetric<NoLabels>;
  readonly #registry = new Registry();
  readonly #catalogue: MetricEntry[] = [];
  readonly #families: Family[] = [];
  readonly #counted: (() => void)[] = [];
  /** Values that were admitted, by their label. */
  readonly #admitted = new Map<string, Set<string>>();
  /**
   * By a metric's declared labels, the checked labels of frozen objects: a caller that passes the same object again
   * saves the check, which costs as much as the metric itself.
   */
  #checked = new WeakMap<LabelValues, WeakMap<object, Record<string, string>>>();

  /** @param worker The kind of process: `auditor`, `provider`, `keeper`. */
  constructor(worker: string) {
    collectDefaultMetrics({ register: this.#registry });
    const info = this.gauge(
      "blockcloud_worker_info",
      "Always 1; the label is the kind of process.",
      {
        worker: [worker],
      },
    );
    info.set(1, { worker });
    this.logLinesDropped = this.counter(
      "blockcloud_log_lines_dropped_total",
      "Log lines that were dropped because the log was not read fast enough.",
    );
  }

  /** Adds a counter. */
  counter<L extends LabelValues = NoLabels>(
    name: string,
    help: string,
    labels: L = {} as L,
  ): CounterMetric<L> {
    const metric = new Counter({ ...this.#describe("counter", name, help, labels) });
    const begin = (combination: Record<string, string>) => {
      metric.inc(combination, 0);
    };
    combinations(labels).forEach(begin);
    this.#families.push({ labels, metric, begin });
    return {
      add: (amount, values) => {
        metric.inc(this.#bounded(labels, values), Number(amount));
      },
    };
  }

  /**
   * Adds a gauge. Without a value it is NaN, with which every comparison of an alert is false.
   *
   * @param read Returns the value at each scrape; for gauges without labels.
   */
  gauge<L extends LabelValues = NoLabels>(
    name: string,
    help: string,
    labels: L = {} as L,
    read?: () => number | undefined,
  ): GaugeMetric<L> {
    const metric = new Gauge({
      ...this.#describe("gauge", name, help, labels),
      ...(read && {
        collect() {
          this.set(read() ?? NaN);
        },
      }),
    });
    if (Object.keys(labels).length === 0) metric.set(NaN);
    this.#families.push({ labels, metric });
    return {
      set: (value, values) => {
        metric.set(this.#bounded(labels, values), Number(value));
      },
    };
  }

  /** Adds a histogram. */
  histogram<L extends LabelValues = NoLabels>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: L = {} as L,
  ): HistogramMetric<L> {
    this.#catalogue.push({ type: "histogram", name, help, labels });
    const metric = new Histogram(name, help, buckets, Object.keys(labels).length === 0);
    // The registry calls `get`; the type lists prom-client's own classes.
    this.#registry.registerMetric(metric as unknown as Metric);
    this.#families.push({ labels, metric });
    return {
      observe: (value, values) => {
        metric.observe(this.#bounded(labels, values), value);
      },
    };
  }

  /** Adds a value to a label, in all metrics that have the label; their counters begin at 0. */
  admit(label: string, value: string): void {
    const values = this.#admitted.get(label) ?? new Set();
    this.#admitted.set(label, values.add(value));
    this.#checked = new WeakMap();
    for (const { labels, begin } of this.#families) {
      if (begin !== undefined && label in labels)
        combinations({ ...labels, [label]: [value] }).forEach(begin);
    }
  }

  /** Removes a value that was admitted, with all its series: a gauge would keep its last value for ever. */
  dismiss(label: string, value: string): void {
    this.#admitted.get(label)?.delete(value);
    this.#checked = new WeakMap();
    for (const { labels, metric } of this.#families) {
      if (!(label in labels)) continue;
      const possible = Object.entries(labels).map(([name, values]) => [name, [...values, OTHER]]);
      for (const combination of combinations({
        ...(Object.fromEntries(possible) as LabelValues),
        [label]: [value],
      })) {
        metric.remove(combination);
      }
    }
  }

  /** Calls a function before each exposition, which adds what is counted in plain numbers to its metrics. */
  beforeExposition(add: () => void): void {
    this.#counted.push(add);
  }

  /** All metrics in Prometheus' text format, and its media type. */
  async expose(): Promise<{ text: string; contentType: string }> {
    for (const add of this.#counted) add();
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** The metrics of this package, without Node's own. */
  get catalogue(): readonly MetricEntry[] {
    return this.#catalogue;
  }

  #describe(type: MetricEntry["type"], name: string, help: string, labels: LabelValues) {
    this.#catalogue.push({ type, name, help, labels });
    return { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
  }

  #bounded(declared: LabelValues, given: Readonly<Record<string, string>>): Record<string, string> {
    const known = this.#checked.get(declared)?.get(given);
    if (known !== undefined) return known;
    const checked = Object.fromEntries(
      Object.entries(declared).map(([label, values]) => {
        const value = given[label] ?? OTHER;
        const isKnown = values.includes(value) || this.#admitted.get(label)?.has(value) === true;
        return [label, isKnown ? value : OTHER];
      }),
    );
    if (Object.isFrozen(given)) {
      const ofMetric = this.#checked.get(declared) ?? new WeakMap<object, Record<string, string>>();
      this.#checked.set(declared, ofMetric.set(given, checked));
    }
    return checked;
  }
}

/** The metrics of a process, with those of Node itself (`process_`, `nodejs_`). */
export function createMetrics(worker: string): Metrics {
  return new Metrics(worker);
}

/** Every combination of the declared values. */
function combinations(labels: LabelValues): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [label, values]) =>
      all.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}
