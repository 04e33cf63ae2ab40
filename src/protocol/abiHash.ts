import { keccak256, toHex, type Hex } from "viem";
import { abis } from "./abis.ts";

/**
 * Identifies the contracts' interfaces of this version: keccak256 of their ABIs as JSON, in a fixed order. A
 * deployment file holds the hash for its contracts.
 */
export function abiHash(): Hex {
  return keccak256(toHex(JSON.stringify(Object.values(abis))));
}
