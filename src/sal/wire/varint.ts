/** Largest number that a varint of this package carries; RFC 9000 allows 2^62 - 1, JavaScript does not. */
export const MAX_VARINT = Number.MAX_SAFE_INTEGER;

/** How many bytes the shortest encoding of a number takes. */
export function varintSize(value: number): 1 | 2 | 4 | 8 {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  return value < 0x4000_0000 ? 4 : 8;
}

/**
 * Writes a number in a given width (RFC 9000, section 16).
 *
 * @param size At least the number's {@link varintSize}.
 * @returns The position after it.
 */
export function writeVarint(
  target: Buffer,
  at: number,
  value: number,
  size: 1 | 2 | 4 | 8 = varintSize(value),
): number {
  switch (size) {
    case 1:
      target[at] = value;
      break;
    case 2:
      target.writeUInt16BE(value | 0x4000, at);
      break;
    case 4:
      target.writeUInt32BE((value | 0x8000_0000) >>> 0, at);
      break;
    case 8:
      target.writeUInt32BE((Math.floor(value / 2 ** 32) | 0xc000_0000) >>> 0, at);
      target.writeUInt32BE(value >>> 0, at + 4);
  }
  return at + size;
}

/** The width that the first byte of a number announces. */
export function varintWidth(first: number): 1 | 2 | 4 | 8 {
  return (1 << (first >> 6)) as 1 | 2 | 4 | 8;
}

/** Reads a number of a known width; above {@link MAX_VARINT} the result is not a safe integer. */
export function readVarint(source: Uint8Array, at: number, width: 1 | 2 | 4 | 8): number {
  let value = (source[at] ?? 0) & 0x3f;
  for (let next = 1; next < width; next++) value = value * 256 + (source[at + next] ?? 0);
  return value;
}
