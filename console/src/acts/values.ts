/** Reads the values of a form. Each error names the field, the value and what to do. */
import { formatEther, getAddress, isAddress, parseEther, zeroAddress, type Address } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { isLabel } from "../../../src/protocol/label.ts";
import { parseProbe, type ProbeSpecification } from "../../../src/protocol/probe.ts";
import type { Values } from "./act.ts";

/** Longest value that is repeated in an error. */
const MAX_SHOWN = 60;

/** An error of one field of a form. */
export class FieldError extends BlockcloudError {
  readonly field: string;

  constructor(field: string, message: string, remedy: string) {
    super("FIELD_INVALID", message, { remedy });
    this.field = field;
  }
}

export function textOf(values: Values, name: string): string {
  return (values[name] ?? "").trim();
}

/** BLOC in wei, above 0. */
export function blocOf(values: Values, name: string): bigint {
  const text = textOf(values, name);
  if (!/^\d{1,11}(\.\d{1,18})?$/.test(text) || parseEther(text) === 0n) {
    throw invalid(name, text, "no amount of BLOC", "Give an amount above 0, for example 12.5.");
  }
  return parseEther(text);
}

/** The number of a service. */
export function serviceOf(values: Values, name = "service"): bigint {
  const text = textOf(values, name);
  if (!/^[1-9]\d{0,18}$/.test(text)) {
    throw invalid(
      name,
      text,
      "no number of a service",
      "Give the number of a service, for example 7.",
    );
  }
  return BigInt(text);
}

export function wholeOf(values: Values, name: string): number {
  const text = textOf(values, name);
  if (!/^\d{1,9}$/.test(text)) {
    throw invalid(name, text, "no whole number", "Give a whole number, for example 12.");
  }
  return Number(text);
}

/** An address with a key: not the zero address. */
export function addressOf(values: Values, name: string): Address {
  const text = textOf(values, name);
  const isMixed = /[a-f]/.test(text.slice(2)) && /[A-F]/.test(text.slice(2));
  if (!isAddress(text, { strict: isMixed }) || text === zeroAddress) {
    const remedy = "Give 0x and 40 hexadecimal digits; in mixed case they are a checksum.";
    throw invalid(name, text, "no address", remedy);
  }
  return getAddress(text);
}

export function labelOf(values: Values, name: string): string {
  const text = textOf(values, name);
  if (isLabel(text)) return text;
  throw invalid(
    name,
    text,
    "no label",
    "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last; not: id.",
  );
}

/** A probe specification, as JSON. */
export function probeOf(values: Values, name: string): ProbeSpecification {
  const text = textOf(values, name);
  try {
    return parseProbe(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof BlockcloudError)) throw error;
    const remedy = 'Give a probe specification, for example {"v":1,"requests":[{"path":"/"}]}.';
    throw new FieldError(name, error.message.slice(0, 300), remedy);
  }
}

/** Refuses a text that is longer in bytes. */
export function boundedOf(values: Values, name: string, most: number): string {
  const text = textOf(values, name);
  const length = new TextEncoder().encode(text).length;
  if (length <= most) return text;
  throw new FieldError(name, `The text has ${length} bytes.`, `Shorten it to ${most} bytes.`);
}

/** An amount for people. */
export function bloc(wei: bigint): string {
  return `${formatEther(wei)} BLOC`;
}

function invalid(field: string, text: string, what: string, remedy: string): FieldError {
  const value = text === "" ? "Nothing" : `"${text.slice(0, MAX_SHOWN)}"`;
  return new FieldError(field, `${value} is ${what}.`, remedy);
}
