/** A change counts from this many epochs after the current one. */
export const HORIZON = 2;

/** How a deployment cuts time into epochs; all figures in seconds. */
export interface EpochTiming {
  /** Start of epoch 0, Unix seconds. */
  genesis: number;
  epochSeconds: number;
}

/** Epochs that the contracts remember: an entry of a ring is used again after this many. */
export const RING = 256;

/** The epoch of a moment in Unix seconds. */
export function epochAt(timing: EpochTiming, seconds: number): number {
  return Math.floor((seconds - timing.genesis) / timing.epochSeconds);
}

/** Start of an epoch in Unix seconds. */
export function epochStart(timing: EpochTiming, epoch: number): number {
  return timing.genesis + epoch * timing.epochSeconds;
}
