/** Bytes of each write of a source. */
export const WRITE_BYTES = 64 * 1024;
/**
 * The period is a prime: bytes that are lost, repeated or exchanged in units of any frame, record or buffer leave the
 * pattern.
 */
const PERIOD = 1_048_573;

/** The bytes that all sources send; derived from a number, so that each process has the same. */
const pattern = makePattern();

function makePattern(): Buffer {
  const period = Buffer.alloc(PERIOD);
  // xorshift32 (Marsaglia, 2003).
  let state = 0x9e3779b9;
  for (let at = 0; at < PERIOD; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    period[at] = state & 0xff;
  }
  return Buffer.concat([period, period]);
}

/** The pattern's bytes from an offset on, without a copy; at most one period. */
export function patternAt(offset: number, length: number): Buffer {
  const at = offset % PERIOD;
  return pattern.subarray(at, at + length);
}

/** Compares what arrives with the pattern, byte by byte. */
export class PatternCheck {
  received = 0;
  /** Bytes of the chunks that differ from the pattern. */
  wrong = 0;

  take(chunk: Uint8Array): void {
    const { length } = chunk;
    for (let at = 0; at < length;) {
      const take = Math.min(length - at, PERIOD);
      const from = this.received % PERIOD;
      if (pattern.compare(chunk, at, at + take, from, from + take) !== 0) this.wrong += take;
      this.received += take;
      at += take;
    }
  }
}
