import fc from "fast-check";
import { getAddress, type Address, type Hex } from "viem";
import { bytesToHex } from "../../src/protocol/bytes.ts";

/** Every run of the property tests draws the same values; a failure prints its own path besides. */
fc.configureGlobal({ seed: 0x626c6f63, numRuns: 100 });

/** Bytes of a fixed length. */
export function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

export const hash: fc.Arbitrary<Hex> = bytes(32).map(bytesToHex);

export const address: fc.Arbitrary<Address> = bytes(20).map((value) =>
  getAddress(bytesToHex(value)),
);

export const uint64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

/** Private keys of secp256k1: not 0, below the group's order by far. */
export const privateKey: fc.Arbitrary<Uint8Array> = bytes(32).map((key) => {
  const valid = key.slice();
  valid[0] = (valid[0] ?? 0) & 0x7f;
  valid[31] = (valid[31] ?? 0) | 1;
  return valid;
});
