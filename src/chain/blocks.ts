import { BlockcloudError } from "../protocol/errors.ts";
import { getHeader, type ChainClient } from "./client.ts";
import { isPruned, REREAD_BLOCKS, type BlockRange } from "./logs.ts";

/** The time of a block, Unix seconds. */
export async function timestampOf(client: ChainClient, block: bigint): Promise<number> {
  return Number((await getHeader(client, block)).timestamp);
}

/**
 * The first block of a range that is not older than a moment; the range's last block if all are older. The search
 * goes back from the end in growing steps, then halves the last step, so it reads no block that is much older than
 * the result. If the endpoint has dropped such blocks, the result is its oldest block.
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

/** Undefined for a block that the endpoint has dropped; a missing block near the head is not known yet. */
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
