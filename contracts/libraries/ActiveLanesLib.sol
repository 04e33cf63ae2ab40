// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LANES} from "./Slot.sol";

/// @title ActiveLanesLib
/// @notice The active services of a shard, for the four epochs that are read: a reveal in epoch `c` reads `c - 1`,
/// sortition reads `c` and `c + 1`, and a change made now counts from `c + 2`. Four values and their epoch fit one
/// word, so no history is kept.
/// @dev Layout: `since (32)` over four sets of lanes of 15 bits. The lowest set counts from `since` on, the
/// one above it in `since - 1`, and so on to `since - 3`.
library ActiveLanesLib {
    /// @notice The word does not hold this epoch any more.
    /// @param epoch The requested epoch.
    /// @param oldest The oldest epoch in the word.
    error ActiveLanesForgotten(uint32 epoch, uint32 oldest);

    /// @dev Number of epochs in the word.
    uint256 private constant HELD = 4;
    uint256 private constant SINCE_OFFSET = HELD * LANES;
    uint256 private constant SETS = (1 << SINCE_OFFSET) - 1;
    uint256 private constant SET = (1 << LANES) - 1;
    /// @dev The same set in each of the four places.
    uint256 private constant REPEAT = 1 | (1 << LANES) | (1 << (2 * LANES)) | (1 << (3 * LANES));

    /// @notice The lanes active in an epoch.
    /// @param word Packed state.
    /// @param epoch The epoch; at least `since - 3`.
    /// @return Bit `i` is set if lane `i` is active.
    function lanesAt(uint256 word, uint32 epoch) internal pure returns (uint256) {
        uint256 since = word >> SINCE_OFFSET;
        if (epoch >= since) return word & SET;
        uint256 back = since - epoch;
        if (back >= HELD) revert ActiveLanesForgotten(epoch, uint32(since - HELD + 1));
        return (word >> (back * LANES)) & SET;
    }

    /// @notice Sets one lane from an epoch on.
    /// @param word Packed state.
    /// @param since First epoch in which the change counts; not before the newest.
    /// @param lane 0 to 14.
    /// @param active The new state of the lane.
    /// @return The new word.
    function set(
        uint256 word,
        uint32 since,
        uint256 lane,
        bool active
    ) internal pure returns (uint256) {
        uint256 passed = since - (word >> SINCE_OFFSET);
        uint256 current = word & SET;
        // The newest value also counts in the epochs that have passed since.
        uint256 sets = current * REPEAT;
        if (passed < HELD) {
            uint256 kept = passed * LANES;
            sets = ((word & SETS) << kept) | (sets & ((1 << kept) - 1));
        }
        sets = active ? sets | (1 << lane) : sets & ~(1 << lane);
        return (uint256(since) << SINCE_OFFSET) | (sets & SETS);
    }

    /// @notice Widens 15 bits to 15 lanes of 16 bits.
    /// @param lanes Bit `i` stands for lane `i`.
    /// @return mask 0xffff in each active lane.
    function spread(uint256 lanes) internal pure returns (uint256 mask) {
        mask = (lanes | (lanes << 120)) & 0x7f000000000000000000000000000000ff;
        mask = (mask | (mask << 60)) & 0x7000000000000000f000000000000000f000000000000000f;
        mask = (mask | (mask << 30)) & 0x100000003000000030000000300000003000000030000000300000003;
        mask = (mask | (mask << 15)) & 0x100010001000100010001000100010001000100010001000100010001;
        mask *= 0xffff;
    }
}
