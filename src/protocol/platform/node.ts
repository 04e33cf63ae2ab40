import { createHash, createHmac } from "node:crypto";
import { createRequire } from "node:module";
import type Secp256k1 from "secp256k1";
import type { Curve, Platform } from "./platform.ts";

/** Node's own hashes, and a native curve if there is a binary for the platform. */
export const platform: Platform = {
  sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  hmacSha256: (key, message) => createHmac("sha256", key).update(message).digest(),
  nativeCurve: loadCurve(),
};

function loadCurve(): Curve | undefined {
  try {
    const native = createRequire(import.meta.url)("secp256k1/bindings.js") as typeof Secp256k1;
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
