// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Assertions} from "../support/Assertions.sol";
import {PlainTally} from "../support/PlainTally.sol";
import {RawTally} from "../support/RawTally.sol";

contract TallyLibTest is Assertions {
    uint256 private constant LANES = 15;

    function testReportWordVectors() public view {
        string memory json = vectors("reportWord");
        uint256[] memory word = uints(json, ".word");
        uint256[] memory offset = uints(json, ".offset");
        uint256[] memory votes = uints(json, ".votes");
        assertTrue(word.length > 20 && votes.length == word.length * LANES, "vectors");
        for (uint256 i = 0; i < word.length; ++i) {
            assertEq(word[i] >> 240, offset[i], item("offset", i));
            uint256 counted = RawTally.votesIn(word[i]);
            uint256 contacts = RawTally.contactsIn(word[i]);
            for (uint256 lane = 0; lane < LANES; ++lane) {
                uint256 vote = votes[i * LANES + lane];
                assertEq(PlainTally.voteIn(word[i], lane), vote, item("vote", i * LANES + lane));
                assertEq(_lane(counted, lane), vote < 4 ? 1 : 0, item("votesIn", i));
                assertEq(
                    _lane(contacts, lane),
                    vote != 0 && vote < 4 ? 1 : 0,
                    item("contactsIn", i)
                );
            }
        }
    }

    function testWellFormedVectors() public view {
        string memory json = vectors("reportWord");
        uint256[] memory checked = uints(json, ".checked");
        bool[] memory wellFormed = vm.parseJsonBoolArray(json, ".wellFormed");
        uint256 refused = 0;
        for (uint256 i = 0; i < checked.length; ++i) {
            assertEq(_isWellFormed(checked[i]), wellFormed[i], item("wellFormed", i));
            if (!wellFormed[i]) ++refused;
        }
        assertTrue(refused >= 10, "vectors hold malformed words");
    }

    function testTallyVectors() public view {
        string memory json = vectors("tally");
        uint256[] memory tag = uints(json, ".tag");
        uint256[] memory votes = uints(json, ".votes");
        uint256[] memory weight = uints(json, ".weight");
        uint256[] memory expected = uints(json, ".tally");
        uint256[] memory verdict = uints(json, ".verdict");
        uint256[] memory counted = uints(json, ".counted");
        assertTrue(expected.length > 20, "vectors");
        uint256 tally = 0;
        for (uint256 i = 0; i < expected.length; ++i) {
            if (i == 0 || tally >> 244 != tag[i]) tally = RawTally.start(tag[i], 0x7fff);
            tally = RawTally.add(tally, votes[i], weight[i]);
            assertEq(tally, expected[i], item("tally", i));
            uint256 counts = RawTally.counted(tally);
            for (uint256 lane = 0; lane < LANES; ++lane) {
                uint256 k = i * LANES + lane;
                assertEq(_lane(counts, lane), counted[k], item("counted", k));
                (uint256 grade, bool quorate) = RawTally.verdictAt(tally, lane);
                assertEq(quorate ? grade : 4, verdict[k], item("verdict", k));
            }
        }
    }

    /// @dev Every possible tuple of counts of a lane, in each of three lanes beside full neighbours: 3,876 tuples.
    /// Lanes must not affect each other.
    function testMedianOfEveryTuple() public pure {
        uint256 tuples = 0;
        uint256[4] memory c;
        for (c[0] = 0; c[0] <= 15; ++c[0]) {
            for (c[1] = 0; c[0] + c[1] <= 15; ++c[1]) {
                for (c[2] = 0; c[0] + c[1] + c[2] <= 15; ++c[2]) {
                    for (c[3] = 0; c[0] + c[1] + c[2] + c[3] <= 15; ++c[3]) {
                        ++tuples;
                        _checkTuple(c, (tuples * 7) % LANES, tuples % 4);
                    }
                }
            }
        }
        assertEq(tuples, 3876, "tuples with a sum of at most 15");
    }

    function testNeighbourDoesNotLendAQuorum() public pure {
        uint256 votes = (1 << 8) | (1 << 16);
        uint256 tally = RawTally.add(0, votes, 2);
        assertEq(RawTally.counted(tally), 0x00020002, "counted");
        (uint256 grades, uint256 quorate) = RawTally.verdicts(tally);
        assertEq(quorate, 0, "quorate");
        assertEq(grades, 0, "grades");
        (uint256 quarters, uint256 counts) = RawTally.payQuarters(tally, votes);
        assertEq(quarters, 0, "quarters");
        assertEq(counts, 0x00020002, "counts");
    }

    function testFuzzIsWellFormed(uint256 word) public pure {
        assertEq(_isWellFormed(word), PlainTally.isWellFormed(word), "wellFormed");
    }

    /// @dev A random word is almost never well-formed, so one bit of well-formed words is flipped instead.
    function testFuzzIsWellFormedNearby(uint256 seed, uint256 bit) public pure {
        uint256 word = PlainTally.randomVotes(seed) | (seed << 240);
        assertTrue(_isWellFormed(word), "a good word");
        uint256 broken = word ^ (1 << bound(bit, 0, 255));
        assertEq(_isWellFormed(broken), PlainTally.isWellFormed(broken), "one bit flipped");
    }

    function testFuzzVotes(uint256 seed) public pure {
        uint256 word = PlainTally.randomVotes(seed) | (seed << 240);
        (uint256 votes, ) = RawTally.parse(word);
        assertEq(RawTally.votesIn(word), votes, "votesIn");
        uint256 contacts = RawTally.contactsIn(word);
        uint256 voteSum = 0;
        uint256 contactSum = 0;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 vote = PlainTally.voteIn(word, lane);
            assertEq(_lane(votes, lane), vote < 4 ? 1 : 0, item("votesIn", lane));
            assertEq(
                _lane(contacts, lane),
                vote != 0 && vote < 4 ? 1 : 0,
                item("contactsIn", lane)
            );
            voteSum += vote < 4 ? 1 : 0;
            contactSum += vote != 0 && vote < 4 ? 1 : 0;
        }
        assertEq(votes >> 240, 0, "nothing above the lanes");
        assertEq(contacts >> 240, 0, "nothing above the lanes");
        assertEq(RawTally.sum(votes), voteSum, "sum of votes");
        assertEq(RawTally.sum(contacts), contactSum, "sum of contacts");
    }

    /// @dev Up to the documented limit: values below 2^16 in total.
    function testFuzzSum(uint16[15] memory values) public pure {
        uint256 left = 0xffff;
        uint256 lanes = 0;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 value = values[lane] % (left + 1);
            if (lane == LANES - 1) value = left;
            left -= value;
            lanes |= value << (lane * 16);
        }
        assertEq(RawTally.sum(lanes), 0xffff, "sum");
    }

    /// @dev Additions of any weight, with changing tags, compared with one counter per nibble.
    function testFuzzAdd(uint256 seed, uint256 firstTag) public pure {
        uint256 tag = firstTag % 4096;
        uint256 tally = RawTally.start(tag, 0x7fff);
        uint256[4][15] memory counts;
        uint256 weightCounted = 0;
        for (uint256 step = 0; step < 12; ++step) {
            if (step == 8) {
                tag = (tag + 1) % 4096;
                tally = RawTally.start(tag, 0x7fff);
                delete counts;
                weightCounted = 0;
            }
            uint256 votes = PlainTally.randomVotes(uint256(keccak256(abi.encode(seed, step))));
            uint256 weight = 1 + roll(seed, 100 + step, step % 5 == 4 ? 15 : 3);
            tally = RawTally.add(tally, votes, weight);

            uint256 fits = weightCounted + weight > 15 ? 15 - weightCounted : weight;
            weightCounted += fits;
            for (uint256 lane = 0; lane < LANES; ++lane) {
                uint256 vote = PlainTally.voteIn(votes, lane);
                if (vote < 4) counts[lane][vote] += fits;
            }
            _checkCounts(tally, counts);
            assertEq(tally >> 244, tag, "tag");
            assertEq((tally >> 240) & 0xf, weightCounted, "weight");
        }
    }

    /// @dev Lanes that are inactive at the first report stay inactive, with any additions to other lanes.
    function testFuzzInactiveLanesStandInTheTally(
        uint256 seed,
        uint16 lanes,
        uint16 tag
    ) public pure {
        lanes &= 0x7fff;
        tag &= 0xfff;
        uint256 mask = 0;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            if ((lanes >> lane) & 1 == 1) mask |= uint256(0xffff) << (lane * 16);
        }
        uint256 stored = RawTally.start(tag, lanes);
        uint256 plain = uint256(tag) << 244;
        for (uint256 step = 0; step < 6; ++step) {
            assertEq(RawTally.inactive(stored), ~mask & ((1 << 240) - 1), item("inactive", step));
            assertEq(RawTally.tallyOf(stored), plain, item("tally", step));
            uint256 votes =
                PlainTally.randomVotes(uint256(keccak256(abi.encode(seed, step)))) & mask;
            // Sometimes all on one grade, for the fullest possible nibbles.
            if (seed % 3 == 0) votes = mask & (RawTally.ONES << (4 * (seed % 4)));
            uint256 weight = 1 + roll(seed, step, 5);
            stored = RawTally.add(stored, votes, weight);
            plain = RawTally.add(plain, votes, weight);
        }
    }

    /// @dev No possible counts of a lane equal the mark of an inactive lane.
    function testNoCountsLookInactive() public pure {
        for (uint256 a = 0; a <= 15; ++a) {
            for (uint256 b = 0; a + b <= 15; ++b) {
                for (uint256 c = 0; a + b + c <= 15; ++c) {
                    uint256 tally =
                        (a | (b << 4) | (c << 8) | ((15 - a - b - c) << 12)) * RawTally.ONES;
                    assertEq(RawTally.inactive(tally), 0, "inactive");
                }
            }
        }
    }

    /// @dev Verdicts, counts and pay of tallies that rounds can reach.
    function testFuzzVerdictsAndQuarters(uint256 seed, uint8 reports, uint16 offset) public pure {
        uint256 tally = PlainTally.randomTally(seed, 1 + (reports % 12)) | (seed << 244);
        uint256 word =
            PlainTally.randomVotes(uint256(keccak256(abi.encode(seed, "own")))) |
                (uint256(offset) << 240);
        (uint256 grades, uint256 quorate) = RawTally.verdicts(tally);
        uint256 counted = RawTally.counted(tally);
        (uint256 quarters, uint256 counts) = RawTally.payQuarters(tally, word);
        assertEq(counts, counted, "counts");
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 verdict = PlainTally.verdictIn(tally, lane);
            assertEq(_lane(quorate, lane), verdict < 4 ? 1 : 0, item("quorate", lane));
            assertEq(_lane(grades, lane), verdict < 4 ? verdict : 0, item("grade", lane));
            assertEq(_lane(counted, lane), PlainTally.total(tally, lane), item("counted", lane));
            assertEq(
                _lane(quarters, lane),
                PlainTally.quarters(PlainTally.voteIn(word, lane), verdict),
                item("quarters", lane)
            );
            (uint256 grade, bool enough) = RawTally.verdictAt(tally, lane);
            assertEq(enough ? grade : 4, verdict, item("verdictAt", lane));
        }
        assertEq((grades | quorate | counted | quarters) >> 240, 0, "nothing above the lanes");
    }

    function _checkTuple(uint256[4] memory c, uint256 lane, uint256 neighbour) private pure {
        // The other lanes hold 15 votes of one grade, the maximum that could overflow.
        uint256 tally = 0;
        for (uint256 i = 0; i < LANES; ++i) {
            if (i != lane) tally |= uint256(15) << (i * 16 + neighbour * 4);
        }
        for (uint256 grade = 0; grade < 4; ++grade) {
            tally |= c[grade] << (lane * 16 + grade * 4);
        }
        uint256 verdict = PlainTally.verdict(c);
        (uint256 grades, uint256 quorate) = RawTally.verdicts(tally);
        assertEq(_lane(quorate, lane) == 1 ? _lane(grades, lane) : 4, verdict, "verdict");
        assertEq(_lane(RawTally.counted(tally), lane), c[0] + c[1] + c[2] + c[3], "counted");
        for (uint256 vote = 0; vote < 4; ++vote) {
            uint256 word = uint256(1) << (lane * 16 + vote * 4);
            uint256 quarters = PlainTally.quarters(vote, verdict) << (lane * 16);
            (uint256 got, ) = RawTally.payQuarters(tally, word);
            assertEq(got, quarters, "quarters");
        }
    }

    function _checkCounts(uint256 tally, uint256[4][15] memory counts) private pure {
        for (uint256 lane = 0; lane < LANES; ++lane) {
            for (uint256 grade = 0; grade < 4; ++grade) {
                assertEq(PlainTally.nibble(tally, lane, grade), counts[lane][grade], "counter");
            }
        }
    }

    function _isWellFormed(uint256 word) private pure returns (bool wellFormed) {
        (, wellFormed) = RawTally.parse(word);
    }

    function _lane(uint256 lanes, uint256 lane) private pure returns (uint256) {
        return (lanes >> (lane * 16)) & 0xffff;
    }
}
