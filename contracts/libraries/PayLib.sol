// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SortitionLib} from "./SortitionLib.sol";
import {TallyLib} from "./TallyLib.sol";

/// @title PayLib
/// @notice What votes and verdicts earn. Every division rounds down, in the pool's favour.
library PayLib {
    /// @notice Pay of a quarter vote per unit of weight, by the weight counted in its lane:
    /// `budget / (4 * active * max(K, counted))`, rounded down.
    /// @param budget The epoch's budget for auditors, BLOC in wei.
    /// @param active Active services of the epoch.
    /// @return table Entry `n` holds for a lane that counted weight `n`.
    function rates(
        uint256 budget,
        uint256 active
    ) internal pure returns (uint256[16] memory table) {
        if (active == 0) return table;
        for (uint256 n = 0; n < 16; ++n) {
            uint256 divisor = n < SortitionLib.K ? SortitionLib.K : n;
            table[n] = budget / (4 * active * divisor);
        }
    }

    /// @notice What one report word earns per unit of drawn weight.
    /// @param tally The shard's tally.
    /// @param word The report word.
    /// @param table From {rates}.
    /// @return pay BLOC in wei.
    /// @return votes How many of its votes earned something.
    function report(
        uint256 tally,
        uint256 word,
        uint256[16] memory table
    ) internal pure returns (uint256 pay, uint256 votes) {
        uint256 quarters = TallyLib.payQuarters(tally, word);
        if (quarters == 0) return (0, 0);
        uint256 paid = (quarters | (quarters >> 1) | (quarters >> 2)) & TallyLib.ONES;
        votes = TallyLib.sum(paid);

        // Most shards are voted on as a whole, so all lanes counted the same weight: one product. The
        // loop is the plain version, and its test oracle.
        uint256 counts = TallyLib.counted(tally) & (paid * 0xf);
        uint256 first = _first(counts);
        if (counts == paid * first) return (table[first] * TallyLib.sum(quarters), votes);
        for (uint256 lane = 0; lane < TallyLib.LANES; ++lane) {
            pay += ((quarters >> (lane * 16)) & 0xf) * table[(counts >> (lane * 16)) & 0xf];
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

    /// @dev The count of the lowest lane that has one; equal to all others where the caller's test holds.
    function _first(uint256 counts) private pure returns (uint256) {
        if (counts == 0) return 0;
        while (counts & 0xffff == 0) counts >>= 16;
        return counts & 0xf;
    }
}
