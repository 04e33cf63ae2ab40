import { formatEther } from "viem";

/** Formats a table with aligned columns and two blanks between them. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows].map((row) => line(row, widths, right)).join("\n");
}

/** Formats one line of a table with given column widths. */
export function line(
  cells: readonly string[],
  widths: readonly number[],
  right: readonly number[] = [],
): string {
  return cells
    .map((cell, column) => {
      const width = widths[column] ?? 0;
      return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
    })
    .join("  ")
    .trimEnd();
}

/** Formats names and values, one per line; undefined values are left out. */
export function facts(items: readonly (readonly [string, string | undefined])[]): string {
  const shown = items.filter((item): item is [string, string] => item[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}

/** Formats an amount of BLOC or ether with a maximum number of decimals, rounded down. */
export function amount(wei: bigint, decimals = 4): string {
  const [whole = "0", fraction = ""] = formatEther(wei).split(".");
  const digits = fraction.slice(0, decimals).replace(/0+$/, "");
  return digits === "" ? whole : `${whole}.${digits}`;
}

/** Formats a time in UTC, to the second. */
export function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Formats epochs as ranges: `3, 5-8`; only the newest ranges if there are many. */
export function epochRanges(epochs: readonly number[], most = 6): string {
  const ranges: [number, number][] = [];
  for (const epoch of epochs) {
    const last = ranges.at(-1);
    if (last?.[1] === epoch - 1) last[1] = epoch;
    else ranges.push([epoch, epoch]);
  }
  const shown = ranges
    .slice(-most)
    .map(([from, to]) => (from === to ? String(from) : `${from}-${to}`))
    .join(", ");
  return ranges.length > most ? `..., ${shown}` : shown;
}
