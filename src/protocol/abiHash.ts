import { keccak256, toHex, type Hex } from "viem";
import { abis } from "./abis.ts";

/**
 * Names the contracts' interfaces that this version speaks: keccak256 of their ABIs as JSON, in a fixed
 * order. A deployment file holds that of its contracts.
 */
export function abiHash(): Hex {
  return keccak256(toHex(JSON.stringify(Object.values(abis))));
}
