import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Platform } from "./platform.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Pure JavaScript, for browsers and every other runtime. */
export const platform: Platform = {
  sha256: (bytes) => sha256(bytes),
  keccak256: (bytes) => keccak_256(bytes),
  hmacSha256: (key, message) => hmac(sha256, key, message),
  base64Url(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 3) {
      const count = Math.min(3, bytes.length - at);
      const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      for (let digit = 0; digit <= count; digit++) {
        text += ALPHABET.charAt((group >> (18 - 6 * digit)) & 63);
      }
    }
    return text;
  },
  nativeCurve: undefined,
};
