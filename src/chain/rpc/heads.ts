/** An endpoint's newest block. */
export interface ClaimedHead {
  number: bigint;
  /** Unix seconds. */
  timestamp: number;
}

/** A block with an upper bound for its time: the start of the deployment. */
export interface ChainOrigin {
  block: number;
  /** Unix seconds. */
  time: number;
}

/** Upper bound of blocks per second on supported chains. */
const MOST_BLOCKS_A_SECOND = 20;
/** Tolerance between clocks, seconds. */
const SLACK_SECONDS = 3_600;

/**
 * Finds heads that the chain cannot have. A head is impossible if it has more blocks since the deployment than time
 * allows, or if its time is in the future and another endpoint's is not. A test chain may be ahead of time; then all
 * endpoints are.
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
