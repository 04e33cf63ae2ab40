// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract UnbondingLibTest is Assertions {
    using UnbondingLib for UnbondingLib.Queue;

    uint256 private constant BOUND = 16;

    UnbondingLib.Queue private _queue;
    /// @dev The reference: a plain array of open entries.
    UnbondingLib.Entry[] private _plain;

    function testEmptyQueue() public {
        assertEq(_queue.popMatured(type(uint64).max), 0, "nothing to take");
        assertEq(_queue.cut(5), 0, "nothing to cut");
        assertEq(_queue.list().length, 0, "list");
    }

    function testMaturesAtItsSecond() public {
        _queue.push(5, 100);
        assertEq(_queue.popMatured(99), 0, "a second early");
        assertEq(_queue.list().length, 1, "still open");
        assertEq(_queue.popMatured(100), 5, "amount");
        assertEq(_queue.list().length, 0, "taken");
    }

    function testTakesAllThatMaturedAtOnce() public {
        _queue.push(5, 100);
        _queue.push(7, 100);
        _queue.push(11, 101);
        assertEq(_queue.popMatured(100), 12, "two of three");
        assertEq(_queue.list().length, 1, "one waits");
        assertEq(_queue.popMatured(101), 11, "the last");
    }

    function testTakenEntryIsCleared() public {
        _queue.push(5, 100);
        _queue.popMatured(100);
        UnbondingLib.Entry storage entry = _queue.entries[0];
        assertEq(entry.amount, 0, "amount");
        assertEq(entry.releaseAt, 0, "releaseAt");
    }

    function testCutsTheNewestFirst() public {
        _queue.push(5, 100);
        _queue.push(7, 101);
        _queue.push(11, 102);

        assertEq(_queue.cut(13), 13, "taken");
        UnbondingLib.Entry[] memory open = _queue.list();
        assertEq(open.length, 2, "the newest is gone");
        assertEq(open[0].amount, 5, "the oldest is whole");
        assertEq(open[1].amount, 5, "two of the second are gone");
        assertEq(open[1].releaseAt, 101, "which matures as it did");
        UnbondingLib.Entry storage gone = _queue.entries[2];
        assertEq(gone.amount + gone.releaseAt, 0, "cleared");
    }

    function testCutsWholeEntriesAndNoMore() public {
        _queue.push(5, 100);
        _queue.push(7, 101);

        assertEq(_queue.cut(0), 0, "nothing asked for");
        assertEq(_queue.list().length, 2, "nothing cut");
        assertEq(_queue.cut(7), 7, "exactly the newest");
        assertEq(_queue.list().length, 1, "one left");
        assertEq(_queue.cut(6), 5, "more than there is");
        assertEq(_queue.list().length, 0, "nothing left");
    }

    function testACutLeavesRoom() public {
        for (uint96 i = 1; i <= BOUND; ++i) {
            this.push(i, 100);
        }
        _queue.cut(16);
        this.push(17, 101);
        UnbondingLib.Entry[] memory open = _queue.list();
        assertEq(open.length, BOUND, "open");
        assertEq(open[BOUND - 1].amount, 17, "in the place of the one that was cut");
    }

    function testSeventeenthIsRefusedUntilOneLeaves() public {
        this.push(1, 99);
        for (uint96 i = 2; i <= BOUND; ++i) {
            this.push(i, 100);
        }
        vm.expectRevert(abi.encodeWithSelector(UnbondingLib.UnbondingQueueFull.selector, BOUND));
        this.push(17, 100);
        assertEq(_queue.popMatured(99), 1, "the oldest leaves");
        this.push(17, 100);
        UnbondingLib.Entry[] memory open = _queue.list();
        assertEq(open.length, BOUND, "open");
        assertEq(open[0].amount, 2, "oldest");
        assertEq(open[BOUND - 1].amount, 17, "newest");
    }

    function testLargestValuesFit() public {
        _queue.push(type(uint96).max, type(uint64).max);
        UnbondingLib.Entry memory entry = _queue.list()[0];
        assertEq(entry.amount, type(uint96).max, "amount");
        assertEq(entry.releaseAt, type(uint64).max, "releaseAt");
        assertEq(_queue.cut(type(uint96).max), type(uint96).max, "cut");
    }

    /// @dev Pushes, takes and cuts in any order.
    function testFuzzAgainstArray(uint256 seed) public {
        uint256 time = 1000;
        for (uint256 i = 0; i < 80; ++i) {
            time += roll(seed, 4 * i, 4);
            uint256 dice = roll(seed, 4 * i + 1, 8);
            uint96 amount = uint96(1 + roll(seed, 4 * i + 2, 1e6));
            if (dice < 5 && _plain.length < BOUND) _push(amount, uint64(time + 20));
            else if (dice < 7)
                assertEq(_queue.popMatured(time), _plainMatured(time), "matured");
                // Sometimes more than all, sometimes 1 wei.
            else assertEq(_queue.cut(amount), _plainCut(amount), "cut");

            UnbondingLib.Entry[] memory list = _queue.list();
            assertEq(list.length, _plain.length, "open");
            for (uint256 k = 0; k < list.length; ++k) {
                assertEq(list[k].amount, _plain[k].amount, item("amount", k));
                assertEq(list[k].releaseAt, _plain[k].releaseAt, item("releaseAt", k));
            }
        }
    }

    function push(uint96 amount, uint64 releaseAt) external {
        _queue.push(amount, releaseAt);
    }

    function _push(uint96 amount, uint64 releaseAt) private {
        _queue.push(amount, releaseAt);
        _plain.push(UnbondingLib.Entry(amount, releaseAt));
    }

    function _plainMatured(uint256 time) private returns (uint256 sum) {
        while (_plain.length != 0 && _plain[0].releaseAt <= time) {
            sum += _plain[0].amount;
            for (uint256 k = 1; k < _plain.length; ++k) {
                _plain[k - 1] = _plain[k];
            }
            _plain.pop();
        }
    }

    /// @dev Takes from the last entry until the amount is reached.
    function _plainCut(uint256 amount) private returns (uint256 taken) {
        while (amount != 0 && _plain.length != 0) {
            UnbondingLib.Entry storage last = _plain[_plain.length - 1];
            uint256 part = last.amount < amount ? last.amount : amount;
            last.amount -= uint96(part);
            if (last.amount == 0) _plain.pop();
            taken += part;
            amount -= part;
        }
    }
}
