/** Bytes of a small body. */
export const SMALL_BYTES = 64;
