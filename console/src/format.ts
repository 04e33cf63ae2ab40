import type { Verdict } from "../../src/protocol/tally.ts";

const WEI = 10n ** 18n;

/** An amount in BLOC, rounded down, with thousands apart. */
export function bloc(wei: bigint, digits = 2): string {
  const sign = wei < 0n ? "-" : "";
  const positive = wei < 0n ? -wei : wei;
  const whole = (positive / WEI).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  if (digits === 0) return sign + whole;
  const part = (positive % WEI).toString().padStart(18, "0").slice(0, digits);
  return `${sign}${whole}.${part}`;
}

/** An amount in BLOC with all its digits, for files. */
export function exactBloc(wei: bigint): string {
  const sign = wei < 0n ? "-" : "";
  const positive = wei < 0n ? -wei : wei;
  const part = (positive % WEI).toString().padStart(18, "0").replace(/0+$/, "");
  return `${sign}${positive / WEI}${part === "" ? "" : `.${part}`}`;
}

/** A whole number with thousands apart. */
export function count(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number of things with their name: "1 epoch", "2 epochs". */
export function many(value: number | bigint, thing: string): string {
  return `${count(value)} ${thing}${BigInt(value) === 1n ? "" : "s"}`;
}

/** A share as a percentage. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  // Rounded down: a share that is not whole is never 100%.
  const value = Math.floor((1_000 * part) / whole) / 10;
  return `${value === 100 || part === 0 ? value.toFixed(0) : value.toFixed(1)}%`;
}

/** A length of time in its two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: [string, number][] = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return "0 s";
  const [name, size] = units[first] ?? ["s", 1];
  const rest = units[first + 1];
  const head = `${Math.floor(whole / size)} ${name}`;
  const left = whole % size;
  if (rest === undefined || first > 2) return head;
  const tail = Math.floor(left / rest[1]);
  return tail === 0 ? head : `${head} ${tail} ${rest[0]}`;
}

/** A bound of time, as people say it. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 1_000 ? `${count(value)} ms` : `${(value / 1_000).toFixed(1)} s`;
}

/** A moment in UTC by ISO 8601; undefined for one that no calendar has, which a stranger may name. */
export function iso(seconds: number): string | undefined {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A date and a time in UTC. */
export function utc(seconds: number): string {
  const text = iso(seconds);
  return text === undefined ? NO_DATE : `${text.replace(/\.\d+Z$/, "").replace("T", " ")} UTC`;
}

/** A day in UTC, as in a statement. */
export function day(seconds: number): string {
  return iso(seconds)?.replace(/T.*$/, "") ?? NO_DATE;
}

const NO_DATE = "no date";

/** The two ends of an address or ID. */
export function short(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

const words = ["Failed", "Poor", "Good", "Excellent"] as const;

/** A verdict in a word. */
export function gradeWord(verdict: Verdict): string {
  return verdict === null ? "No quorum" : words[verdict];
}
