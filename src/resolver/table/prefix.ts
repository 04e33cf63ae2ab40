import type { Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Bits of a service ID. */
export const ID_BITS = 256;
/** Words of 32 bits in a service ID. */
export const ID_WORDS = ID_BITS / 32;

/** The service IDs that begin with these bits. */
export interface Prefix {
  /** 0x and 64 lower-case digits; zero after the first `length` bits. */
  bits: Hex;
  /** Number of bits, 0 to 256. */
  length: number;
}

/** The prefix of every service ID. */
export const everything: Prefix = { bits: `0x${"0".repeat(64)}`, length: 0 };

/**
 * Parses a prefix: `0x`, up to 64 hexadecimal digits (missing digits at the end are zero), `/` and the length
 * in bits. Without a length, the prefix has all given digits. `default` is the prefix of all IDs.
 *
 * @throws BlockcloudError `PREFIX_INVALID`.
 */
export function parsePrefix(text: string): Prefix {
  if (text === "default") return everything;
  const [, digits = "", bits] = /^0x([0-9a-f]{0,64})(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const length = bits === undefined ? digits.length * 4 : Number(bits);
  if (!/^0x/i.test(text) || length > ID_BITS || (digits === "" && bits === undefined)) {
    throw invalid(text, "Give 0x, digits, / and a length of 0 to 256, as 0x0000000000000007/64.");
  }
  const prefix: Prefix = { bits: `0x${digits.toLowerCase().padEnd(64, "0")}`, length };
  const masked = maskBits(prefix.bits, length);
  if (masked !== prefix.bits) {
    throw invalid(
      text,
      `There are bits set after the length: did you mean ${formatPrefix({ bits: masked, length })}?`,
    );
  }
  return prefix;
}

/** Formats a prefix for {@link parsePrefix}, without redundant digits. */
export function formatPrefix({ bits, length }: Prefix): string {
  return `${bits.slice(0, 2 + Math.ceil(length / 4))}/${length}`;
}

/** Converts the 64 digits of a service ID to 32-bit words, the first bits first. */
export function readWords(id: Hex, into: Uint32Array): void {
  let at = 2;
  for (let index = 0; index < ID_WORDS; index += 1) {
    let word = 0;
    for (const end = at + 8; at < end; at += 1) {
      // "0" to "9" end in 0 to 9; "a" to "f", in either case, in 1 to 6 above a bit that digits lack.
      const code = id.charCodeAt(at);
      word = (word << 4) | ((code & 15) + (code >> 6) * 9);
    }
    into[index] = word;
  }
}

function maskBits(bits: Hex, length: number): Hex {
  const behind = BigInt(ID_BITS - length);
  return `0x${((BigInt(bits) >> behind) << behind).toString(16).padStart(64, "0")}`;
}

function invalid(text: string, remedy: string): BlockcloudError {
  return new BlockcloudError("PREFIX_INVALID", `Not a prefix: ${text.slice(0, 80)}.`, { remedy });
}
