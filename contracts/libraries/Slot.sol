// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Maximum number of shards: an index and its successor fit 32 bits. It is outside the library, because only
/// such a constant can be the size of an array.
uint256 constant MAX_SHARDS = 0xffffffff;

/// @dev Services in a shard.
uint256 constant LANES = 15;

/// @dev A place in the audits: a shard and one of its lanes. Slots are counted from 1, lane by lane and shard
/// by shard; 0 is none.
type Slot is uint40;

using SlotLib for Slot global;

/// @dev No slot.
Slot constant NO_SLOT = Slot.wrap(0);

/// @title SlotLib
/// @notice Shard and lane of a slot.
library SlotLib {
    /// @notice The slot at a place.
    /// @param shard_ The shard, below `MAX_SHARDS`.
    /// @param lane_ The lane, below `LANES`.
    /// @return The slot.
    function place(uint256 shard_, uint256 lane_) internal pure returns (Slot) {
        return Slot.wrap(uint40(shard_ * LANES + lane_ + 1));
    }

    /// @notice The n-th slot.
    /// @param index From 1.
    /// @return The slot.
    function nth(uint64 index) internal pure returns (Slot) {
        return Slot.wrap(uint40(index));
    }

    /// @notice Whether this is the empty slot.
    /// @param self A slot or none.
    /// @return True for none.
    function isNone(Slot self) internal pure returns (bool) {
        return Slot.unwrap(self) == 0;
    }

    /// @notice Whether two are the same.
    /// @param self A slot or none.
    /// @param other Another.
    /// @return True if they are.
    function equals(Slot self, Slot other) internal pure returns (bool) {
        return Slot.unwrap(self) == Slot.unwrap(other);
    }

    /// @notice The shard.
    /// @param self A slot.
    /// @return The shard.
    function shard(Slot self) internal pure returns (uint256) {
        return (Slot.unwrap(self) - 1) / LANES;
    }

    /// @notice The lane.
    /// @param self A slot.
    /// @return The lane, 0 to 14.
    function lane(Slot self) internal pure returns (uint256) {
        return (Slot.unwrap(self) - 1) % LANES;
    }
}
