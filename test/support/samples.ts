import type { Metrics } from "../../src/node/metrics.ts";

/** The value of one series, as a scraper reads it; undefined where there is none. */
export async function sample(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const { text } = await metrics.expose();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  for (const line of text.split("\n")) {
    const [, found, set = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found === name && wanted.every((pair) => set.split(",").includes(pair))) {
      return Number(value);
    }
  }
  return undefined;
}
