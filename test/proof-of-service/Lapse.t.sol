// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice An auditor that misses more than 24 epochs with a seed does not count any more.
contract LapseTest is Deployment {
    AuditorActor private _alice;
    AuditorActor private _idle;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = newAuditor("alice", 5_000e18);
        // Both are usable from epoch 2 on; the idle one never reveals.
        _idle = newAuditor("idle", 45_000e18);
    }

    function test_AfterTwentyFiveSeedsWithoutARevealAnyoneMayLapse() public {
        _ticks(1, 28);
        // Epochs 3 to 26 are past their reveal: 24.
        _expectNotLapsable(2, 24);
        _ticks(29, 29);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorLapsed(address(_idle), 31);
        vm.prank(STRANGER);
        pos.lapse(address(_idle));

        (uint96 stake, uint96 total) = auditorStakeAt(address(_idle), 30);
        vm.assertEq(stake, 45_000e18, "the next epoch's stands");
        vm.assertEq(total, 50_000e18, "and the total");
        (stake, total) = auditorStakeAt(address(_idle), 31);
        vm.assertEq(stake, 0, "none from the one after on");
        vm.assertEq(total, 5_000e18, "nor in the total");
        (stake, ) = staking.auditorStake(address(_idle));
        vm.assertEq(stake, 45_000e18, "no slash");
        vm.assertEq(token.balanceOf(STRANGER), 0, "no reward");
    }

    function test_EpochsWithoutASeedDoNotCount() public {
        // Every third epoch has a seed: 3, 6 and so on; 25 of them are past their reveal in 77.
        for (uint32 epoch = 3; epoch <= 75; epoch += 3) {
            enterAndTick(epoch);
        }
        enter(76);
        _expectNotLapsable(2, 24);
        enter(77);
        pos.lapse(address(_idle));
    }

    /// @dev No seed is recorded in time. An adversary records each one when it is too late to reveal, to remove all
    /// auditors from the draws at once.
    function test_SeedsRecordedAfterTheTimeToRevealDoNotCount() public {
        _ticks(1, 2);
        for (uint32 epoch = 3; epoch <= 38; ++epoch) {
            enter(epoch + 2);
            tick(epoch);
        }
        _expectNotLapsable(2, 0);
        // From here on they are recorded in time.
        _ticks(41, 65);
        enter(66);
        _expectNotLapsable(2, 24);
        enter(67);
        pos.lapse(address(_idle));
    }

    function test_ARevealResetsTheCount() public {
        _ticks(1, 20);
        _idle.commitWords(20, new uint256[](0), 512);
        _ticks(21, 21);
        // An empty round, as of an auditor that drew nothing.
        _idle.reveal(20);
        _ticks(22, 46);
        _expectNotLapsable(20, 24);
        _ticks(47, 47);
        pos.lapse(address(_idle));
    }

    function test_APendingTipResetsTheCount() public {
        _ticks(1, 20);
        _idle.enrol();
        _ticks(21, 48);
        // Usable from 22 on: epochs 23 to 46 are past their reveal.
        _expectNotLapsable(22, 24);
        _ticks(49, 49);
        pos.lapse(address(_idle));
    }

    function test_WhoAuditsIsNeverLapsed() public {
        _ticks(1, 2);
        for (uint32 epoch = 2; epoch < 40; ++epoch) {
            _alice.commit(epoch, 3);
            _ticks(epoch + 1, epoch + 1);
            _alice.reveal(epoch);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IProofOfService.PosNotLapsable.selector,
                    address(_alice),
                    epoch,
                    0
                )
            );
            pos.lapse(address(_alice));
        }
    }

    function test_LapsingCostsNothingAndANewTipBringsItBack() public {
        _ticks(1, 29);
        pos.lapse(address(_idle));
        enter(30);
        _idle.enrol();
        for (uint32 epoch = 30; epoch < 33; ++epoch) {
            (uint96 stake, uint96 total) = auditorStakeAt(address(_idle), epoch);
            bool counts = epoch != 31;
            vm.assertEq(stake, counts ? 45_000e18 : 0, "out in 31 only");
            vm.assertEq(total, counts ? 50_000e18 : 5_000e18, "in the total too");
            enter(epoch + 1);
        }
        _ticks(34, 34);
        _idle.commit(34, 3);
        enter(35);
        _idle.reveal(34);
        vm.assertGt(tallyOf(0, 34), 0, "its votes count");
    }

    function test_TheRoundsBeforeTheLapseStillCount() public {
        _ticks(1, 29);
        _idle.commit(29, 3);
        pos.lapse(address(_idle));
        uint256 weight = _idle.weightIn(29, 0);
        vm.assertEq(_idle.weightIn(31, 0), 0, "no draw from the next but one on");
        _ticks(30, 30);
        _idle.reveal(29);
        vm.assertEq(tallyOf(0, 29) >> 240, weight, "the epoch that had begun");
    }

    function test_IdleStakeStarvesNoQuorumAfterwards() public {
        _ticks(1, 28);
        vm.assertLe(_alice.weightIn(28, 0), 1, "7/10 of a vote");
        _alice.commit(28, 3);
        _ticks(29, 29);
        _alice.reveal(28);
        (, bool quorate) = settlement.verdictOf(1, 28);
        vm.assertFalse(quorate, "starved");

        pos.lapse(address(_idle));
        _ticks(30, 31);
        vm.assertEq(_alice.weightIn(31, 0), 7, "all of it");
        _alice.commit(31, 3);
        _ticks(32, 32);
        _alice.reveal(31);
        (, quorate) = settlement.verdictOf(1, 31);
        vm.assertTrue(quorate, "a verdict");
    }

    function test_StakeThatCameBackWithoutATipDoesNotCount() public {
        _ticks(1, 29);
        pos.lapse(address(_idle));
        _idle.stake(5_000e18);
        (uint96 stake, uint96 total) = auditorStakeAt(address(_idle), 31);
        vm.assertTrue(stake == 0 && total == 5_000e18, "not enrolled");
    }

    function test_RevertsWhen_NotEnrolled() public {
        _ticks(1, 29);
        pos.lapse(address(_idle));
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotEnrolled.selector, address(_idle), 0)
        );
        pos.lapse(address(_idle));
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNotEnrolled.selector, STRANGER, 0));
        pos.lapse(STRANGER);
    }

    function test_RevertsWhen_TheFirstSeedsAreStillToCome() public {
        enter(100);
        _expectNotLapsable(2, 0);
    }

    function test_WhatTheRingForgotDoesNotCount() public {
        _ticks(1, 27);
        // 25 seeds from 3 on, but the reveals of the last two are not over.
        _expectNotLapsable(2, 23);
        // After a long pause the seed of 260 overwrites the entry of 4: the ring holds 260 and 5 to 27.
        _ticks(260, 260);
        enter(262);
        _expectNotLapsable(2, 24);
        _ticks(290, 290);
        enter(292);
        pos.lapse(address(_idle));
    }

    function test_TheEntryThatTheNewestSeedTookIsNoneOfTheOldOnes() public {
        _ticks(1, 27);
        // 283 shares its entry with 27, the one recorded before it.
        _ticks(283, 283);
        enter(290);
        _expectNotLapsable(2, 1);
    }

    function _ticks(uint32 from, uint32 to) private {
        for (uint32 epoch = from; epoch <= to; ++epoch) {
            enterAndTick(epoch);
        }
    }

    function _expectNotLapsable(uint32 lastSeen, uint256 missed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotLapsable.selector,
                address(_idle),
                lastSeen,
                missed
            )
        );
        pos.lapse(address(_idle));
    }
}
