// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev A change counts from this number of epochs after the current one. One is not enough, because the seed of the
/// next epoch can be known before the current one is over (docs/protocol.md, 3.1).
uint32 constant HORIZON = 2;

/// @dev Number of entries of a ring; an entry is reused after this number of epochs.
uint32 constant RING = 256;

/// @title EpochTagLib
/// @notice Tags of epochs, for words that have no room for the epoch itself.
library EpochTagLib {
    /// @dev 12 bits.
    uint256 private constant MASK = 0xfff;

    /// @notice The tag of an epoch; it repeats after 2^20 epochs.
    /// @param epoch The epoch.
    /// @return The tag.
    function tagOf(uint32 epoch) internal pure returns (uint256) {
        return (epoch / RING) & MASK;
    }

    /// @notice Replaces the low bits of a hash by a tag: 244 bits are as secure as 256, and one storage slot holds
    /// both the commitment and its epoch.
    /// @param hash The hash.
    /// @param epoch The epoch.
    /// @return The tagged hash.
    function tagged(bytes32 hash, uint32 epoch) internal pure returns (uint256) {
        return (uint256(hash) & ~MASK) | tagOf(epoch);
    }

    /// @notice Whether a tagged hash has an epoch's tag.
    /// @param word From {tagged}; 0 has none.
    /// @param epoch The epoch.
    /// @return Whether it does.
    function carries(uint256 word, uint32 epoch) internal pure returns (bool) {
        return word != 0 && word & MASK == tagOf(epoch);
    }
}
