// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PayLib} from "../../contracts/libraries/PayLib.sol";
import {
    ONES as LANE_ONES,
    ReportWord,
    ReportWordLib
} from "../../contracts/libraries/ReportWord.sol";
import {Tally, TallyLib} from "../../contracts/libraries/Tally.sol";

/// @title RawTally
/// @notice The libraries of report words and tallies on plain integers, as in vectors and references.
library RawTally {
    uint256 internal constant MAX_WEIGHT = TallyLib.MAX_WEIGHT;
    uint256 internal constant QUORUM = TallyLib.QUORUM;
    uint256 internal constant ONES = LANE_ONES;

    function parse(uint256 word) internal pure returns (uint256 said, bool wellFormed) {
        return ReportWord.wrap(word).parse();
    }

    function votesIn(uint256 word) internal pure returns (uint256) {
        return ReportWord.wrap(word).votes();
    }

    function contactsIn(uint256 word) internal pure returns (uint256) {
        return ReportWord.wrap(word).contacts();
    }

    function lanesOf(uint256 word) internal pure returns (uint256) {
        return ReportWord.wrap(word).lanes();
    }

    function sum(uint256 lanes) internal pure returns (uint256) {
        return ReportWordLib.sum(lanes);
    }

    function start(uint256 tag, uint256 lanes) internal pure returns (uint256) {
        return Tally.unwrap(TallyLib.start(tag, lanes));
    }

    function inactive(uint256 stored) internal pure returns (uint256) {
        return Tally.wrap(stored).inactive();
    }

    function tallyOf(uint256 stored) internal pure returns (uint256) {
        return Tally.unwrap(Tally.wrap(stored).withoutMarks());
    }

    function add(uint256 stored, uint256 votes, uint256 weight) internal pure returns (uint256) {
        return Tally.unwrap(Tally.wrap(stored).add(votes, weight));
    }

    function counted(uint256 tally) internal pure returns (uint256) {
        return Tally.wrap(tally).counted();
    }

    function verdicts(uint256 tally) internal pure returns (uint256 grades, uint256 quorate) {
        return Tally.wrap(tally).verdicts();
    }

    function verdictAt(
        uint256 tally,
        uint256 lane
    ) internal pure returns (uint256 grade, bool quorate) {
        return Tally.wrap(tally).verdictAt(lane);
    }

    function report(
        uint256 tally,
        uint256 word,
        uint256[16] memory table
    ) internal pure returns (uint256 pay, uint256 paid) {
        return PayLib.report(Tally.wrap(tally), ReportWord.wrap(word), table);
    }

    function payQuarters(
        uint256 tally,
        uint256 word
    ) internal pure returns (uint256 quarters, uint256 counts) {
        return Tally.wrap(tally).payQuarters(ReportWord.wrap(word));
    }
}
