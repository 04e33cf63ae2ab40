import { PageError } from "../failure.ts";
import { duration, many } from "../format.ts";
import type { IndexClient, IndexProgress } from "./client.ts";

/** Blocks that the index may be behind before the page says so. */
export const NEAR = 3n;
/** Seconds of the chain that an index which is not near may be behind and still be used: what lists are read anew in. */
const MOST_SECONDS = 15;

/** The newest block that the page knows; its time in Unix seconds. */
type Newest = Readonly<{ number: bigint; timestamp: number }>;

/** How far the index is behind the newest block that the page knows. */
export interface Lag {
  blocks: bigint;
  /** By the times of the two blocks. */
  seconds: number;
}

export function lagOf(progress: IndexProgress, head: Newest): Lag {
  const blocks = head.number > progress.block ? head.number - progress.block : 0n;
  return { blocks, seconds: Math.max(0, head.timestamp - progress.timestamp) };
}

/** Whether its rows are not used: many blocks behind, and many seconds, on a chain of short blocks. */
export function isFar({ blocks, seconds }: Lag): boolean {
  return blocks > NEAR && seconds > MOST_SECONDS;
}

/**
 * The index, if it has read the chain up to about now. An index that catches up has no row of what it has not read yet,
 * and a page must not take that for a thing that does not exist.
 *
 * @throws PageError `INDEX_BEHIND`, and those of {@link IndexClient.progress}.
 */
export async function caughtUp(
  index: IndexClient,
  head: Newest,
  signal: AbortSignal,
): Promise<IndexClient> {
  const progress = await index.progress(signal);
  if (progress === undefined) {
    throw new PageError("INDEX_BEHIND", "The index has not read a block yet.");
  }
  const lag = lagOf(progress, head);
  if (!isFar(lag)) return index;
  const { blocks, seconds } = lag;
  throw new PageError(
    "INDEX_BEHIND",
    `The index is ${many(blocks, "block")} (${duration(seconds)}) behind the chain.`,
  );
}
