import { encodeAbiParameters, keccak256, type Address, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes, keccak, word } from "./bytes.ts";

/** Expected weight in each shard, over all auditors. */
export const K = 7n;
/** Services of a shard. */
export const LANES = 15;
/** The largest weight that counts in a shard. */
export const MAX_WEIGHT = 15n;

/**
 * The place of a slot.
 *
 * @param slot From 1, as the registry gives it to a service when it becomes active.
 */
export function placeOf(slot: number): { shard: number; lane: number } {
  return { shard: Math.floor((slot - 1) / LANES), lane: (slot - 1) % LANES };
}

/** The slot at a place. */
export function slotAt(shard: number, lane: number): number {
  return shard * LANES + lane + 1;
}

/** Shards up to that of the last slot. */
export function shardCount(slots: number): number {
  return Math.ceil(slots / LANES);
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
