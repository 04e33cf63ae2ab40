// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EpochClock} from "../../contracts/registry/EpochClock.sol";
import {IEpochClock} from "../../contracts/registry/IEpochClock.sol";
import {vm} from "../support/Cheatcodes.sol";

contract Clock is EpochClock {
    constructor(uint64 genesis_, uint32 epochSeconds_) EpochClock(genesis_, epochSeconds_) {}
}

contract EpochClockTest {
    function test_AnEpochBeginsAtItsFirstSecond() public {
        Clock clock = new Clock(1_000, 12);

        vm.warp(1_000 + 11);
        vm.assertEq(clock.currentEpoch(), 0, "last second of epoch 0");
        vm.warp(1_000 + 12);
        vm.assertEq(clock.currentEpoch(), 1, "first second of epoch 1");
        vm.assertEq(clock.epochStart(1), 1_012, "start");
    }

    function testFuzz_TheStartOfAnEpochLiesInIt(uint32 epoch, uint32 length) public {
        vm.assume(length != 0);
        Clock clock = new Clock(1_000, length);

        vm.warp(clock.epochStart(epoch));
        vm.assertEq(clock.currentEpoch(), epoch, "first second");
        vm.warp(uint256(clock.epochStart(epoch)) + length - 1);
        vm.assertEq(clock.currentEpoch(), epoch, "last second");
    }

    function test_RevertsWhen_AnEpochHasNoLength() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochClock.EpochSecondsZero.selector));
        new Clock(1_000, 0);
    }
}
