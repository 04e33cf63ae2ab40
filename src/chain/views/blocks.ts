import type { ChainClient } from "../client.ts";
import type { BlockRange } from "../logs.ts";

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
    const { timestamp } = await client.getBlock({ blockNumber: middle });
    if (Number(timestamp) >= seconds) high = middle;
    else low = middle + 1n;
  }
  return low;
}
