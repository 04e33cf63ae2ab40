import { concatHex, numberToHex, type Hex } from "viem";

/** How long a quote's salt opens a tab, milliseconds. */
const QUOTE_MS = 3_600_000;
/** How far the clock may have gone back since a quote, milliseconds. */
const CLOCK_MS = 60_000;
/** Zero bytes cost a quarter of the gas of others. */
const ZEROS: Hex = `0x${"00".repeat(12)}`;

/**
 * The salts of a collector's tabs: 12 zero bytes, the name of its books, and a time that never repeats. So nothing is
 * stored for a quote, however many are asked for, and an old quote opens no tab. A salt need only be unused for its
 * payer, because a tab is its payer's.
 */
export class Salts {
  readonly #prefix: Hex;
  readonly #now: () => number;
  #last = 0;

  /**
   * @param books 8 bytes that name the books; those of two collectors with one address differ.
   * @param now Unix milliseconds.
   */
  constructor(books: Hex, now: () => number) {
    this.#prefix = concatHex([ZEROS, books]);
    this.#now = now;
  }

  /** The next salt. */
  next(): Hex {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#now()));
    return concatHex([this.#prefix, numberToHex(this.#last, { size: 12 })]);
  }

  /** Why a salt opens no new tab here; undefined if it does. */
  refusal(salt: Hex): string | undefined {
    if (!salt.startsWith(this.#prefix)) return "it belongs to other books";
    const quotedAt = BigInt(`0x${salt.slice(this.#prefix.length)}`);
    const now = BigInt(Math.floor(this.#now()));
    const isFresh = quotedAt > now - BigInt(QUOTE_MS) && quotedAt < now + BigInt(CLOCK_MS);
    return isFresh ? undefined : "its quote is too old";
  }
}
