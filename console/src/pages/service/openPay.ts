import { RING } from "../../../../src/protocol/epoch.ts";
import type { ServiceEpochRow } from "../../model.ts";

/** Final epochs that are not settled, and their pay, BLOC in wei; undefined while it is not known. */
export interface OpenPay {
  epochs: number;
  pay: bigint | undefined;
  /** The first of them that pays, as far as it is known, or else the first: its pay is lost before any other. */
  first: number;
  /** The last epoch in which the first can be settled. */
  until: number;
}

/** What a settlement would pay to a service now. */
export function openPay(
  rows: readonly ServiceEpochRow[] | undefined,
  settledThrough: number,
  current: number,
): OpenPay {
  const epochs = Math.max(0, current - 2 - settledThrough);
  const open = (rows ?? []).filter(({ epoch, final }) => final && epoch > settledThrough);
  // Epochs that were not read may be paid, too.
  const isWhole = open.length === epochs && open.every(({ pay }) => pay !== undefined);
  const pay = isWhole ? open.reduce((sum, row) => sum + (row.pay ?? 0n), 0n) : undefined;
  // Epochs that the contract's ring has overwritten are lost already.
  const oldest = Math.max(settledThrough, current - RING) + 1;
  const paying = open.find((row) => row.epoch >= oldest && row.pay !== 0n)?.epoch;
  const first = (isWhole ? paying : undefined) ?? oldest;
  return { epochs, pay, first, until: first + RING - 1 };
}
