import { expect } from "chai";
import { SigningKey, computeAddress } from "ethers";
import fc from "fast-check";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import {
  addressOfKey,
  curveName,
  nobleCurve,
  recoverSigner,
  signDigest,
} from "../../src/protocol/signature.ts";
import { bytes, privateKey } from "../support/arbitraries.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const digest = hexToBytes(`0x${"5a".repeat(32)}`);
const key = hexToBytes(`0x${"11".repeat(32)}`);

/** `r | s | v` with other parts. */
function withParts(signature: Uint8Array, parts: { s?: bigint; r?: bigint; v?: number }) {
  const copy = signature.slice();
  if (parts.r !== undefined) copy.set(toBytes(parts.r), 0);
  if (parts.s !== undefined) copy.set(toBytes(parts.s), 32);
  if (parts.v !== undefined) copy[64] = parts.v;
  return copy;
}

function toBytes(value: bigint): Uint8Array {
  return hexToBytes(`0x${value.toString(16).padStart(64, "0")}`);
}

describe("signature", () => {
  it("runs on native code under Node, so that these tests compare two implementations", () => {
    expect(curveName).to.equal("secp256k1");
  });

  it("signs the same bytes natively and in JavaScript", () => {
    fc.assert(
      fc.property(bytes(32), privateKey, (value, secret) => {
        const native = signDigest(value, secret);
        expect(bytesToHex(native)).to.equal(bytesToHex(signDigest(value, secret, nobleCurve)));
        expect(native[64]).to.be.oneOf([27, 28]);
      }),
      { numRuns: 40 },
    );
  });

  it("recovers across implementations, both ways", () => {
    fc.assert(
      fc.property(bytes(32), privateKey, (value, secret) => {
        const signer = addressOfKey(secret);
        expect(recoverSigner(value, signDigest(value, secret), nobleCurve)).to.equal(signer);
        expect(recoverSigner(value, signDigest(value, secret, nobleCurve))).to.equal(signer);
      }),
      { numRuns: 40 },
    );
  });

  it("agrees with ethers on addresses and signatures", () => {
    const signingKey = new SigningKey(key);
    expect(addressOfKey(key)).to.equal(computeAddress(signingKey));
    expect(addressOfKey(bytesToHex(key))).to.equal(computeAddress(signingKey));
    expect(bytesToHex(signDigest(digest, key))).to.equal(signingKey.sign(digest).serialized);
  });

  it("agrees between implementations on random bytes that may be a signature", () => {
    fc.assert(
      fc.property(bytes(32), bytes(64), fc.constantFrom(27, 28), (value, body, v) => {
        const signature = new Uint8Array([...body, v]);
        signature[32] = (signature[32] ?? 0) & 0x7f;
        expect(recoverSigner(value, signature)).to.equal(
          recoverSigner(value, signature, nobleCurve),
        );
      }),
      { numRuns: 60 },
    );
  });

  for (const [name, curve] of [
    ["native", undefined],
    ["noble", nobleCurve],
  ] as const) {
    const recover = (signature: Uint8Array) => recoverSigner(digest, signature, curve);
    const good = signDigest(digest, key);
    const s = BigInt(bytesToHex(good.subarray(32, 64)));
    const v = good[64] ?? 0;

    it(`${name}: refuses the high-s twin, which recovers to the same key`, () => {
      expect(recover(good)).to.equal(addressOfKey(key));
      expect(recover(withParts(good, { s: ORDER - s, v: 55 - v }))).to.equal(undefined);
    });

    it(`${name}: takes s up to half the order and not one more`, () => {
      const half = (ORDER - 1n) / 2n;
      expect(recover(withParts(good, { s: half }))).to.be.a("string");
      expect(recover(withParts(good, { s: half + 1n }))).to.equal(undefined);
    });

    const hostile: [string, Uint8Array][] = [
      ["v of 0", withParts(good, { v: v - 27 })],
      ["v of 29", withParts(good, { v: 29 })],
      ["v of 255", withParts(good, { v: 255 })],
      ["s of 0", withParts(good, { s: 0n })],
      ["r of 0", withParts(good, { r: 0n })],
      ["r of the order", withParts(good, { r: ORDER })],
      ["r off the curve", withParts(good, { r: 5n })],
      ["nothing", new Uint8Array()],
      ["64 bytes", good.subarray(0, 64)],
      ["66 bytes", new Uint8Array([...good, 0])],
    ];
    for (const [what, signature] of hostile) {
      it(`${name}: ${what} has no signer`, () => {
        expect(recover(signature)).to.equal(undefined);
      });
    }
  }
});
