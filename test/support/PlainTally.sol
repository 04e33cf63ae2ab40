// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title PlainTally
/// @notice Votes, tallies, verdicts and pay by the text of the protocol, lane by lane and nibble by nibble. A plain,
/// slow reference for TallyLib and PayLib, which work on all lanes at once.
library PlainTally {
    uint256 internal constant LANES = 15;
    uint256 internal constant NO_VERDICT = 4;

    function nibble(uint256 word, uint256 lane, uint256 grade) internal pure returns (uint256) {
        return (word >> (lane * 16 + grade * 4)) & 0xf;
    }

    function total(uint256 word, uint256 lane) internal pure returns (uint256 sum) {
        for (uint256 grade = 0; grade < 4; ++grade) {
            sum += nibble(word, lane, grade);
        }
    }

    function isWellFormed(uint256 word) internal pure returns (bool) {
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 votes = 0;
            for (uint256 grade = 0; grade < 4; ++grade) {
                uint256 count = nibble(word, lane, grade);
                if (count > 1) return false;
                votes += count;
            }
            if (votes > 1) return false;
        }
        return true;
    }

    /// @dev The grade voted for in a lane of a well-formed word, or `NO_VERDICT` for an abstention.
    function voteIn(uint256 word, uint256 lane) internal pure returns (uint256 grade) {
        for (grade = 0; grade < 4; ++grade) {
            if (nibble(word, lane, grade) == 1) return grade;
        }
    }

    /// @dev The definition: the lowest grade whose cumulative count `c` satisfies `2c > total`.
    function verdict(uint256[4] memory counts) internal pure returns (uint256) {
        uint256 sum = counts[0] + counts[1] + counts[2] + counts[3];
        if (sum < 3) return NO_VERDICT;
        uint256 cumulative = 0;
        for (uint256 grade = 0; grade < 4; ++grade) {
            cumulative += counts[grade];
            if (2 * cumulative > sum) return grade;
        }
        return NO_VERDICT;
    }

    function verdictIn(uint256 tally, uint256 lane) internal pure returns (uint256) {
        uint256[4] memory counts;
        for (uint256 grade = 0; grade < 4; ++grade) {
            counts[grade] = nibble(tally, lane, grade);
        }
        return verdict(counts);
    }

    /// @dev The 4 x 4 table of section 3.5, in quarters.
    function quarters(uint256 vote, uint256 verdict_) internal pure returns (uint256) {
        if (vote == NO_VERDICT || verdict_ == NO_VERDICT) return 0;
        if (vote == 0 && verdict_ == 0) return 1;
        if (vote == 0 || verdict_ == 0) return 0;
        if (vote == verdict_) return 4;
        uint256 distance = vote > verdict_ ? vote - verdict_ : verdict_ - vote;
        return distance == 1 ? 2 : 0;
    }

    /// @dev A well-formed report word without offset, out of a seed. One lane in five abstains.
    function randomVotes(uint256 seed) internal pure returns (uint256 word) {
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 vote = (uint256(keccak256(abi.encode(seed, lane))) >> 8) % 5;
            if (vote != NO_VERDICT) word |= uint256(1) << (lane * 16 + vote * 4);
        }
    }

    /// @dev A tally that rounds can reach: random reports until `weight` is full or `reports` are used up.
    function randomTally(uint256 seed, uint256 reports) internal pure returns (uint256 tally) {
        uint256 free = 15;
        for (uint256 i = 0; i < reports && free != 0; ++i) {
            uint256 weight = 1 + (uint256(keccak256(abi.encode(seed, "weight", i))) % 5);
            if (weight > free) weight = free;
            tally += randomVotes(uint256(keccak256(abi.encode(seed, i)))) * weight;
            free -= weight;
        }
        tally += (15 - free) << 240;
    }
}
