// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title MerkleLib
/// @notice Merkle trees with sorted pairs, as OpenZeppelin's `MerkleProof` checks them. A node without a
/// partner moves up as it is.
library MerkleLib {
    /// @notice The root; 0 of an empty tree.
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        if (leaves.length == 0) return 0;
        while (leaves.length > 1) leaves = _parents(leaves);
        return leaves[0];
    }

    /// @notice The proof of a leaf by its place.
    function proof(
        bytes32[] memory leaves,
        uint256 place
    ) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](0);
        while (leaves.length > 1) {
            uint256 partner = place ^ 1;
            if (partner < leaves.length) path = _append(path, leaves[partner]);
            leaves = _parents(leaves);
            place /= 2;
        }
    }

    function _parents(bytes32[] memory nodes) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((nodes.length + 1) / 2);
        for (uint256 i = 0; i < parents.length; ++i) {
            parents[i] =
                2 * i + 1 < nodes.length
                    ? Hashes.commutativeKeccak256(nodes[2 * i], nodes[2 * i + 1])
                    : nodes[2 * i];
        }
    }

    function _append(
        bytes32[] memory list,
        bytes32 value
    ) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = value;
    }
}
