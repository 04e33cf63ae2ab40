/** A change counts from this many epochs after the current one. */
export const HORIZON = 2;

/** A deployment's epochs; all values in seconds. */
export interface EpochTiming {
  /** Start of epoch 0, Unix seconds. */
  genesis: number;
  epochSeconds: number;
}

/** Number of epochs in the contracts' rings; an entry is reused after this many epochs. */
export const RING = 256;

/** Distinguishes epochs that share a ring entry; repeats after 2^20 epochs. */
export function ringTag(epoch: number): bigint {
  return BigInt(Math.floor(epoch / RING) % 4096);
}

/** The epoch of a moment in Unix seconds. */
export function epochAt(timing: EpochTiming, seconds: number): number {
  return Math.floor((seconds - timing.genesis) / timing.epochSeconds);
}

/** Start of an epoch in Unix seconds. */
export function epochStart(timing: EpochTiming, epoch: number): number {
  return timing.genesis + epoch * timing.epochSeconds;
}
