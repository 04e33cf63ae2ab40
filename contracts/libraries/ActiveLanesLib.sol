// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title ActiveLanesLib
/// @notice Which of a shard's 15 services are active, for the three epochs that anyone asks about: a
/// reveal in epoch `c` reads `c - 1`, sortition reads `c`, and a change made now counts from `c + 1`.
/// Three values and their epoch fit one word, so no history is kept.
/// @dev Layout: `since (32) << 45 | before (15) << 30 | previous (15) << 15 | current (15)`, where
/// `current` counts from `since` on, `previous` in `since - 1`, and `before` in `since - 2`.
library ActiveLanesLib {
    /// @notice The epoch lies before what the word still knows.
    /// @param epoch The epoch asked for.
    /// @param oldest The oldest epoch that can be answered.
    error ActiveLanesForgotten(uint32 epoch, uint32 oldest);

    uint256 private constant MASK = 0x7fff;

    /// @notice The lanes active in an epoch.
    /// @param word Packed state.
    /// @param epoch The epoch; at least `since - 2`.
    /// @return Bit `i` is set when lane `i` is active.
    function lanesAt(uint256 word, uint32 epoch) internal pure returns (uint256) {
        uint256 since = word >> 45;
        if (epoch >= since) return word & MASK;
        if (epoch + 1 == since) return (word >> 15) & MASK;
        if (epoch + 2 == since) return (word >> 30) & MASK;
        revert ActiveLanesForgotten(epoch, uint32(since - 2));
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
        uint256 newest = word >> 45;
        uint256 current = word & MASK;
        uint256 previous = (word >> 15) & MASK;
        uint256 before = (word >> 30) & MASK;
        if (since == newest + 1) {
            before = previous;
            previous = current;
        } else if (since != newest) {
            before = current;
            previous = current;
        }
        current = active ? current | (1 << lane) : current & ~(1 << lane);
        return (uint256(since) << 45) | (before << 30) | (previous << 15) | current;
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
