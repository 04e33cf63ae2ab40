import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import type { Hex } from "viem";
import { ZERO_HASH } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";

/** A Merkle tree with sorted pairs, as OpenZeppelin's MerkleProof checks it. */
export class MerkleTree {
  readonly root: Hex;
  readonly #tree: SimpleMerkleTree | undefined;

  constructor(leaves: readonly Hex[]) {
    this.#tree = leaves.length > 0 ? SimpleMerkleTree.of([...leaves]) : undefined;
    this.root = (this.#tree?.root ?? ZERO_HASH) as Hex;
  }

  /**
   * The proof of a leaf.
   *
   * @throws BlockcloudError `MERKLE_LEAF_UNKNOWN` for a leaf that is not in the tree.
   */
  proof(leaf: Hex): Hex[] {
    try {
      if (this.#tree) return this.#tree.getProof(leaf) as Hex[];
    } catch (cause) {
      throw unknownLeaf(leaf, cause);
    }
    throw unknownLeaf(leaf);
  }
}

function unknownLeaf(leaf: Hex, cause?: unknown): BlockcloudError {
  return new BlockcloudError("MERKLE_LEAF_UNKNOWN", `No leaf ${leaf} in the Merkle tree.`, {
    cause,
    remedy: "Ask for leaves that the tree was made of.",
  });
}
