import { getHeader, type ChainClient } from "./client.ts";
import type { BlockRange } from "./logs.ts";

/** When a block was made, Unix seconds. */
export async function timestampOf(client: ChainClient, block: bigint): Promise<number> {
  return Number((await getHeader(client, block)).timestamp);
}

/**
 * The first block of a range that was made at a moment or later, by bisection; the range's last one where
 * all are older.
 *
 * @param seconds Unix seconds.
 */
export async function blockAt(
  client: ChainClient,
  seconds: number,
  range: BlockRange,
): Promise<bigint> {
  let { from: low, to: high } = range;
  while (low < high) {
    const middle = (low + high) / 2n;
    if ((await timestampOf(client, middle)) >= seconds) high = middle;
    else low = middle + 1n;
  }
  return low;
}
