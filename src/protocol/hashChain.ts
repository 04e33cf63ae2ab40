import { platform } from "#platform";
import { encodeAbiParameters, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes, keccak } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";

/** Elements below the tip of a chain: one per epoch. */
export const HASH_CHAIN_LENGTH = 2 ** 14;
/** Hash steps that one reveal may take. */
export const MAX_STEPS = 512;

/** The purpose of a chain; each scope gives a different chain. */
export interface ChainScope {
  chainId: bigint;
  /** Address of ProofOfService. */
  contract: Address;
  /** Number of the chain among those of this key for this contract, from 0. */
  chainNumber: number;
}

/**
 * A hash chain `h[0] = HMAC(key, scope)`, `h[i] = keccak256(h[i - 1])`. Only its tip `h[n]` is public;
 * the secret of an epoch lies as far below the tip as the epoch lies after the anchor, so that skipping
 * an epoch cannot pick a better draw.
 */
export class HashChain {
  readonly tip: Hex;
  readonly #elements: Uint8Array[];
  readonly #depths = new Map<string, number>();

  /**
   * @param key 32 secret bytes, used for nothing else.
   * @param length Elements below the tip.
   */
  constructor(key: Uint8Array, scope: ChainScope, length: number = HASH_CHAIN_LENGTH) {
    const message = encodeAbiParameters(
      [{ type: "uint256" }, { type: "address" }, { type: "uint256" }],
      [scope.chainId, scope.contract, BigInt(scope.chainNumber)],
    );
    let element = platform.hmacSha256(key, hexToBytes(message));
    this.#elements = [element];
    for (let i = 0; i < length; i++) {
      element = keccak(element);
      this.#elements.push(element);
    }
    this.tip = bytesToHex(element);
    this.#elements.forEach((value, index) =>
      this.#depths.set(shown(bytesToHex(value)), length - index),
    );
  }

  /**
   * How far an element is below the tip; undefined for an element of another chain.
   *
   * @param element At least its first 24 bytes: the contract stores no more.
   */
  depthOf(element: Hex): number | undefined {
    return this.#depths.get(shown(element));
  }

  /**
   * The secret of an epoch.
   *
   * @param anchor The epoch before the first one in which the chain is usable.
   * @throws BlockcloudError `HASH_CHAIN_EXHAUSTED` if the epoch is outside the chain.
   */
  secret(epoch: number, anchor: number): Hex {
    const element = this.#elements[this.#elements.length - 1 - (epoch - anchor)];
    if (epoch <= anchor || element === undefined) {
      const last = anchor + this.#elements.length - 1;
      throw new BlockcloudError(
        "HASH_CHAIN_EXHAUSTED",
        `Epoch ${epoch} lies outside the hash chain (epochs ${anchor + 1} to ${last}).`,
        { remedy: "Enrol again with a new chain." },
      );
    }
    return bytesToHex(element);
  }
}

/** Whether an element leads to a tip in this number of steps. */
export function leadsTo(element: Hex, steps: number, tip: Hex): boolean {
  let bytes = hexToBytes(element);
  for (let step = 0; step < steps; step++) bytes = keccak(bytes);
  return steps >= 0 && bytesToHex(bytes) === tip;
}

/** The part of an element that the contract stores: 24 bytes. */
function shown(element: Hex): string {
  return element.slice(0, 2 + 2 * 24);
}
