import type { ServiceEpochRow } from "../../model.ts";

/** Final epochs that are not settled, and their pay, BLOC in wei; undefined while it is not known. */
export interface OpenPay {
  epochs: number;
  pay: bigint | undefined;
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
  return { epochs, pay: isWhole ? open.reduce((sum, { pay = 0n }) => sum + pay, 0n) : undefined };
}
