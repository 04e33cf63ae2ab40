interface Series {
  labels: Readonly<Record<string, string>>;
  /** Observations by the first bound that they do not exceed; the last number counts those above all bounds. */
  counts: Float64Array;
  sum: number;
}

/**
 * A histogram for prom-client's registry, in plain numbers. prom-client's own keys series and buckets by texts: an
 * observation then takes longer than the lookup that it times.
 */
export class Histogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  /**
   * @param bounds The upper bounds of the buckets, in ascending order.
   * @param isPlain Whether it has no labels: then its series begins at 0.
   */
  constructor(name: string, help: string, bounds: readonly number[], isPlain: boolean) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    if (isPlain) this.#of({});
  }

  /**
   * @param labels Their order is the same in all calls.
   * @throws TypeError for NaN and infinity, which no sum survives.
   */
  observe(labels: Readonly<Record<string, string>>, value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${this.name} cannot count ${value}`);
    const series = this.#of(labels);
    let bucket = 0;
    // Most values are in the first buckets, and there are few.
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
  }

  /** Removes a series. */
  remove(labels: Readonly<Record<string, string>>): void {
    this.#series.delete(keyOf(labels));
  }

  /** As the registry reads it; buckets are cumulative. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#series.values()].flatMap((series) => this.#lines(series));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  #lines({ labels, counts, sum }: Series): { metricName: string; labels: object; value: number }[] {
    const { name } = this;
    let count = 0;
    const buckets = [...this.#bounds, "+Inf"].map((le, at) => {
      count += counts[at] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }

  #of(labels: Readonly<Record<string, string>>): Series {
    const key = keyOf(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
      this.#series.set(key, series);
    }
    return series;
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  let key = "";
  for (const name in labels) key += `${labels[name] ?? ""}\0`;
  return key;
}
