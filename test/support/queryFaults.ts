import { parsePromql } from "./promql.ts";
import { metricOf, workerMetrics } from "./workerMetrics.ts";

const known = workerMetrics();
/** Metrics that Prometheus makes, and that Node measures of itself. */
const FOREIGN = /^(up|process_\w+|nodejs_\w+)$/;
/** Labels that Prometheus adds, and the one of a histogram's buckets. */
const ADDED = new Set(["job", "instance", "le"]);

/** What is wrong with an expression: its syntax, or a metric, label or value that no worker has. */
export function queryFaults(expression: string): string[] {
  const { errors, metrics } = parsePromql(expression);
  const faults = metrics.flatMap(({ name, labels, matchers }) => {
    if (FOREIGN.test(name)) return [];
    const metric = metricOf(name, known);
    if (metric === undefined) return [`no metric ${name}`];
    const wrong = labels
      .filter((label) => !ADDED.has(label) && !(label in metric.labels))
      .map((label) => `${name} has no label ${label}`);
    const strange = matchers
      .filter(({ label }) => !ADDED.has(label))
      .flatMap(({ label, value }) =>
        value
          .split("|")
          .filter((one) => metric.labels[label]?.includes(one) === false)
          .map((one) => `${label} of ${name} is never ${one}`),
      );
    return [...wrong, ...strange];
  });
  return [...errors.map((error) => `syntax at ${error}`), ...faults];
}

/** The workers' metrics that an expression asks for. */
export function metricsIn(expression: string): string[] {
  return parsePromql(expression).metrics.flatMap(({ name }) => metricOf(name, known)?.name ?? []);
}
