// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ActiveLanesLib} from "./ActiveLanesLib.sol";

/// @dev Shards that can exist: an index and its successor fit 32 bits. Stands outside the library because
/// only such a constant can size an array.
uint256 constant MAX_SHARDS = 0xffffffff;

/// @title TallyLib
/// @notice Votes on the 15 services of a shard, counted and judged in one word.
/// @dev A word has 16 bits on top and 15 lanes of 16 bits below, lane 0 lowest. A lane has four nibbles,
/// one for each grade: FAILED (0, lowest), POOR, GOOD, EXCELLENT. In a report word the top is the shard's
/// offset in its chunk and a vote is the value 1 in one nibble. In a tally the top is `tag (12) | weight
/// (4)` and a nibble counts up to 15. All lanes are worked on at once; `test/libraries/TallyLib.t.sol`
/// holds a plain reference. In storage a lane of a tally whose service is inactive has all bits set, which
/// no counts can reach, as they sum to 15 at most: see {start}.
library TallyLib {
    /// @notice The largest weight that counts in a shard: what a nibble holds.
    uint256 internal constant MAX_WEIGHT = 15;
    /// @notice The least weight in a lane that gives a verdict.
    uint256 internal constant QUORUM = 3;
    /// @notice Lanes in a word.
    uint256 internal constant LANES = 15;

    /// @dev Bit 0 of each lane.
    uint256 internal constant ONES = 0x000100010001000100010001000100010001000100010001000100010001;
    /// @dev Bit 15 of each lane: room to borrow from when lanes are compared.
    uint256 private constant HIGHS = ONES << 15;
    /// @dev All lanes.
    uint256 private constant ALL = (1 << 240) - 1;
    /// @dev One bit in each nibble.
    uint256 private constant VOTES = ONES * 0x1111;

    /// @notice The lanes of a word, without its top.
    /// @param word A report word or a tally.
    /// @return Bits 239 to 0.
    function lanesOf(uint256 word) internal pure returns (uint256) {
        return word & ALL;
    }

    /// @notice The votes of a report word.
    /// @param word The report word; its offset is not looked at.
    /// @return said Lanes with 1 where there is a vote, whatever its grade.
    /// @return wellFormed Whether the word holds at most one vote a lane and nothing else.
    function parse(uint256 word) internal pure returns (uint256 said, bool wellFormed) {
        said = votesIn(word);
        wellFormed = ((word & ALL & ~VOTES) | (said & ~ONES)) == 0;
    }

    /// @notice Votes in each lane, whatever their grade.
    /// @param word A well-formed report word.
    /// @return Lanes with 1 where there is a vote.
    function votesIn(uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 pairs = (word & (ONES * 0x0101)) + ((word >> 4) & (ONES * 0x0101));
            return (pairs & (ONES * 0x00ff)) + ((pairs >> 8) & (ONES * 0x00ff));
        }
    }

    /// @notice Votes in each lane that claim a contact: POOR, GOOD or EXCELLENT.
    /// @param word A well-formed report word.
    /// @return Lanes with 1 where there is such a vote.
    function contactsIn(uint256 word) internal pure returns (uint256) {
        return ((word >> 4) | (word >> 8) | (word >> 12)) & ONES;
    }

    /// @notice Sum over all lanes.
    /// @param lanes Lanes whose values sum to less than 2^16.
    /// @return The sum.
    function sum(uint256 lanes) internal pure returns (uint256) {
        unchecked {
            // Lane 14 of the product collects every lane; what lies above it is cut off.
            return ((lanes * ONES) >> 224) & 0xffff;
        }
    }

    /// @notice The stored word that a shard's first report of an epoch is added to: it remembers which
    /// lanes are inactive, so that later reports need not ask.
    /// @param tag Epoch tag, 12 bits.
    /// @param lanes Bit `i` is set when lane `i` is active.
    /// @return The word.
    function start(uint256 tag, uint256 lanes) internal pure returns (uint256) {
        return (tag << 244) | (ALL & ~ActiveLanesLib.spread(lanes));
    }

    /// @notice The lanes that {start} marked.
    /// @param stored A stored tally.
    /// @return All bits of each inactive lane.
    function inactive(uint256 stored) internal pure returns (uint256) {
        unchecked {
            // 15 in the lowest nibble and anything in the next is more than 15.
            uint256 low = stored & (stored >> 1) & (stored >> 2) & (stored >> 3);
            return (low & (stored >> 4) & ONES) * 0xffff;
        }
    }

    /// @notice The counts of a stored tally.
    /// @param stored The stored word.
    /// @return The tally, with nothing in inactive lanes.
    function tallyOf(uint256 stored) internal pure returns (uint256) {
        return stored & ~inactive(stored);
    }

    /// @notice Adds a report to a tally, as much of its weight as still fits.
    /// @param stored The stored word, from {start} or {add}.
    /// @param votes The report's lanes, all of them active, without offset.
    /// @param weight The auditor's drawn weight, 1 to 15.
    /// @return The new word. Never reverts: a full shard takes nothing more.
    function add(uint256 stored, uint256 votes, uint256 weight) internal pure returns (uint256) {
        unchecked {
            uint256 free = MAX_WEIGHT - ((stored >> 240) & 0xf);
            if (weight > free) weight = free;
            return stored + (weight << 240) + votes * weight;
        }
    }

    /// @notice Weight counted in each lane.
    /// @param tally A tally; its top is not looked at.
    /// @return counts Lanes with 0 to 15.
    function counted(uint256 tally) internal pure returns (uint256 counts) {
        // Without the mask the next lane's lower nibbles would stand above each count.
        return (_prefixSums(tally) >> 12) & (ONES * 0xf);
    }

    /// @notice The verdict of each lane: the lowest grade whose cumulative count `c` satisfies
    /// `2c > total` (the median), where the lane's own total reaches the quorum.
    /// @param tally A tally; its top is not looked at.
    /// @return grades Lanes with the grade, 0 to 3; 0 in a lane without quorum.
    /// @return quorate Lanes with 1 where there is a verdict.
    function verdicts(uint256 tally) internal pure returns (uint256 grades, uint256 quorate) {
        (uint256 aboveFailed, uint256 abovePoor, uint256 aboveGood, uint256 enough, ) = _steps(
            tally
        );
        unchecked {
            grades = aboveFailed + abovePoor + aboveGood;
        }
        quorate = enough;
    }

    /// @notice Verdict of one lane.
    /// @param tally A tally; its top is not looked at.
    /// @param lane 0 to 14.
    /// @return grade 0 to 3.
    /// @return quorate False when the lane missed the quorum.
    function verdictAt(
        uint256 tally,
        uint256 lane
    ) internal pure returns (uint256 grade, bool quorate) {
        (uint256 grades, uint256 enough) = verdicts(tally);
        grade = (grades >> (lane * 16)) & 3;
        quorate = (enough >> (lane * 16)) & 1 == 1;
    }

    /// @notice What each vote of a report earned, in quarters of the full pay: POOR, GOOD or EXCELLENT
    /// that equals the verdict 4; one grade off and neither FAILED 2; both FAILED 1, since saying FAILED
    /// needs no evidence; else 0.
    /// @param tally The shard's tally.
    /// @param word The report word; its offset is not looked at.
    /// @return quarters Lanes with 0, 1, 2 or 4.
    /// @return counts Lanes with the weight that was counted, as {counted}.
    function payQuarters(
        uint256 tally,
        uint256 word
    ) internal pure returns (uint256 quarters, uint256 counts) {
        uint256 enough;
        uint256 aboveFailed;
        uint256 abovePoor;
        uint256 excellent;
        (aboveFailed, abovePoor, excellent, enough, counts) = _steps(tally);
        // In each lane `enough >= aboveFailed >= abovePoor >= excellent`.
        uint256 poor = aboveFailed ^ abovePoor;
        uint256 good = abovePoor ^ excellent;
        uint256 saidPoor = word >> 4;
        uint256 saidGood = word >> 8;
        uint256 saidExcellent = word >> 12;

        quarters = word & (enough ^ aboveFailed);
        quarters |= ((saidPoor & poor) | (saidGood & good) | (saidExcellent & excellent)) << 2;
        quarters |= ((saidGood & (poor | excellent)) | ((saidPoor | saidExcellent) & good)) << 1;
    }

    /// @dev For each lane with a quorum: does the median lie above FAILED, above POOR, above GOOD?
    /// `2c <= total` is read off the borrow of `total + 2^15 - 2c`.
    function _steps(
        uint256 tally
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
        uint256 sums = _prefixSums(tally);
        uint256 nibble = ONES * 0xf;
        counts = (sums >> 12) & nibble;
        uint256 totals = counts | HIGHS;
        unchecked {
            enough = ((totals - ONES * QUORUM) >> 15) & ONES;
            aboveFailed = ((totals - ((sums & nibble) << 1)) >> 15) & enough;
            abovePoor = ((totals - (((sums >> 4) & nibble) << 1)) >> 15) & enough;
            aboveGood = ((totals - (((sums >> 8) & nibble) << 1)) >> 15) & enough;
        }
    }

    /// @dev Nibble `k` of each lane becomes the sum of nibbles 0 to `k`; at most 15, as weight is capped.
    function _prefixSums(uint256 tally) private pure returns (uint256 sums) {
        unchecked {
            sums = tally & ALL;
            sums += (sums & (ONES * 0x0fff)) << 4;
            sums += (sums & (ONES * 0x00ff)) << 8;
        }
    }
}
