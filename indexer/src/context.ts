import type { Context } from "ponder:registry";
import { epochAt } from "@protocol/epoch.ts";
import { deployment } from "./settings.ts";

export type Db = Context["db"];

/** The parts of an event that every row needs. */
export interface Source {
  log: { logIndex: number };
  block: { number: bigint; timestamp: bigint };
  transaction: { hash: `0x${string}` };
}

/** Names an event by its place on the chain; later events have higher texts. */
export function idOf({ block, log }: Source): string {
  return `${String(block.number).padStart(12, "0")}-${String(log.logIndex).padStart(6, "0")}`;
}

/** The epoch of a time, Unix seconds; 0 before the clock began. */
export function epochOf(time: bigint): number {
  return Math.max(0, epochAt(deployment, Number(time)));
}

/** Columns that name the place of an event. */
export function placeOfEvent({ block, transaction }: Source) {
  return { time: block.timestamp, block: block.number, transaction: transaction.hash };
}

/** Days of UTC since 1970. */
export function dayOf(time: bigint): number {
  return Number(time / 86_400n);
}

/** Number of the root service of an ID. */
export function numberOf(serviceId: `0x${string}`): bigint {
  return BigInt(serviceId) >> 192n;
}

/**
 * A stranger's text as a database can store it: without the character 0, which Postgres has not, and without a byte order
 * mark at its beginning, which PGlite drops when it reads a value. Both become U+FFFD, as bytes that are no UTF-8 do.
 */
export function storable(text: string, maximum: number): string {
  return text
    .replaceAll("\0", "\uFFFD")
    .replace(/^\uFEFF/, "\uFFFD")
    .slice(0, maximum);
}
