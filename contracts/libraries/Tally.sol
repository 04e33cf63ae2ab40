// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ActiveLanesLib} from "./ActiveLanesLib.sol";
import {LANE_BITS, ONES, ReportWord, TOP} from "./ReportWord.sol";

/// @dev The counted weight for each grade of the 15 services of a shard: `tag (12) | weight (4)` on top, and below it
/// lanes as in a `ReportWord`, in which a nibble counts up to 15. In storage the lane of an inactive service has all
/// bits set. No counts can reach this value, because they sum to at most 15: see {TallyLib.start}.
type Tally is uint256;

using TallyLib for Tally global;

/// @title TallyLib
/// @notice Counts and judges the votes on a shard, all lanes at once; `test/libraries/TallyLib.t.sol` holds
/// a plain reference.
library TallyLib {
    /// @notice The largest weight that counts in a shard: the maximum of a nibble.
    uint256 internal constant MAX_WEIGHT = 15;
    /// @notice The minimum weight in a lane for a verdict.
    uint256 internal constant QUORUM = 3;

    uint256 private constant TAG_OFFSET = 244;
    uint256 private constant NIBBLES = ONES * 0xf;
    /// @dev Bit 15 of each lane, from which a comparison of lanes may borrow.
    uint256 private constant HIGHS = ONES << 15;
    /// @dev All lanes.
    uint256 private constant ALL = (1 << 240) - 1;

    /// @notice The initial stored word of a shard in an epoch. It marks the inactive lanes, so that later reports
    /// need not read them again.
    /// @param tag_ Epoch tag, 12 bits.
    /// @param active Bit `i` is set if lane `i` is active.
    /// @return The word.
    function start(uint256 tag_, uint256 active) internal pure returns (Tally) {
        return Tally.wrap((tag_ << TAG_OFFSET) | (ALL & ~ActiveLanesLib.spread(active)));
    }

    /// @notice The tag of the epoch.
    /// @param self A tally, stored or not; an empty one has the tag of the first epochs.
    /// @return 12 bits.
    function tag(Tally self) internal pure returns (uint256) {
        return Tally.unwrap(self) >> TAG_OFFSET;
    }

    /// @notice Whether the word was never written.
    /// @param self A tally.
    /// @return True for the zero word.
    function isEmpty(Tally self) internal pure returns (bool) {
        return Tally.unwrap(self) == 0;
    }

    /// @notice The counted weight of the shard.
    /// @param self A tally, stored or not.
    /// @return 0 to 15.
    function weight(Tally self) internal pure returns (uint256) {
        return (Tally.unwrap(self) >> TOP) & MAX_WEIGHT;
    }

    /// @notice The lanes that {start} marked.
    /// @param self A stored tally.
    /// @return All bits of each inactive lane.
    function inactive(Tally self) internal pure returns (uint256) {
        uint256 stored = Tally.unwrap(self);
        unchecked {
            // 15 in the lowest nibble and anything in the next is more than 15.
            uint256 low = stored & (stored >> 1) & (stored >> 2) & (stored >> 3);
            return (low & (stored >> 4) & ONES) * 0xffff;
        }
    }

    /// @notice The counts of a stored tally.
    /// @param self The stored word.
    /// @return The tally, with zeros in inactive lanes.
    function withoutMarks(Tally self) internal pure returns (Tally) {
        return Tally.wrap(Tally.unwrap(self) & ~inactive(self));
    }

    /// @notice Adds a report to a tally, with as much of its weight as still fits.
    /// @param self The stored word, from {start} or {add}.
    /// @param votes The report's lanes, all of them active, without offset.
    /// @param drawn The auditor's drawn weight, 1 to 15.
    /// @return The new word. Never reverts: a full shard stays unchanged.
    function add(Tally self, uint256 votes, uint256 drawn) internal pure returns (Tally) {
        unchecked {
            uint256 free = MAX_WEIGHT - weight(self);
            if (drawn > free) drawn = free;
            return Tally.wrap(Tally.unwrap(self) + (drawn << TOP) + votes * drawn);
        }
    }

    /// @notice Counted weight of each lane.
    /// @param self A tally without marks; its top is not looked at.
    /// @return counts Lanes with 0 to 15.
    function counted(Tally self) internal pure returns (uint256 counts) {
        // The mask removes the next lane's lower nibbles above each count.
        return (_prefixSums(self) >> 12) & NIBBLES;
    }

    /// @notice The verdict of each lane: the lowest grade whose cumulative count `c` satisfies
    /// `2c > total` (the median), if the lane's own total reaches the quorum.
    /// @param self A tally without marks; its top is not looked at.
    /// @return grades Lanes with the grade, 0 to 3; 0 in a lane without quorum.
    /// @return quorate Lanes with 1 for each verdict.
    function verdicts(Tally self) internal pure returns (uint256 grades, uint256 quorate) {
        (uint256 aboveFailed, uint256 abovePoor, uint256 aboveGood, uint256 enough, ) = _steps(
            self
        );
        unchecked {
            grades = aboveFailed + abovePoor + aboveGood;
        }
        quorate = enough;
    }

    /// @notice Verdict of one lane.
    /// @param self A tally without marks; its top is not looked at.
    /// @param lane 0 to 14.
    /// @return grade 0 to 3.
    /// @return quorate False if the lane has no quorum.
    function verdictAt(
        Tally self,
        uint256 lane
    ) internal pure returns (uint256 grade, bool quorate) {
        (uint256 grades, uint256 enough) = verdicts(self);
        grade = (grades >> (lane * LANE_BITS)) & 3;
        quorate = (enough >> (lane * LANE_BITS)) & 1 == 1;
    }

    /// @notice Pay of each vote of a report, in quarters of the full pay: 4 for POOR, GOOD or EXCELLENT equal to the
    /// verdict; 2 if they differ by one grade and neither is FAILED; 1 if both are FAILED, because a FAILED vote
    /// needs no evidence; else 0.
    /// @param self The shard's tally without marks.
    /// @param report The report word; its offset is ignored.
    /// @return quarters Lanes with 0, 1, 2 or 4.
    /// @return counts Lanes with the counted weight, as {counted}.
    function payQuarters(
        Tally self,
        ReportWord report
    ) internal pure returns (uint256 quarters, uint256 counts) {
        uint256 enough;
        uint256 aboveFailed;
        uint256 abovePoor;
        uint256 excellent;
        (aboveFailed, abovePoor, excellent, enough, counts) = _steps(self);
        // In each lane `enough >= aboveFailed >= abovePoor >= excellent`.
        uint256 poor = aboveFailed ^ abovePoor;
        uint256 good = abovePoor ^ excellent;
        uint256 word = ReportWord.unwrap(report);
        uint256 saidPoor = word >> 4;
        uint256 saidGood = word >> 8;
        uint256 saidExcellent = word >> 12;

        quarters = word & (enough ^ aboveFailed);
        quarters |= ((saidPoor & poor) | (saidGood & good) | (saidExcellent & excellent)) << 2;
        quarters |= ((saidGood & (poor | excellent)) | ((saidPoor | saidExcellent) & good)) << 1;
    }

    /// @dev For each lane with a quorum: whether the median is above FAILED, above POOR, above GOOD.
    /// `2c <= total` follows from the borrow of `total + 2^15 - 2c`.
    function _steps(
        Tally self
    )
        private
        pure
        returns (
            uint256 aboveFailed,
            uint256 abovePoor,
            uint256 aboveGood,
            uint256 enough,
            uint256 counts
        )
    {
        uint256 sums = _prefixSums(self);
        counts = (sums >> 12) & NIBBLES;
        uint256 totals = counts | HIGHS;
        unchecked {
            enough = ((totals - ONES * QUORUM) >> 15) & ONES;
            aboveFailed = ((totals - ((sums & NIBBLES) << 1)) >> 15) & enough;
            abovePoor = ((totals - (((sums >> 4) & NIBBLES) << 1)) >> 15) & enough;
            aboveGood = ((totals - (((sums >> 8) & NIBBLES) << 1)) >> 15) & enough;
        }
    }

    /// @dev Nibble `k` of each lane becomes the sum of nibbles 0 to `k`; at most 15, because the weight is capped.
    function _prefixSums(Tally self) private pure returns (uint256 sums) {
        unchecked {
            sums = Tally.unwrap(self) & ALL;
            sums += (sums & (ONES * 0x0fff)) << 4;
            sums += (sums & (ONES * 0x00ff)) << 8;
        }
    }
}
