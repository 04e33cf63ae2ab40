import { platform } from "#platform";
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";
import { getAddress, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes, keccak } from "./bytes.ts";
import type { Curve } from "./platform/platform.ts";

/** Half of the group order: a larger `s` is the malleable twin (EIP-2), refused on chain. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** The curve in pure JavaScript, with which tests compare the native code. */
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
      // noble throws for an invalid signature; the caller treats that as a signature without a signer.
      return undefined;
    }
  },
  publicKey: (key) => noble.getPublicKey(key, false),
};

/** The implementation in use; `noble` if no native one can be loaded, as in a browser. */
export const curveName: "secp256k1" | "noble" = platform.nativeCurve ? "secp256k1" : "noble";
const curve = platform.nativeCurve ?? nobleCurve;

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
 * The signer of a digest, by the rules on chain: 65 bytes, low `s`, `v` 27 or 28.
 *
 * @returns The address; undefined if the signature is invalid.
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
