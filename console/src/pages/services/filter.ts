import { waysOf } from "../../chain/records.ts";
import type { ServiceRow } from "../../model.ts";
import type { Grade } from "@protocol/tally.ts";

/** What services are looked for; "" is all. */
export interface Filter {
  text: string;
  kind: string;
  status: string;
  grade: string;
  way: string;
}

/** The filter in an address. */
export function filterOf(query: URLSearchParams): Filter {
  const read = (name: string) => (query.get(name) ?? "").slice(0, 80);
  return {
    text: read("text"),
    kind: read("kind"),
    status: read("status"),
    grade: read("grade"),
    way: read("way"),
  };
}

/** Whether a service is looked for. */
export function matches(row: ServiceRow, filter: Filter): boolean {
  return (
    matchesText(row, filter.text.trim().toLowerCase()) &&
    (filter.kind === "" || row.kind?.name === filter.kind) &&
    (filter.status === "" || (row.status === "Active") === (filter.status === "Active")) &&
    matchesGrade(lastGrade(row), filter.grade) &&
    (filter.way === "" || wayOf(row) === filter.way)
  );
}

/** The newest verdict with a quorum. */
export function lastGrade({ verdicts }: ServiceRow): Grade | undefined {
  const last = verdicts.findLast(
    ({ verdict }) => verdict !== null && verdict !== undefined,
  )?.verdict;
  return last ?? undefined;
}

/** How clients reach a service. */
export function wayOf({ endpoints }: ServiceRow): "direct" | "relayed" | "none" {
  if (endpoints === undefined || endpoints.length === 0) return "none";
  return waysOf(endpoints).isRelayed ? "relayed" : "direct";
}

/** The bound that the last grade stands for, milliseconds to the last byte: the auditors' median was below it. */
export function latencyBound(row: ServiceRow): number | undefined {
  const grade = lastGrade(row);
  if (row.kind === undefined || grade === undefined || grade === 0) return undefined;
  return [0, row.kind.poorMs, row.kind.goodMs, row.kind.excellentMs][grade];
}

function matchesText(row: ServiceRow, text: string): boolean {
  if (text === "") return true;
  const number = text.replace(/^#/, "");
  if (/^\d+$/.test(number)) return row.number.toString().startsWith(number);
  const label = text.replace(/\.bloc\.alt\.?$/, "");
  return [row.label ?? "", row.metadata.slice(0, 512), row.owner, row.id].some((value) =>
    value.toLowerCase().includes(label),
  );
}

function matchesGrade(grade: Grade | undefined, wanted: string): boolean {
  if (wanted === "") return true;
  if (grade === undefined) return false;
  return wanted === "0" ? grade === 0 : grade >= Number(wanted);
}
