import { findAnswerError, findFault } from "./rpc/faults.ts";

/** Blocks that one log request may span: what public endpoints allow. */
export const LOG_SPAN = 2_000n;

/**
 * Blocks that a reader of events reads again each time: a reorganisation may have replaced them, and an
 * endpoint that has not heard of the newest blocks leaves their events out without a word.
 */
export const REREAD_BLOCKS = 16n;

/** Pieces that must go well before a longer one is tried: each refusal costs a request. */
const PATIENCE = 8;

/** Blocks, both ends included. */
export interface BlockRange {
  from: bigint;
  to: bigint;
}

export interface RangeOptions {
  /** Newest blocks first. */
  backward?: boolean;
  /** The most blocks that one request may span. */
  span?: bigint;
  signal?: AbortSignal;
}

/**
 * Reads a range of blocks piece by piece, in order, so that a caller can stop, or note how far it came and
 * go on from there. Where an endpoint refuses a piece, it is halved, down to a single block; when some
 * pieces in a row were read, the next may be twice as long again.
 *
 * @param read Reads one piece; must be safe to repeat.
 * @throws Whatever `read` throws for a single block, or for another reason than a piece's size.
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
 * Reads a range forward as {@link readRanges} does. Where the endpoint has thrown the first blocks away, it
 * begins with the oldest that there is.
 *
 * @param gone Told of that block, once.
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

/** By bisection; the range's last block where none is served, whose reading then says why. */
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
 * Whether an endpoint may have refused a request for its size. Endpoints agree on no code and no wording
 * for it, nor on whether it is an error of the request, of its frequency, or no answer at all; only one
 * that cannot be reached, or serves another chain, has not.
 */
function mayBeTooLarge(error: unknown): boolean {
  const fault = findFault(error);
  if (fault !== undefined) return fault.kind !== "network" && fault.kind !== "wrong chain";
  return findAnswerError(error) !== undefined && !isPruned(error);
}

/** Whether a node says that it has thrown the blocks away that it is asked for (EIP-4444 and others). */
export function isPruned(error: unknown): boolean {
  const answer = findAnswerError(error);
  if (answer === undefined) return false;
  return answer.nodeCode === PRUNED || PRUNED_WORDS.test(answer.reason);
}

const PRUNED = 4_444;
const PRUNED_WORDS = /prun|history (is )?(unavailable|not available|expired)|missing trie|ancient/i;
