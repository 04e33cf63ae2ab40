// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract UnbondingLibTest is Assertions {
    using UnbondingLib for UnbondingLib.Queue;

    uint256 private constant BOUND = 16;

    UnbondingLib.Queue private _queue;
    UnbondingLib.Entry[] private _plain;
    uint256 private _plainHead;

    function testEmptyQueue() public {
        (uint96 amount, address beneficiary) = _queue.pop(type(uint64).max);
        assertEq(amount, 0, "amount");
        assertEq(beneficiary, address(0), "beneficiary");
        assertEq(_queue.list().length, 0, "list");
    }

    function testMaturesAtItsSecond() public {
        _queue.push(5, 100, address(7));
        (uint96 amount, ) = _queue.pop(99);
        assertEq(amount, 0, "a second early");
        assertEq(_queue.list().length, 1, "still open");
        address beneficiary;
        (amount, beneficiary) = _queue.pop(100);
        assertEq(amount, 5, "amount");
        assertEq(beneficiary, address(7), "beneficiary");
        assertEq(_queue.list().length, 0, "taken");
    }

    function testTakenEntryIsCleared() public {
        _queue.push(5, 100, address(7));
        _queue.pop(100);
        UnbondingLib.Entry storage entry = _queue.entries[0];
        assertEq(entry.amount, 0, "amount");
        assertEq(entry.releaseAt, 0, "releaseAt");
        assertEq(entry.beneficiary, address(0), "beneficiary");
    }

    function testSeventeenthIsRefusedUntilOneLeaves() public {
        for (uint96 i = 1; i <= BOUND; ++i) {
            this.push(i, 100, address(1));
        }
        vm.expectRevert(abi.encodeWithSelector(UnbondingLib.UnbondingQueueFull.selector, BOUND));
        this.push(17, 100, address(1));
        (uint96 first, ) = _queue.pop(100);
        assertEq(first, 1, "the oldest leaves");
        this.push(17, 100, address(1));
        UnbondingLib.Entry[] memory open = _queue.list();
        assertEq(open.length, BOUND, "open");
        assertEq(open[0].amount, 2, "oldest");
        assertEq(open[BOUND - 1].amount, 17, "newest");
    }

    function testLargestValuesFit() public {
        _queue.push(type(uint96).max, type(uint64).max, address(type(uint160).max));
        UnbondingLib.Entry memory entry = _queue.list()[0];
        assertEq(entry.amount, type(uint96).max, "amount");
        assertEq(entry.releaseAt, type(uint64).max, "releaseAt");
        assertEq(entry.beneficiary, address(type(uint160).max), "beneficiary");
    }

    /// @dev Pushes and pops in any order, against an array that never forgets.
    function testFuzzAgainstArray(uint256 seed) public {
        uint256 time = 1000;
        for (uint256 i = 0; i < 80; ++i) {
            time += roll(seed, 4 * i, 4);
            uint256 open = _plain.length - _plainHead;
            if (roll(seed, 4 * i + 1, 5) < 3 && open < BOUND) {
                _push(uint96(1 + roll(seed, 4 * i + 2, 1e6)), uint64(time + 20));
            } else {
                _pop(time);
            }
            UnbondingLib.Entry[] memory list = _queue.list();
            assertEq(list.length, _plain.length - _plainHead, "open");
            for (uint256 k = 0; k < list.length; ++k) {
                UnbondingLib.Entry storage entry = _plain[_plainHead + k];
                assertEq(list[k].amount, entry.amount, item("amount", k));
                assertEq(list[k].releaseAt, entry.releaseAt, item("releaseAt", k));
                assertEq(list[k].beneficiary, entry.beneficiary, item("beneficiary", k));
            }
        }
    }

    function push(uint96 amount, uint64 releaseAt, address beneficiary) external {
        _queue.push(amount, releaseAt, beneficiary);
    }

    function _push(uint96 amount, uint64 releaseAt) private {
        address beneficiary = address(uint160(amount) + 1);
        _queue.push(amount, releaseAt, beneficiary);
        _plain.push(UnbondingLib.Entry(amount, releaseAt, beneficiary));
    }

    function _pop(uint256 time) private {
        (uint96 amount, address beneficiary) = _queue.pop(time);
        if (_plainHead == _plain.length || _plain[_plainHead].releaseAt > time) {
            assertEq(amount, 0, "nothing has matured");
            assertEq(beneficiary, address(0), "nobody");
            return;
        }
        assertEq(amount, _plain[_plainHead].amount, "first in, first out");
        assertEq(beneficiary, _plain[_plainHead].beneficiary, "beneficiary");
        ++_plainHead;
    }
}
