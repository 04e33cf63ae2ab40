/** ECDSA over secp256k1. */
export interface Curve {
  /** Deterministic (RFC 6979), low `s`. */
  sign(digest: Uint8Array, key: Uint8Array): { compact: Uint8Array; recovery: number };
  /** The uncompressed public key; undefined if no key can have made the signature. */
  recover(digest: Uint8Array, compact: Uint8Array, recovery: number): Uint8Array | undefined;
  /** The uncompressed public key of a private key. */
  publicKey(key: Uint8Array): Uint8Array;
}

/**
 * The computations for which Node has faster implementations than JavaScript. The import `#platform` resolves
 * to Node's on Node and to the portable ones elsewhere: see `imports` in package.json, and in
 * src/package.json for the sources.
 */
export interface Platform {
  sha256(bytes: Uint8Array): Uint8Array;
  keccak256(bytes: Uint8Array): Uint8Array;
  /** HMAC with SHA-256 (RFC 2104). */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Without padding (RFC 4648, section 5). */
  base64Url(bytes: Uint8Array): string;
  /** Undefined if only the portable curve is available. */
  readonly nativeCurve: Curve | undefined;
}
