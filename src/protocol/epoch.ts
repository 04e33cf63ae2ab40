/** How a deployment cuts time into epochs; all figures in seconds. */
export interface EpochTiming {
  /** Start of epoch 0, Unix seconds. */
  genesis: number;
  epochSeconds: number;
}

/** The epoch of a moment in Unix seconds. */
export function epochAt(timing: EpochTiming, seconds: number): number {
  return Math.floor((seconds - timing.genesis) / timing.epochSeconds);
}

/** Start of an epoch in Unix seconds. */
export function epochStart(timing: EpochTiming, epoch: number): number {
  return timing.genesis + epoch * timing.epochSeconds;
}
