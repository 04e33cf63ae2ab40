import { createRequire } from "node:module";
import type Secp256k1 from "secp256k1";
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";
import { getAddress, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes, keccak } from "./bytes.ts";

interface Curve {
  sign(digest: Uint8Array, key: Uint8Array): { compact: Uint8Array; recovery: number };
  recover(digest: Uint8Array, compact: Uint8Array, recovery: number): Uint8Array | undefined;
  publicKey(key: Uint8Array): Uint8Array;
}

/** Half of the group order: a larger `s` is the malleable twin (EIP-2), refused on chain. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Pure JavaScript, and the oracle that tests hold the native code against. */
export const nobleCurve: Curve = {
  sign(digest, key) {
    const signature = noble.sign(digest, key, { prehash: false, format: "recovered" });
    return { compact: signature.slice(1), recovery: signature[0] ?? 0 };
  },
  recover(digest, compact, recovery) {
    try {
      const signature = noble.Signature.fromBytes(compact, "compact").addRecoveryBit(recovery);
      return signature.recoverPublicKey(digest).toBytes(false);
    } catch {
      // noble throws for what is no signature; the caller sees that as "signed by nobody".
      return undefined;
    }
  },
  publicKey: (key) => noble.getPublicKey(key, false),
};

function loadNative(): Curve | undefined {
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
          // As above: no point on the curve, so signed by nobody.
          return undefined;
        }
      },
      publicKey: (key) => native.publicKeyCreate(key, false),
    };
  } catch {
    // No binary for this platform: noble below, about 10x slower.
    return undefined;
  }
}

const native = loadNative();

/** Which implementation signs here; `noble` is the fallback where the native module has no binary. */
export const curveName: "secp256k1" | "noble" = native ? "secp256k1" : "noble";
const curve = native ?? nobleCurve;

/**
 * Signs a 32-byte digest: 65 bytes `r | s | v`, deterministic (RFC 6979), low `s`, `v` 27 or 28.
 */
export function signDigest(digest: Uint8Array, key: Uint8Array, using: Curve = curve): Uint8Array {
  const { compact, recovery } = using.sign(digest, key);
  const signature = new Uint8Array(65);
  signature.set(compact);
  signature[64] = 27 + recovery;
  return signature;
}

/**
 * Who signed a digest, by the rules that hold on chain: 65 bytes, low `s`, `v` 27 or 28.
 *
 * @returns The address, or undefined for anything that is not such a signature.
 */
export function recoverSigner(
  digest: Uint8Array,
  signature: Uint8Array,
  using: Curve = curve,
): Address | undefined {
  if (signature.length !== 65) return undefined;
  const recovery = (signature[64] ?? 0) - 27;
  if (recovery !== 0 && recovery !== 1) return undefined;
  if (BigInt(bytesToHex(signature.subarray(32, 64))) > HALF_ORDER) return undefined;
  const publicKey = using.recover(digest, signature.subarray(0, 64), recovery);
  return publicKey && addressOfPublicKey(publicKey);
}

/** Address of a private key. */
export function addressOfKey(key: Hex | Uint8Array): Address {
  return addressOfPublicKey(curve.publicKey(typeof key === "string" ? hexToBytes(key) : key));
}

function addressOfPublicKey(publicKey: Uint8Array): Address {
  return getAddress(bytesToHex(keccak(publicKey.subarray(1)).subarray(12)));
}
