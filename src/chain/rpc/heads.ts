/** An endpoint's newest block. */
export interface ClaimedHead {
  number: bigint;
  /** Unix seconds. */
  timestamp: number;
}

/** A block of which it is known when it was made at the latest: where the deployment begins. */
export interface ChainOrigin {
  block: number;
  /** Unix seconds. */
  time: number;
}

/** More blocks a second than any chain makes that the contracts run on. */
const MOST_BLOCKS_A_SECOND = 20;
/** By how much times may disagree, seconds. */
const SLACK_SECONDS = 3_600;

/**
 * Which heads the chain cannot have. By distance: more blocks since the deployment than there was time for.
 * By time: later than now, where another endpoint's head is not; a chain of tests may be ahead of time, and
 * then all endpoints show it so.
 *
 * @param now Unix seconds.
 */
export function impossibleHeads<T extends ClaimedHead>(
  heads: readonly T[],
  origin: ChainOrigin | undefined,
  now: number,
): ReadonlySet<T> {
  const isAhead = ({ timestamp }: ClaimedHead) => timestamp > now + SLACK_SECONDS;
  const isOneOnTime = heads.some((head) => !isAhead(head));
  const isTooFar = ({ number, timestamp }: ClaimedHead) => {
    if (origin === undefined) return false;
    const seconds = Math.max(0, timestamp - origin.time) + SLACK_SECONDS;
    return number > BigInt(origin.block) + BigInt(Math.floor(seconds * MOST_BLOCKS_A_SECOND));
  };
  return new Set(heads.filter((head) => isTooFar(head) || (isOneOnTime && isAhead(head))));
}
