import { createHmac } from "node:crypto";
import { encodeAbiParameters, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes, keccak } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";

/** Elements below the tip of a chain: one an epoch. */
export const CHAIN_LENGTH = 2 ** 14;
/** Hash steps that one reveal may take. */
export const MAX_STEPS = 512;

/** What a chain is made for; each gives another chain. */
export interface ChainScope {
  chainId: bigint;
  /** Address of ProofOfService. */
  contract: Address;
  /** Counts the chains that this key made for this contract, from 0. */
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
  constructor(key: Uint8Array, scope: ChainScope, length: number = CHAIN_LENGTH) {
    const message = encodeAbiParameters(
      [{ type: "uint256" }, { type: "address" }, { type: "uint256" }],
      [scope.chainId, scope.contract, BigInt(scope.chainNumber)],
    );
    let element: Uint8Array = createHmac("sha256", key).update(hexToBytes(message)).digest();
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
   * How far below the tip an element lies; undefined for one of another chain.
   *
   * @param element Its first 24 bytes at least: the contract keeps no more.
   */
  depthOf(element: Hex): number | undefined {
    return this.#depths.get(shown(element));
  }

  /**
   * The secret of an epoch.
   *
   * @param anchor The epoch before the first one in which the chain is usable.
   * @throws BlockcloudError `CHAIN_EXHAUSTED` when the epoch lies outside the chain.
   */
  secret(epoch: number, anchor: number): Hex {
    const element = this.#elements[this.#elements.length - 1 - (epoch - anchor)];
    if (epoch <= anchor || element === undefined) {
      const last = anchor + this.#elements.length - 1;
      throw new BlockcloudError(
        "CHAIN_EXHAUSTED",
        `Epoch ${epoch} lies outside the hash chain (epochs ${anchor + 1} to ${last}).`,
        { remedy: "Enrol again with a new chain." },
      );
    }
    return bytesToHex(element);
  }
}

/** What the contract keeps of an element: 24 bytes. */
function shown(element: Hex): string {
  return element.slice(0, 2 + 2 * 24);
}
