// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ScheduledTotal} from "../../contracts/libraries/ScheduledTotal.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev Plays the staking contract: parts enrol two epochs ahead and change one epoch ahead, or two while
/// they do not count yet. The reference is one array of sums by epoch.
contract ScheduledTotalTest is Assertions {
    using ScheduledTotal for ScheduledTotal.Total;

    uint256 private constant PARTS = 5;
    uint32 private constant HORIZON = 64;

    struct Part {
        uint192 amount;
        uint32 since;
    }

    ScheduledTotal.Total private _total;
    Part[PARTS] private _parts;
    uint192[HORIZON] private _plain;

    function testEmptyTotalIsZero() public view {
        assertEq(_total.valueAt(0), 0, "epoch 0");
        assertEq(_total.valueAt(2), 0, "epoch 2");
    }

    function testJoinsInItsEpoch() public {
        _total.change(10, 12, 100, 0);
        assertEq(_total.valueAt(11), 0, "before");
        assertEq(_total.valueAt(12), 100, "in its epoch");
    }

    function testChangesWhileOthersWait() public {
        _total.change(10, 11, 5, 0);
        _total.change(10, 12, 100, 0);
        _total.change(10, 11, 2, 5);
        _total.change(10, 12, 30, 100);
        assertEq(_total.valueAt(11), 2, "next epoch");
        assertEq(_total.valueAt(12), 32, "next but one");
        // A late visitor settles what waited, in the epoch it was meant for.
        _total.change(20, 22, 7, 0);
        assertEq(_total.valueAt(10), 0, "epoch 10");
        assertEq(_total.valueAt(11), 2, "epoch 11");
        assertEq(_total.valueAt(12), 32, "epoch 12");
        assertEq(_total.valueAt(21), 32, "epoch 21");
        assertEq(_total.valueAt(22), 39, "epoch 22");
    }

    function testTwoEpochsOfAdditionsInARow() public {
        _total.change(10, 12, 1, 0);
        _total.change(11, 13, 10, 0);
        _total.change(12, 14, 100, 0);
        assertEq(_total.valueAt(11), 0, "epoch 11");
        assertEq(_total.valueAt(12), 1, "epoch 12");
        assertEq(_total.valueAt(13), 11, "epoch 13");
        assertEq(_total.valueAt(14), 111, "epoch 14");
    }

    /// @dev Checked arithmetic stands behind the documented precondition: a sum never wraps.
    function testRemovingTooMuchReverts() public {
        this.change(10, 11, 5, 0);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        this.change(10, 11, 0, 6);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        this.change(10, 12, 0, 1);
    }

    function testFuzzAgainstArray(uint256 seed) public {
        uint32 current = uint32(roll(seed, 0, 3));
        for (uint256 i = 1; i <= 48; ++i) {
            // Mostly several operations an epoch; at times a long silence.
            if (roll(seed, 8 * i, 3) == 0) current += uint32(1 + roll(seed, 8 * i + 1, 4));
            if (current + 2 >= HORIZON) break;
            _operate(current, roll(seed, 8 * i + 2, PARTS), roll(seed, 8 * i + 3, 1000));
            // All epochs up to the next but one, the past included: it never changes.
            for (uint32 epoch = 0; epoch <= current + 2; ++epoch) {
                assertEq(_total.valueAt(epoch), _plain[epoch], item("valueAt", epoch));
            }
        }
    }

    function change(uint32 current, uint32 since, uint192 added, uint192 removed) external {
        _total.change(current, since, added, removed);
    }

    /// @dev Enrols a part, or gives it another amount (0 once in a while).
    function _operate(uint32 current, uint256 index, uint256 dice) private {
        Part storage part = _parts[index];
        uint192 amount = dice % 10 == 0 ? 0 : uint192(dice) * 1e18 + 1;
        uint32 since;
        uint192 before = part.amount;
        if (part.since == 0) {
            since = current + 2;
            part.since = since;
        } else {
            since = part.since > current + 1 ? part.since : current + 1;
        }
        part.amount = amount;
        _total.change(current, since, amount, before);
        for (uint32 epoch = since; epoch < HORIZON; ++epoch) {
            _plain[epoch] = _plain[epoch] + amount - before;
        }
    }
}
