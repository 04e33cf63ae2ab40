// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AuditorActor} from "../support/AuditorActor.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice No action in the middle of an epoch, or during its reveal, changes the epoch: its draw, active lanes,
/// keys, votes and pay.
contract AttackEpochTest is Deployment {
    using ChallengeKit for System;
    using SystemLib for System;

    uint256 private constant WAYS = 18;
    uint256 private constant NONE = WAYS;
    address private constant BUYER = address(0xb04e4);

    AuditorActor private _alice;
    AuditorActor private _bob;

    function setUp() public override {
        super.setUp();
        registerServices(3);
        system().fund(PROVIDER, 50_000e18);
        _alice = newAuditor("alice", 5_000e18);
        _bob = newAuditor("bob", 10_000e18);
    }

    function test_NothingDoneInTheEpochChangesIt() public {
        bytes32 undisturbed = _play(NONE, 4);
        for (uint256 way = 0; way < WAYS; ++way) {
            vm.assertEq(_play(way, 4), undisturbed, vm.toString(way));
        }
    }

    function test_NothingDoneWhileItIsRevealedChangesIt() public {
        bytes32 undisturbed = _play(NONE, 5);
        for (uint256 way = 0; way < WAYS; ++way) {
            vm.assertEq(_play(way, 5), undisturbed, vm.toString(way));
        }
    }

    /// @dev The control: each action changes later epochs, so the test above can fail.
    function test_WhatIsDoneCountsFromTheNextEpochButOne() public {
        for (uint256 way = 0; way < WAYS; ++way) {
            // A payout address, an operator, an open challenge and a tip are not part of an epoch's state.
            if (way >= 13) continue;
            uint256 snapshot = vm.snapshotState();
            enterAndTick(4);
            bytes32 before = _whatCountsIn(6);
            _meddle(way);
            vm.assertTrue(_whatCountsIn(6) != before, vm.toString(way));
            vm.revertToState(snapshot);
        }
    }

    /// @dev Its seed may be known already.
    function test_NothingDoneInTheEpochChangesTheNext() public {
        for (uint256 way = 0; way < WAYS; ++way) {
            uint256 snapshot = vm.snapshotState();
            enterAndTick(4);
            bytes32 before = _whatCountsIn(5);
            _meddle(way);
            vm.assertEq(_whatCountsIn(5), before, vm.toString(way));
            vm.revertToState(snapshot);
        }
    }

    /// @dev One audited epoch, 4, with an action in it or in the epoch of its reveal.
    function _play(uint256 way, uint32 when) private returns (bytes32 outcome) {
        uint256 snapshot = vm.snapshotState();
        enterAndTick(4);
        bytes32 before = _whatCountsIn(4);
        if (when == 4) _meddle(way);
        vm.assertEq(_whatCountsIn(4), before, vm.toString(way));
        _alice.commit(4, 3);
        _bob.commit(4, 2);
        enter(5);
        if (when == 5) _meddle(way);
        vm.assertEq(_whatCountsIn(4), before, vm.toString(way));
        _alice.reveal(4);
        _bob.reveal(4);
        enterAndTick(6);
        uint256 alices = _alice.claim(4, 6);
        uint256 bobs = _bob.claim(4, 6);
        vm.assertTrue(alices != 0 && bobs != 0, "both are paid");
        uint256[3] memory pay = [
            settlement.settle(1, 4),
            settlement.settle(2, 4),
            settlement.settle(3, 4)
        ];
        vm.assertGt(pay[0], 0, "and the service");
        outcome = keccak256(abi.encode(tallyOf(0, 4), alices, bobs, pay));
        vm.revertToState(snapshot);
    }

    function _meddle(uint256 way) private {
        if (way == 6) registerService();
        if (way == 7) _alice.stake(50_000e18);
        if (way == 8) _bob.unstake(10_000e18);
        if (way == 12) newAuditor("carol", 100_000e18);
        if (way == 13) _bob.enrol();
        if (way == 14) system().open(STRANGER, 1);
        if (way == 15) _setOperatorAndBack();
        if (way == 9) {
            // As after an unanswered challenge.
            vm.startPrank(address(book));
            staking.slashService(1, PROVIDER, 20e18, STRANGER, STRANGER);
            registry.suspend(1);
            vm.stopPrank();
        }
        if (way == 10) {
            // As after a report.
            vm.prank(address(pos));
            staking.slashAuditor(address(_alice), 1e18, STRANGER);
        }
        if (way == 11) {
            vm.prank(address(pos));
            staking.lapse(address(_bob));
        }
        vm.startPrank(PROVIDER);
        if (way == 0) staking.stakeService(1, 9_000e18);
        if (way == 1) staking.unstakeService(1, 1_000e18);
        if (way == 2) registry.setKey(1, vm.addr(0xbad));
        if (way == 3) registry.setMaintenance(1, true);
        if (way == 4) registry.retire(1);
        if (way == 5) registry.transferFrom(PROVIDER, BUYER, 1);
        if (way == 16) registry.setPayout(1, BUYER);
        if (way == 17) {
            staking.unstakeService(1, 1_000e18);
            registry.transferFrom(PROVIDER, BUYER, 2);
            registry.setMaintenance(3, true);
        }
        vm.stopPrank();
    }

    function _setOperatorAndBack() private {
        address operator = _bob.OPERATOR();
        _bob.setOperator(STRANGER);
        _bob.setOperator(operator);
    }

    /// @dev Draws, masks, keys, statuses, stakes and totals of an epoch.
    function _whatCountsIn(uint32 epoch) private view returns (bytes32 all) {
        all = bytes32(registry.activeLanes(0, epoch));
        for (uint64 number = 1; number <= 4; ++number) {
            (bytes32 probe, ) = registry.probeAt(number, epoch);
            all = keccak256(
                abi.encode(
                    all,
                    registry.keyAt(number, epoch),
                    registry.statusAt(number, epoch),
                    probe,
                    serviceStakeAt(number, epoch)
                )
            );
        }
        (uint96 active, uint64 services) = activeAt(epoch);
        (uint96 alices, uint96 total) = auditorStakeAt(address(_alice), epoch);
        (uint96 bobs, ) = auditorStakeAt(address(_bob), epoch);
        all = keccak256(abi.encode(all, active, services, alices, bobs, total));
        for (uint256 shard = 0; shard < 20; ++shard) {
            all = keccak256(
                abi.encode(all, _alice.weightIn(epoch, shard), _bob.weightIn(epoch, shard))
            );
        }
    }
}
