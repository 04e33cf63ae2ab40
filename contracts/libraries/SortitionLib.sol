// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title SortitionLib
/// @notice Seeds, hash chains and the private draw of auditors over shards.
library SortitionLib {
    /// @notice Expected weight in each shard.
    uint256 internal constant K = 7;
    /// @notice Maximum number of hash steps of a reveal; after a longer silence a new tip is needed.
    uint256 internal constant MAX_STEPS = 512;

    /// @notice The seed of an epoch. It depends on chain and contract, so that no other deployment shares it.
    /// @param prevrandao RANDAO mix of the epoch's first block.
    /// @param epoch The epoch.
    /// @param chainId EIP-155 chain ID.
    /// @param proofOfService Address of the contract.
    /// @return The seed.
    function seed(
        uint256 prevrandao,
        uint32 epoch,
        uint256 chainId,
        address proofOfService
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(prevrandao, epoch, chainId, proofOfService));
    }

    /// @notice Hashes an element of a hash chain towards the tip.
    /// @param element An element.
    /// @param steps Number of hashes.
    /// @return result The element `steps` nearer to the tip.
    function advance(bytes32 element, uint256 steps) internal pure returns (bytes32 result) {
        result = element;
        for (uint256 i = 0; i < steps; ++i) {
            result = keccak256(abi.encode(result));
        }
    }

    /// @notice The auditor's own randomness of an epoch, known to it alone until it reveals.
    /// @param seed_ The epoch's seed.
    /// @param secret The chain element of the epoch.
    /// @param auditor The auditor's owner.
    /// @return The draw's key, `y`.
    function drawKey(
        bytes32 seed_,
        bytes32 secret,
        address auditor
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(seed_, secret, auditor));
    }

    /// @notice Expected weight of an auditor in each shard, `K * stake / total`, as 64.64 fixed point,
    /// rounded down; at most 15.
    /// @param stake The auditor's stake in the epoch.
    /// @param total Stake of all enrolled auditors in the epoch; not 0.
    /// @return The expected weight.
    function expectedWeight(uint256 stake, uint256 total) internal pure returns (uint256) {
        uint256 x = ((K * stake) << 64) / total;
        return x > 15 << 64 ? 15 << 64 : x;
    }

    /// @notice Weight that the auditor drew in a shard: the whole part of the expectation, and one more
    /// with the probability of the fraction.
    /// @param y The draw's key.
    /// @param shard The shard.
    /// @param expected From {expectedWeight}.
    /// @return 0 (not drawn) to 15.
    function weight(bytes32 y, uint256 shard, uint256 expected) internal pure returns (uint256) {
        uint256 ticket = uint256(Hashes.efficientKeccak256(y, bytes32(shard))) >> 192;
        unchecked {
            return (expected >> 64) + (ticket < uint64(expected) ? 1 : 0);
        }
    }
}
