import type { ChainClient } from "./client.ts";
import { asFailure } from "../failure.ts";

/** Blocks of a log request, by the limits of public endpoints. */
const SPAN = 2_000n;
/** Requests of one reading: a page is no indexer. */
const MAX_REQUESTS = 40;

/** Blocks, both ends included. */
export interface BlockRange {
  from: bigint;
  to: bigint;
}

/** Events of a range, and how far back they were read. */
export interface ReadEvents<T> {
  events: T[];
  /** The oldest block that was read. */
  from: bigint;
  isWhole: boolean;
}

/**
 * Reads the events of a range from its end back, in parts, with a bounded number of requests. A part that the endpoint
 * refuses is halved.
 *
 * @param read Reads one part.
 */
export async function readEvents<T>(
  range: BlockRange,
  read: (piece: BlockRange) => Promise<readonly T[]>,
  signal: AbortSignal,
  maximum = MAX_REQUESTS,
): Promise<ReadEvents<T>> {
  const parts: (readonly T[])[] = [];
  let span = SPAN;
  let { to } = range;
  for (let requests = 0; to >= range.from && requests < maximum; requests++) {
    signal.throwIfAborted();
    const from = to - span + 1n > range.from ? to - span + 1n : range.from;
    try {
      parts.push(await read({ from, to }));
      to = from - 1n;
    } catch (error) {
      if (to === from || !mayBeTooLong(error)) throw error;
      span = (to - from + 1n) / 2n;
    }
  }
  return { events: parts.reverse().flat(), from: to + 1n, isWhole: to < range.from };
}

/** Endpoints refuse a long range with many texts; a network that is away is none of them. */
function mayBeTooLong(error: unknown): boolean {
  return /range|limit|too (many|large|long)|exceed|response size|timeout|timed out/i.test(
    asFailure(error).message,
  );
}

/** The first block at or after a time, by halving; blocks of the past do not change their place. */
export async function blockAt(
  client: ChainClient,
  seconds: number,
  range: BlockRange,
): Promise<bigint> {
  let { from, to } = range;
  while (from < to) {
    const middle = (from + to) / 2n;
    const { timestamp } = await client.getBlock({ blockNumber: middle });
    if (Number(timestamp) < seconds) from = middle + 1n;
    else to = middle;
  }
  return from;
}
