import { decodeFunctionData, type Hex } from "viem";
import { abis } from "@protocol/abis.ts";
import type { ChunkArgument } from "@protocol/round.ts";

/** Calls within calls of a `tryMulticall`. */
const MAX_DEPTH = 3;

/** The chunks of the reveals in a transaction's data; calls of other contracts are not followed. */
export function chunksIn(input: Hex, depth = 0): ChunkArgument[] {
  try {
    const { functionName, args } = decodeFunctionData({ abi: abis.proofOfService, data: input });
    if (functionName === "reveal") return [args[0]];
    if (functionName !== "tryMulticall" || depth >= MAX_DEPTH) return [];
    return args[0].flatMap((data) => chunksIn(data, depth + 1));
  } catch {
    // Not a call of this contract.
    return [];
  }
}
