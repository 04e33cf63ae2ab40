/** ECDSA over secp256k1. */
export interface Curve {
  /** Deterministic (RFC 6979), low `s`. */
  sign(digest: Uint8Array, key: Uint8Array): { compact: Uint8Array; recovery: number };
  /** The uncompressed public key; undefined when the signature is of no key. */
  recover(digest: Uint8Array, compact: Uint8Array, recovery: number): Uint8Array | undefined;
  /** The uncompressed public key of a private key. */
  publicKey(key: Uint8Array): Uint8Array;
}

/**
 * The computations that Node does faster than JavaScript. The import `#platform` gives Node's on Node and
 * the portable ones elsewhere: see `imports` in package.json, and in src/package.json for the sources.
 */
export interface Platform {
  sha256(bytes: Uint8Array): Uint8Array;
  /** HMAC with SHA-256 (RFC 2104). */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Undefined: only the portable curve is there. */
  readonly nativeCurve: Curve | undefined;
}
