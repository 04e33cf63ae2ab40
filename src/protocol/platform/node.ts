import { keccak_256 } from "@noble/hashes/sha3.js";
import { Buffer } from "node:buffer";
import { createHmac, hash } from "node:crypto";
import { createRequire } from "node:module";
import type HashWasm from "hash-wasm";
import type Secp256k1 from "secp256k1";
import type { Curve, Platform } from "./platform.ts";

/** Loads a CommonJS package: not named `require`, which bundlers take for their own. */
const load = createRequire(import.meta.url);

/**
 * Keccak-256 in WebAssembly; until it is compiled, and on a runtime that refuses it, the portable one, which needs
 * ten times as long. OpenSSL's is not offered by Node.
 */
let keccak256: Platform["keccak256"] = keccak_256;
compileKeccak().then(
  (compiled) => (keccak256 = compiled),
  () => undefined,
);

/** Node's own hashes, and a native curve if there is a binary for the platform. */
export const platform: Platform = {
  sha256: (bytes) => hash("sha256", bytes, "buffer"),
  keccak256: (bytes) => keccak256(bytes),
  hmacSha256: (key, message) => createHmac("sha256", key).update(message).digest(),
  base64Url: (bytes) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url"),
  nativeCurve: loadCurve(),
};

/** The hash in WebAssembly. Its name is that of a file of the package which holds no other hash. */
export async function compileKeccak(): Promise<Platform["keccak256"]> {
  const { createKeccak } = load("hash-wasm/dist/keccak.umd.min.js") as typeof HashWasm;
  const hasher = await createKeccak(256);
  return (bytes) => hasher.init().update(bytes).digest("binary");
}

function loadCurve(): Curve | undefined {
  try {
    const native = load("secp256k1/bindings.js") as typeof Secp256k1;
    return {
      sign(digest, key) {
        const { signature, recid } = native.ecdsaSign(digest, key);
        return { compact: signature, recovery: recid };
      },
      recover(digest, compact, recovery) {
        try {
          return native.ecdsaRecover(compact, recovery, digest, false);
        } catch {
          // The library throws for a signature that no key can have made.
          return undefined;
        }
      },
      publicKey: (key) => native.publicKeyCreate(key, false),
    };
  } catch {
    // The package has no binary for this platform: the portable curve is used, which is about 10 times
    // slower.
    return undefined;
  }
}
