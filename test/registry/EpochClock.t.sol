// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEpochClock} from "../../contracts/registry/IEpochClock.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";

/// @notice The clock that the registry starts in the block of its creation, and that the other contracts copy.
contract EpochClockTest {
    function test_AnEpochBeginsAtItsFirstSecond() public {
        IEpochClock clock = _start(1_000, 12);

        vm.warp(1_000 + 11);
        vm.assertEq(clock.currentEpoch(), 0, "last second of epoch 0");
        vm.warp(1_000 + 12);
        vm.assertEq(clock.currentEpoch(), 1, "first second of epoch 1");
        vm.assertEq(clock.epochStart(1), 1_012, "start");
    }

    function testFuzz_TheStartOfAnEpochLiesInIt(uint32 epoch, uint32 length) public {
        vm.assume(length != 0);
        IEpochClock clock = _start(1_000, length);

        vm.warp(clock.epochStart(epoch));
        vm.assertEq(clock.currentEpoch(), epoch, "first second");
        vm.warp(uint256(clock.epochStart(epoch)) + length - 1);
        vm.assertEq(clock.currentEpoch(), epoch, "last second");
    }

    function test_RevertsWhen_AnEpochHasNoLength() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochClock.EpochSecondsZero.selector));
        _start(1_000, 0);
    }

    function _start(uint64 genesis, uint32 epochSeconds) private returns (IEpochClock) {
        vm.warp(genesis);
        return Artifacts.newRegistry(epochSeconds, address(this), address(0), 1);
    }
}
