import { BlockcloudError } from "../protocol/errors.ts";
import { getHeader, type ChainClient } from "./client.ts";
import { isPruned, REREAD_BLOCKS, type BlockRange } from "./logs.ts";

/** When a block was made, Unix seconds. */
export async function timestampOf(client: ChainClient, block: bigint): Promise<number> {
  return Number((await getHeader(client, block)).timestamp);
}

/**
 * The first block of a range that was made at a moment or later; the range's last one where all are older.
 * The search starts from the end and takes longer and longer steps back, then halves the last one: nothing
 * is asked for that is much older than what is looked for. Where the endpoint has thrown such blocks away,
 * it gives the oldest that there is.
 *
 * @param seconds Unix seconds.
 */
export async function blockAt(
  client: ChainClient,
  seconds: number,
  range: BlockRange,
): Promise<bigint> {
  const { from, to } = range;
  const isAfter = async (block: bigint): Promise<boolean> => {
    const timestamp = await timestampUnlessGone(client, block, to);
    return timestamp !== undefined && timestamp >= seconds;
  };
  let [low, high] = [from, to];
  if (low >= high) return low;
  for (let step = 1n; ; step *= 2n) {
    const tried = high - step < low ? low : high - step;
    if (!(await isAfter(tried))) {
      low = tried + 1n;
      break;
    }
    high = tried;
    if (tried === low) return low;
  }
  while (low < high) {
    const middle = (low + high) / 2n;
    if (await isAfter(middle)) high = middle;
    else low = middle + 1n;
  }
  return low;
}

/** Undefined for a block that the endpoint has thrown away; one near the head it has not heard of yet. */
async function timestampUnlessGone(
  client: ChainClient,
  block: bigint,
  head: bigint,
): Promise<number | undefined> {
  try {
    return await timestampOf(client, block);
  } catch (error) {
    const isMissing = error instanceof BlockcloudError && error.code === "BLOCK_MISSING";
    if (isPruned(error) || (isMissing && block + REREAD_BLOCKS < head)) return undefined;
    throw error;
  }
}
