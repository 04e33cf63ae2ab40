// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LANE_BITS, ONES, ReportWord, ReportWordLib} from "./ReportWord.sol";
import {LANES} from "./Slot.sol";
import {SortitionLib} from "./SortitionLib.sol";
import {Tally} from "./Tally.sol";

/// @title PayLib
/// @notice Pay for votes and verdicts. Every division rounds down, in the pool's favour.
library PayLib {
    /// @notice Pay of a quarter vote if a single unit of weight were counted: `budget / (4 * active)`, rounded down.
    /// @param budget The epoch's budget for auditors, BLOC in wei.
    /// @param active Active services of the epoch.
    /// @return BLOC in wei; 0 without services.
    function quarterPay(uint256 budget, uint256 active) internal pure returns (uint256) {
        return active == 0 ? 0 : budget / (4 * active);
    }

    /// @notice Pay of a quarter vote per unit of weight, by the counted weight of its lane:
    /// `budget / (4 * active * max(K, counted))`, rounded down. Floors nest: dividing in two steps gives
    /// the same.
    /// @param quarter From {quarterPay}.
    /// @return table Entry `n` applies to a lane with counted weight `n`.
    function rates(uint256 quarter) internal pure returns (uint256[16] memory table) {
        unchecked {
            for (uint256 n = 0; n < 16; ++n) {
                table[n] = quarter / (n < SortitionLib.K ? SortitionLib.K : n);
            }
        }
    }

    /// @notice Pay of one report word per unit of drawn weight.
    /// @param tally The shard's tally without marks.
    /// @param word The report word.
    /// @param table From {rates}.
    /// @return pay BLOC in wei.
    /// @return paid Lanes with 1 for each vote that earned pay.
    function report(
        Tally tally,
        ReportWord word,
        uint256[16] memory table
    ) internal pure returns (uint256 pay, uint256 paid) {
        (uint256 quarters, uint256 counts) = tally.payQuarters(word);
        if (quarters == 0) return (0, 0);
        paid = (quarters | (quarters >> 1) | (quarters >> 2)) & ONES;
        unchecked {
            // Most reports vote on the whole shard, so each lane counted the shard's whole weight: one product is
            // enough. The loop is the plain version, with which the tests compare.
            uint256 weight = tally.weight();
            counts &= paid * 0xf;
            if (counts == paid * weight) return (table[weight] * ReportWordLib.sum(quarters), paid);
            for (uint256 lane = 0; lane < LANES; ++lane) {
                uint256 shift = lane * LANE_BITS;
                pay += ((quarters >> shift) & 0xf) * table[(counts >> shift) & 0xf];
            }
        }
    }

    /// @notice A provider's pay for an epoch, rounded down.
    /// @param budget The epoch's budget for providers, BLOC in wei.
    /// @param stake The service's counted stake.
    /// @param total Counted stake of all active services; not 0.
    /// @param grade The verdict.
    /// @return BLOC in wei.
    function provider(
        uint256 budget,
        uint256 stake,
        uint256 total,
        uint256 grade
    ) internal pure returns (uint256) {
        uint256 percent =
            grade == 0
                ? 0
                : grade == 1
                    ? 40
                    : grade == 2
                        ? 80
                        : 100;
        return (budget * stake * percent) / (total * 100);
    }
}
