import { platform } from "#platform";
import { bytesToHex as toHex, hexToBytes as fromHex, type Hex } from "viem";

/** 32 zero bytes. */
export const ZERO_HASH: Hex = `0x${"00".repeat(32)}`;

/** Keccak-256 of bytes. */
export function keccak(bytes: Uint8Array): Uint8Array {
  return platform.keccak256(bytes);
}

/** Decodes a hex string. */
export function hexToBytes(hex: Hex): Uint8Array {
  return fromHex(hex);
}

/** Encodes bytes as lower-case hex with 0x. */
export function bytesToHex(bytes: Uint8Array): Hex {
  return toHex(bytes);
}

/** Joins byte strings. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Encodes an integer from 0 to 2^256 - 1 as one ABI word: 32 bytes, big-endian. Throws for any other. */
export function word(value: bigint | number): Uint8Array {
  const number = Number(value);
  // Most values are small, and a receipt has several.
  if (Number.isSafeInteger(number) && number >= 0) {
    const bytes = new Uint8Array(32);
    for (let at = 31, rest = number; rest > 0; at--) {
      bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytes;
  }
  return fromHex(`0x${value.toString(16).padStart(64, "0")}`, { size: 32 });
}

/** Encodes a byte string as the ABI does in a tail: its length, then the bytes, padded to whole words. */
export function abiTail(bytes: Uint8Array): Uint8Array {
  const tail = new Uint8Array(32 + 32 * Math.ceil(bytes.length / 32));
  tail.set(word(bytes.length));
  tail.set(bytes, 32);
  return tail;
}
