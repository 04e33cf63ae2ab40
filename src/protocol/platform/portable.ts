import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Platform } from "./platform.ts";

/** Pure JavaScript, for browsers and every other runtime. */
export const platform: Platform = {
  sha256: (bytes) => sha256(bytes),
  hmacSha256: (key, message) => hmac(sha256, key, message),
  nativeCurve: undefined,
};
