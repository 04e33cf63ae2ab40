// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SortitionLib} from "./SortitionLib.sol";
import {TallyLib} from "./TallyLib.sol";

/// @title PayLib
/// @notice What votes and verdicts earn. Every division rounds down, in the pool's favour.
library PayLib {
    /// @notice What a quarter vote would earn if a single unit of weight were counted: `budget / (4 *
    /// active)`, rounded down.
    /// @param budget The epoch's budget for auditors, BLOC in wei.
    /// @param active Active services of the epoch.
    /// @return BLOC in wei; 0 without services.
    function quarterPay(uint256 budget, uint256 active) internal pure returns (uint256) {
        return active == 0 ? 0 : budget / (4 * active);
    }

    /// @notice Pay of a quarter vote per unit of weight, by the weight counted in its lane:
    /// `budget / (4 * active * max(K, counted))`, rounded down. Floors nest: dividing in two steps gives
    /// the same.
    /// @param quarter From {quarterPay}.
    /// @return table Entry `n` holds for a lane that counted weight `n`.
    function rates(uint256 quarter) internal pure returns (uint256[16] memory table) {
        unchecked {
            for (uint256 n = 0; n < 16; ++n) {
                table[n] = quarter / (n < SortitionLib.K ? SortitionLib.K : n);
            }
        }
    }

    /// @notice What one report word earns per unit of drawn weight.
    /// @param tally The shard's tally.
    /// @param word The report word.
    /// @param table From {rates}.
    /// @return pay BLOC in wei.
    /// @return paid Lanes with 1 where the vote earned something.
    function report(
        uint256 tally,
        uint256 word,
        uint256[16] memory table
    ) internal pure returns (uint256 pay, uint256 paid) {
        (uint256 quarters, uint256 counts) = TallyLib.payQuarters(tally, word);
        if (quarters == 0) return (0, 0);
        paid = (quarters | (quarters >> 1) | (quarters >> 2)) & TallyLib.ONES;
        unchecked {
            // Most shards are voted on as a whole, so all lanes counted all the shard's weight: one
            // product. The loop is the plain version, and its test oracle.
            uint256 weight = (tally >> 240) & 0xf;
            counts &= paid * 0xf;
            if (counts == paid * weight) return (table[weight] * TallyLib.sum(quarters), paid);
            for (uint256 lane = 0; lane < TallyLib.LANES; ++lane) {
                pay += ((quarters >> (lane * 16)) & 0xf) * table[(counts >> (lane * 16)) & 0xf];
            }
        }
    }

    /// @notice A provider's pay for an epoch, rounded down.
    /// @param budget The epoch's budget for providers, BLOC in wei.
    /// @param stake The service's stake.
    /// @param total Stake of all active services; not 0.
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
