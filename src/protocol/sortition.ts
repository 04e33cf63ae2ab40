import { encodeAbiParameters, keccak256, type Address, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes, keccak, word } from "./bytes.ts";

/** Expected weight in each shard, over all auditors. */
export const K = 7n;
/** Consecutive service numbers of a shard. */
export const LANES = 15;
/** The most weight that counts in a shard. */
export const MAX_WEIGHT = 15n;

/** The shard of a service and its lane there. */
export function laneOf(number: bigint): { shard: number; lane: number } {
  const index = Number(number - 1n);
  return { shard: Math.floor(index / LANES), lane: index % LANES };
}

/** The service in a lane of a shard. */
export function serviceAt(shard: number, lane: number): bigint {
  return BigInt(shard) * BigInt(LANES) + BigInt(lane) + 1n;
}

/** The auditor's own randomness of an epoch, `y`. */
export function drawKey(seed: Hex, secret: Hex, auditor: Address): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "bytes32" }, { type: "address" }],
      [seed, secret, auditor],
    ),
  );
}

/** Expected weight in each shard as 64.64 fixed point, rounded down; at most 15. */
export function expectedWeight(stake: bigint, total: bigint): bigint {
  if (stake === 0n) return 0n;
  const x = ((K * stake) << 64n) / total;
  return x > MAX_WEIGHT << 64n ? MAX_WEIGHT << 64n : x;
}

/** Weight drawn in a shard: 0 (not drawn) to 15. */
export function drawnWeight(y: Hex, shard: number, expected: bigint): number {
  const hash = keccak(concatBytes(hexToBytes(y), word(shard)));
  const ticket = BigInt(bytesToHex(hash.subarray(0, 8)));
  const fraction = expected & ((1n << 64n) - 1n);
  return Number(expected >> 64n) + (ticket < fraction ? 1 : 0);
}

/** The nonce that an auditor sends to a service. */
export function inspectionNonce(y: Hex, number: bigint, salt: Hex): Hex {
  return bytesToHex(keccak(concatBytes(hexToBytes(y), word(number), hexToBytes(salt))));
}
