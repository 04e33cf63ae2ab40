/** Median, 99th percentile and maximum of a list of figures, by nearest rank. */
export interface Quantiles {
  p50: number;
  p99: number;
  max: number;
}

/** The quantile of sorted figures, by nearest rank; NaN for an empty list. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = Float64Array.from(figures).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** The quantiles of a distribution. */
export function quantiles(figures: readonly number[]): Quantiles {
  return { p50: quantile(figures, 0.5), p99: quantile(figures, 0.99), max: quantile(figures, 1) };
}

/** The median; for an even number of figures, the lower of the two middle ones. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The mean; NaN for an empty list. */
export function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}

/** Rounds a figure to a number of decimals. */
export function rounded(figure: number, decimals = 0): number {
  return Math.round(figure * 10 ** decimals) / 10 ** decimals;
}

/** Rounds quantiles to a number of decimals. */
export function roundedQuantiles({ p50, p99, max }: Quantiles, decimals: number): Quantiles {
  return { p50: rounded(p50, decimals), p99: rounded(p99, decimals), max: rounded(max, decimals) };
}
