import { cpus, totalmem } from "node:os";

/** A figure for which the project has set a bound. */
export interface Target {
  name: string;
  value: number;
  unit: string;
  limit: number;
  better: "lower" | "higher";
  ok: boolean;
}

/** A table for display. */
export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** The results of a benchmark. */
export interface Outcome {
  /** Results as JSON. */
  results: Record<string, unknown>;
  tables: readonly Table[];
  targets: readonly Target[];
}

/** A benchmark; it reports progress to `say`. */
export interface Benchmark {
  run(say: (message: string) => void): Promise<Outcome>;
}

/** A bound that must not be exceeded. */
export function atMost(name: string, value: number, unit: string, limit: number): Target {
  return { name, value, unit, limit, better: "lower", ok: value <= limit };
}

/** A bound that must be reached. */
export function atLeast(name: string, value: number, unit: string, limit: number): Target {
  return { name, value, unit, limit, better: "higher", ok: value >= limit };
}

/** The machine on which the figures were measured. */
export function machine() {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? "unknown",
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** The last line of `--json`. */
export function toJson(bench: string, { results, targets }: Outcome): string {
  return JSON.stringify({ bench, machine: machine(), results, targets });
}

/** Formats tables and targets as text. */
export function toText({ tables, targets }: Outcome): string {
  const { cpu, cores, memoryGiB, node } = machine();
  const verdicts: Table = {
    title: "Targets",
    columns: ["target", "measured", "bound", "unit", ""],
    rows: targets.map(({ name, value, unit, limit, better, ok }) => [
      name,
      value,
      `${better === "lower" ? "<=" : ">="} ${grouped(limit)}`,
      unit,
      ok ? "ok" : "MISSED",
    ]),
  };
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}`,
    ...[...tables, ...(targets.length > 0 ? [verdicts] : [])].map(render),
  ].join("\n\n");
}

function render({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => grouped(cell)))];
  const isNumber = columns.map((_, column) =>
    rows.every((row) => typeof row[column] === "number" || row[column] === ""),
  );
  const widths = columns.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map((row) =>
    columns
      .map((_, column) => {
        const [cell, width] = [row[column] ?? "", widths[column] ?? 0];
        return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [title, ...lines.slice(0, 1), rule, ...lines.slice(1)].join("\n");
}

/** Formats figures with separated thousands, and text unchanged. */
function grouped(cell: string | number): string {
  return typeof cell === "number" ? cell.toLocaleString("en-US") : cell;
}
