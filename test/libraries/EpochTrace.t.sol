// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EpochTrace} from "../../contracts/libraries/EpochTrace.sol";
import {Assertions} from "../support/Assertions.sol";

contract EpochTraceTest is Assertions {
    using EpochTrace for EpochTrace.Trace;

    /// @dev Epochs of a fuzzed history.
    uint32 private constant HORIZON = 48;

    EpochTrace.Trace private _trace;

    function testEmptyTraceIsZero() public view {
        assertEq(_trace.latest(), 0, "latest");
        assertEq(_trace.valueAt(0), 0, "epoch 0");
        assertEq(_trace.valueAt(type(uint32).max), 0, "last epoch");
    }

    function testReadsBetweenCheckpoints() public {
        _trace.set(3, 30);
        _trace.set(5, 50);
        _trace.set(5, 51);
        _trace.set(9, 0);
        uint200[11] memory expected = [uint200(0), 0, 0, 30, 30, 51, 51, 51, 51, 0, 0];
        for (uint32 epoch = 0; epoch < expected.length; ++epoch) {
            assertEq(_trace.valueAt(epoch), expected[epoch], item("valueAt", epoch));
        }
        assertEq(uint24(_trace.newest >> 200), 2, "older checkpoints");
    }

    function testUnchangedValueWritesNothing() public {
        _trace.set(3, 30);
        _trace.set(8, 30);
        assertEq(_trace.newest >> 224, 3, "since");
        assertEq(uint24(_trace.newest >> 200), 0, "older checkpoints");
    }

    function testEpochZeroIsKept() public {
        _trace.set(0, 5);
        _trace.set(4, 7);
        assertEq(_trace.valueAt(0), 5, "epoch 0");
        assertEq(_trace.valueAt(3), 5, "epoch 3");
        assertEq(_trace.valueAt(4), 7, "epoch 4");
    }

    function testExtremes() public {
        _trace.set(1, type(uint200).max);
        _trace.set(type(uint32).max, 1);
        assertEq(_trace.valueAt(type(uint32).max - 1), type(uint200).max, "largest value");
        assertEq(_trace.valueAt(type(uint32).max), 1, "last epoch");
    }

    function testOlderCheckpointIsRefused() public {
        this.set(9, 1);
        vm.expectRevert(abi.encodeWithSelector(EpochTrace.EpochTraceUnordered.selector, 8, 9));
        this.set(8, 2);
    }

    function testOlderCheckpointIsRefusedEvenUnchanged() public {
        this.set(9, 1);
        vm.expectRevert(abi.encodeWithSelector(EpochTrace.EpochTraceUnordered.selector, 0, 9));
        this.set(0, 1);
    }

    /// @dev Random changes, compared with an array of all epochs.
    function testFuzzAgainstArray(uint256 seed) public {
        uint200[HORIZON] memory plain;
        uint32 since = uint32(roll(seed, 0, 3));
        for (uint256 i = 1; i < 40; ++i) {
            // Few values, so that some changes keep the value; a third of the changes are in the same epoch.
            uint200 value = uint200(roll(seed, 3 * i, 4));
            since += uint32(roll(seed, 3 * i + 1, 3));
            if (since >= HORIZON) break;
            _trace.set(since, value);
            for (uint32 epoch = since; epoch < HORIZON; ++epoch) {
                plain[epoch] = value;
            }
            assertEq(_trace.latest(), value, "latest");
            for (uint32 epoch = 0; epoch < HORIZON; ++epoch) {
                assertEq(_trace.valueAt(epoch), plain[epoch], item("valueAt", epoch));
            }
        }
    }

    function set(uint32 since, uint200 value) external {
        _trace.set(since, value);
    }
}
