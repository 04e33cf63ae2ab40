// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Bits of a lane: a nibble for each grade, FAILED (0) lowest, then POOR, GOOD, EXCELLENT.
uint256 constant LANE_BITS = 16;
/// @dev First bit of the top of a word, above 15 lanes.
uint256 constant TOP = 240;
/// @dev Bit 0 of each lane.
uint256 constant ONES = 0x000100010001000100010001000100010001000100010001000100010001;

/// @dev Votes on the 15 services of a shard: the shard's offset in its chunk on top, and below it a lane of 16
/// bits for each service, lane 0 lowest. A vote is the value 1 in the nibble of its grade.
type ReportWord is uint256;

using ReportWordLib for ReportWord global;

/// @title ReportWordLib
/// @notice Reads votes, all lanes at once.
library ReportWordLib {
    uint256 private constant LANES_MASK = (1 << 240) - 1;
    /// @dev One bit in each nibble.
    uint256 private constant VOTES = 0x111111111111111111111111111111111111111111111111111111111111;

    /// @notice The shard, counted from the chunk's base.
    /// @param self The word.
    /// @return The offset.
    function offset(ReportWord self) internal pure returns (uint256) {
        return ReportWord.unwrap(self) >> TOP;
    }

    /// @notice The votes without the offset.
    /// @param self The word.
    /// @return Lanes, the top empty.
    function lanes(ReportWord self) internal pure returns (uint256) {
        return ReportWord.unwrap(self) & LANES_MASK;
    }

    /// @notice The votes of a word.
    /// @param self The word; its offset is ignored.
    /// @return said Lanes with 1 for each vote of any grade.
    /// @return wellFormed Whether the word has at most one vote per lane and no other bits.
    function parse(ReportWord self) internal pure returns (uint256 said, bool wellFormed) {
        said = votes(self);
        wellFormed = ((lanes(self) & ~VOTES) | (said & ~ONES)) == 0;
    }

    /// @notice Votes in each lane, of any grade.
    /// @param self A well-formed word.
    /// @return Lanes with 1 for each vote.
    function votes(ReportWord self) internal pure returns (uint256) {
        uint256 word = ReportWord.unwrap(self);
        unchecked {
            uint256 pairs = (word & (ONES * 0x0101)) + ((word >> 4) & (ONES * 0x0101));
            return (pairs & (ONES * 0x00ff)) + ((pairs >> 8) & (ONES * 0x00ff));
        }
    }

    /// @notice Votes in each lane that claim a contact: POOR, GOOD or EXCELLENT.
    /// @param self A well-formed word.
    /// @return Lanes with 1 for each such vote.
    function contacts(ReportWord self) internal pure returns (uint256) {
        uint256 word = ReportWord.unwrap(self);
        return ((word >> 4) | (word >> 8) | (word >> 12)) & ONES;
    }

    /// @notice Sum over all lanes.
    /// @param lanes_ Lanes whose values sum to less than 2^16.
    /// @return The sum.
    function sum(uint256 lanes_) internal pure returns (uint256) {
        unchecked {
            // The top lane of the product is the sum of all lanes; higher bits are cut off.
            return ((lanes_ * ONES) >> 224) & 0xffff;
        }
    }
}
