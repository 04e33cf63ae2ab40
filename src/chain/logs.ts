import { findAnswerError, findFault } from "./rpc/faults.ts";

/** Maximum number of blocks of a log request, by the limits of public endpoints. */
export const LOG_SPAN = 2_000n;

/**
 * Number of blocks that a reader of events reads again each time: a reorganisation may have replaced them, and an
 * endpoint that lags behind silently omits their events.
 */
export const REREAD_BLOCKS = 16n;

/** Number of successful ranges before a longer one is tried, because each refusal costs a request. */
const PATIENCE = 8;

/** Blocks, both ends included. */
export interface BlockRange {
  from: bigint;
  to: bigint;
}

export interface RangeOptions {
  /** Newest blocks first. */
  backward?: boolean;
  /** Maximum number of blocks per request. */
  span?: bigint;
  signal?: AbortSignal;
}

/**
 * Reads a range of blocks in parts, in order, so that a caller can stop, or store its progress and continue. If an
 * endpoint refuses a part, the part is halved, down to a single block; after some successful parts the length is
 * doubled again.
 *
 * @param read Reads one part; must be safe to repeat.
 * @throws The error of `read` for a single block, or an error that is not caused by the size.
 */
export async function* readRanges<T>(
  range: BlockRange,
  read: (piece: BlockRange) => Promise<T>,
  options: RangeOptions = {},
): AsyncGenerator<BlockRange & { value: T }> {
  const { backward = false, span: longest = LOG_SPAN, signal } = options;
  let span = longest;
  let wentWell = 0;
  let { from, to } = range;
  while (from <= to) {
    signal?.throwIfAborted();
    const length = span < to - from + 1n ? span : to - from + 1n;
    const piece = backward ? { from: to - length + 1n, to } : { from, to: from + length - 1n };
    let value: T;
    try {
      value = await read(piece);
    } catch (error) {
      if (length === 1n || !mayBeTooLarge(error)) throw error;
      span = length / 2n;
      wentWell = 0;
      continue;
    }
    yield { ...piece, value };
    if (backward) to = piece.from - 1n;
    else from = piece.to + 1n;
    wentWell += 1;
    if (wentWell % PATIENCE === 0) span = span * 2n < longest ? span * 2n : longest;
  }
}

/**
 * Reads a range forward as {@link readRanges} does. If the endpoint has dropped the first blocks, it begins with
 * the endpoint's oldest block.
 *
 * @param gone Called once with that block.
 */
export async function* readServed<T>(
  range: BlockRange,
  read: (piece: BlockRange) => Promise<T>,
  gone: (oldest: bigint) => void,
  options: Omit<RangeOptions, "backward"> = {},
): AsyncGenerator<BlockRange & { value: T }> {
  let { from } = range;
  try {
    for await (const piece of readRanges(range, read, options)) {
      from = piece.to + 1n;
      yield piece;
    }
  } catch (error) {
    if (!isPruned(error)) throw error;
    const oldest = await oldestServed({ from, to: range.to }, read);
    gone(oldest);
    yield* readRanges({ from: oldest, to: range.to }, read, options);
  }
}

/** Finds the oldest served block by bisection; the range's last block if none is served. */
async function oldestServed(
  { from, to }: BlockRange,
  read: (piece: BlockRange) => Promise<unknown>,
): Promise<bigint> {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) / 2n;
    try {
      await read({ from: middle, to: middle });
      high = middle;
    } catch (error) {
      if (!isPruned(error)) throw error;
      low = middle + 1n;
    }
  }
  return low;
}

/**
 * Whether an endpoint may have refused a request because of its size. Endpoints have no common code or wording for
 * it: some report a bad request, some a rate limit, and some do not answer. Only an unreachable endpoint, or one of
 * another chain, is excluded.
 */
function mayBeTooLarge(error: unknown): boolean {
  const fault = findFault(error);
  if (fault !== undefined) return fault.kind !== "network" && fault.kind !== "wrong chain";
  return findAnswerError(error) !== undefined && !isPruned(error);
}

/** Whether a node says that it has dropped the requested blocks (EIP-4444 and others). */
export function isPruned(error: unknown): boolean {
  const answer = findAnswerError(error);
  if (answer === undefined) return false;
  return answer.nodeCode === PRUNED || PRUNED_WORDS.test(answer.reason);
}

const PRUNED = 4_444;
const PRUNED_WORDS = /prun|history (is )?(unavailable|not available|expired)|missing trie|ancient/i;
