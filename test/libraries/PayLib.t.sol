// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PayLib} from "../../contracts/libraries/PayLib.sol";
import {Assertions} from "../support/Assertions.sol";
import {PlainTally} from "../support/PlainTally.sol";
import {RawTally} from "../support/RawTally.sol";

contract PayLibTest is Assertions {
    uint256 private constant LANES = 15;

    function testQuartersTable() public view {
        uint256[] memory quarters = uints(vectors("pay"), ".quarters");
        assertEq(quarters.length, 16, "vectors");
        // With a rate of 1 per quarter, the pay of one vote is its entry in the table.
        uint256[16] memory table;
        for (uint256 n = 0; n < 16; ++n) {
            table[n] = 1;
        }
        for (uint256 vote = 0; vote < 4; ++vote) {
            for (uint256 verdict = 0; verdict < 4; ++verdict) {
                uint256 tally = uint256(3) << (verdict * 4);
                uint256 word = uint256(1) << (vote * 4);
                (uint256 pay, uint256 paid) = RawTally.report(tally, word, table);
                uint256 expected = quarters[vote * 4 + verdict];
                assertEq(pay, expected, item("quarters", vote * 4 + verdict));
                assertEq(paid, expected == 0 ? 0 : 1, item("paid", vote * 4 + verdict));
            }
        }
    }

    function testReportVectors() public view {
        string memory json = vectors("pay");
        uint256[] memory tally = uints(json, ".tally");
        uint256[] memory word = uints(json, ".word");
        uint256[] memory budget = uints(json, ".budget");
        uint256[] memory active = uints(json, ".active");
        uint256[] memory pay = uints(json, ".reportPay");
        uint256[] memory paid = uints(json, ".paidVotes");
        assertTrue(pay.length > 20, "vectors");
        for (uint256 i = 0; i < pay.length; ++i) {
            uint256[16] memory table = _rates(budget[i], active[i]);
            (uint256 gotPay, uint256 gotPaid) = RawTally.report(tally[i], word[i], table);
            assertEq(gotPay, pay[i], item("reportPay", i));
            assertEq(RawTally.sum(gotPaid), paid[i], item("paidVotes", i));
        }
    }

    function testProviderVectors() public view {
        string memory json = vectors("pay");
        uint256[] memory budget = uints(json, ".providerBudget");
        uint256[] memory stake = uints(json, ".stake");
        uint256[] memory total = uints(json, ".total");
        uint256[] memory grade = uints(json, ".grade");
        uint256[] memory pay = uints(json, ".providerPay");
        assertTrue(pay.length > 10, "vectors");
        for (uint256 i = 0; i < pay.length; ++i) {
            uint256 got = PayLib.provider(budget[i], stake[i], total[i], grade[i]);
            assertEq(got, pay[i], item("providerPay", i));
        }
    }

    function testProviderPercent() public pure {
        uint256[4] memory percent = [uint256(0), 40, 80, 100];
        for (uint256 grade = 0; grade < 4; ++grade) {
            assertEq(PayLib.provider(1000, 7, 7, grade), percent[grade] * 10, item("all", grade));
        }
        assertEq(PayLib.provider(1000, 1, 3, 3), 333, "rounded down");
    }

    function testRatesWithoutServices() public pure {
        assertEq(PayLib.quarterPay(1e24, 0), 0, "a quarter");
        uint256[16] memory table = _rates(1e24, 0);
        for (uint256 n = 0; n < 16; ++n) {
            assertEq(table[n], 0, item("rate", n));
        }
    }

    function testFuzzRates(uint96 budget, uint32 active) public pure {
        vm.assume(active != 0);
        uint256[16] memory table = _rates(budget, active);
        for (uint256 n = 0; n < 16; ++n) {
            uint256 divisor = n > 7 ? n : 7;
            assertEq(table[n], uint256(budget) / (4 * uint256(active) * divisor), item("rate", n));
        }
    }

    /// @dev For any weights, the total pay of a lane stays within its share of the budget.
    function testFuzzLaneStaysWithinItsShare(uint96 budget, uint32 active, uint8 n) public pure {
        vm.assume(active != 0);
        uint256 counted = n % 16;
        uint256[16] memory table = _rates(budget, active);
        assertLe(table[counted] * 4 * counted, uint256(budget) / active, "share of a lane");
    }

    /// @dev The plain loop: each vote by the table, at its own lane's rate.
    function testFuzzReport(uint256 seed, uint8 reports, uint96 budget, uint32 active) public pure {
        uint256 tally = PlainTally.randomTally(seed, 1 + (reports % 12)) | (seed << 244);
        _checkReport(tally, PlainTally.randomVotes(~seed) | (seed << 240), budget, active);
    }

    /// @dev The same for tallies in which every lane counted the whole weight, which use the fast path.
    function testFuzzReportOfWholeShard(
        uint256 seed,
        uint8 weight,
        uint96 budget,
        uint32 active
    ) public pure {
        uint256 tally = 0;
        uint256 each = 1 + (weight % 15);
        for (uint256 lane = 0; lane < LANES; ++lane) {
            for (uint256 i = 0; i < each; ++i) {
                tally += uint256(1) << (lane * 16 + 4 * roll(seed, lane * 15 + i, 4));
            }
        }
        _checkReport(tally | (each << 240), PlainTally.randomVotes(~seed), budget, active);
    }

    /// @dev Different rates for each count show whether the count of the right lane was used.
    function testFuzzReportUsesItsOwnLanesCount(uint256 seed, uint8 reports) public pure {
        uint256[16] memory table;
        for (uint256 n = 0; n < 16; ++n) {
            table[n] = 1 << (8 * n);
        }
        uint256 tally = PlainTally.randomTally(seed, 1 + (reports % 12));
        _checkReportWith(tally, PlainTally.randomVotes(~seed), table);
    }

    function _checkReport(uint256 tally, uint256 word, uint96 budget, uint32 active) private pure {
        _checkReportWith(tally, word, _rates(budget, active));
    }

    function _checkReportWith(uint256 tally, uint256 word, uint256[16] memory table) private pure {
        uint256 expectedPay = 0;
        uint256 expectedPaid = 0;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            uint256 verdict = PlainTally.verdictIn(tally, lane);
            uint256 quarters = PlainTally.quarters(PlainTally.voteIn(word, lane), verdict);
            if (quarters == 0) continue;
            expectedPaid |= uint256(1) << (lane * 16);
            expectedPay += quarters * table[PlainTally.total(tally, lane)];
        }
        (uint256 pay, uint256 paid) = RawTally.report(tally, word, table);
        assertEq(pay, expectedPay, "pay");
        assertEq(paid, expectedPaid, "paid");
    }

    function _rates(uint256 budget, uint256 active) private pure returns (uint256[16] memory) {
        return PayLib.rates(PayLib.quarterPay(budget, active));
    }
}
