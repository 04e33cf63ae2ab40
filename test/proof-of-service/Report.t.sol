// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {GENESIS} from "../support/System.sol";

/// @notice A round that was committed to and not revealed costs 0.01% of the counted stake.
contract ReportTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerServices(17);
        // Alone she has weight 7 in both shards.
        _alice = newAuditor("alice", 5_000e18 + 1);
    }

    function test_AnUnrevealedRoundCostsStake() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(4);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(pos));
        emit IProofOfService.Reported(address(_alice), 2, STRANGER);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorSlashed(address(_alice), 0.5e18 + 1, STRANGER);
        vm.prank(STRANGER);
        uint256 slashed = pos.report(address(_alice), 2);

        vm.assertEq(slashed, 0.5e18 + 1, "0.01%, rounded up");
        vm.assertEq(token.balanceOf(STRANGER), 0.25e18, "half, rounded down, to the reporter");
        vm.assertEq(supply - token.totalSupply(), 0.25e18 + 1, "the rest is burned");
        (uint96 stake, ) = auditorStakeAt(address(_alice), 5);
        vm.assertEq(stake, 5_000e18 + 1, "the next epoch's stake stands");
        uint96 total;
        (stake, total) = auditorStakeAt(address(_alice), 6);
        vm.assertEq(stake, 4_999.5e18, "less in the one after");
        vm.assertEq(total, 4_999.5e18, "in the total too");
        (bool committed, , ) = pos.roundOf(address(_alice), 2);
        vm.assertFalse(committed, "the commitment is gone");
    }

    function test_FromTheSecondToTheEighthEpochAfter() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(2);
        _expectWindow(2, 2);
        enter(3);
        _expectWindow(2, 3);
        uint32[2] memory edges = [uint32(4), 10];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            enter(edges[i]);
            vm.assertGt(pos.report(address(_alice), 2), 0, "reported");
            vm.revertToState(snapshot);
        }
        enter(11);
        _expectWindow(2, 11);
        _expectWindow(type(uint32).max, 11);
    }

    function test_ARoundRevealedInPartIsReportedAndTheRestOfItUnpaid() public {
        enterAndTick(2);
        _alice.commitWords(2, _alice.honestWords(2, 3), 1);
        enter(3);
        pos.reveal(_alice.chunkAt(2, 0));
        enterAndTick(4);
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "reported");

        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 4);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosCommitmentMismatch.selector,
                address(_alice),
                2
            )
        );
        pos.claim(chunk, 4, samples);
        vm.assertEq(tallyOf(0, 2) >> 240, 7, "what was counted stays counted");
    }

    function test_AClaimBeforeItDoesNotProtectAPartialRound() public {
        enterAndTick(2);
        _alice.commitWords(2, _alice.honestWords(2, 3), 1);
        enter(3);
        pos.reveal(_alice.chunkAt(2, 0));
        enterAndTick(4);
        pos.claim(_alice.chunkAt(2, 0), 4, _alice.samplesAt(2, 0, 4));
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "reported all the same");
    }

    function test_RevertsWhen_AllOfItWasRevealed() public {
        enterAndTick(2);
        _alice.commitWords(2, _alice.honestWords(2, 3), 1);
        enterAndTick(3);
        _alice.reveal(2);
        // An empty round counts as one.
        _alice.commitWords(3, new uint256[](0), 512);
        enter(4);
        _alice.reveal(3);
        _expectNothing(2);
        enter(5);
        _expectNothing(3);
    }

    function test_RevertsWhen_NothingWasCommittedOrItWasReportedBefore() public {
        enterAndTick(2);
        enterAndTick(3);
        _alice.commit(3, 3);
        enter(5);
        _expectNothing(2);
        pos.report(address(_alice), 3);
        _expectNothing(3);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNothingToReport.selector, STRANGER, 3)
        );
        pos.report(STRANGER, 3);
    }

    function test_RevertsWhen_TheEpochHasNoSeed() public {
        enter(2);
        _commitGarbage(2);
        enter(4);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 2));
        pos.report(address(_alice), 2);
        // Epoch 0 has none either.
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 0));
        pos.report(address(_alice), 0);
    }

    function test_RevertsWhen_TheSeedCameAfterTheTimeToReveal() public {
        enter(2);
        _commitGarbage(2);
        jump(4, 0);
        tick(2);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosSeedTooLate.selector, 2, GENESIS + 48)
        );
        pos.report(address(_alice), 2);
    }

    function test_ASeedInTheLastSecondIsInTime() public {
        enter(2);
        _commitGarbage(2);
        jump(3, 11);
        tick(2);
        enter(4);
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "reported");
    }

    function test_AGarbageCommitmentIsNoWayRound() public {
        enterAndTick(2);
        _commitGarbage(2);
        enter(4);
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "it costs what silence costs");
    }

    function test_TheStakeThatCountedIsWhatItCosts() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        // More stake in the next epoch does not raise it.
        _alice.stake(45_000e18);
        enter(4);
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "of 5,000");
    }

    function test_StakeOnItsWayOutPays() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        _alice.unstake(5_000e18 + 1);
        // The last second for a report: the stake is still in the contract.
        jump(10, 11);
        vm.assertEq(pos.report(address(_alice), 2), 0.5e18 + 1, "reported");
        vm.assertEq(staking.auditorUnbonding(address(_alice))[0].amount, 4_999.5e18, "cut");
    }

    function test_ACommitmentWithoutStakeCostsNothingAndDoesNotRevert() public {
        _alice.unstake(5_000e18 + 1);
        enterAndTick(2);
        _commitGarbage(2);
        enter(4);
        vm.assertEq(pos.report(address(_alice), 2), 0, "nothing counted");
        _expectNothing(2);
    }

    function test_EachRoundCostsForItselfAndTheAuditorGoesOn() public {
        for (uint32 epoch = 2; epoch < 4; ++epoch) {
            enterAndTick(epoch);
            _commitGarbage(epoch);
        }
        enterAndTick(5);
        pos.report(address(_alice), 3);
        pos.report(address(_alice), 2);
        (uint96 stake, ) = staking.auditorStake(address(_alice));
        vm.assertEq(stake, 5_000e18 + 1 - 2 * (0.5e18 + 1), "both");
        // Its stake is below the minimum, but it may do the same as before.
        _alice.commit(5, 3);
        enter(6);
        _alice.reveal(5);
        enterAndTick(7);
        vm.assertGt(_alice.claim(5, 7), 0, "paid");
    }

    function test_WhoReportsItselfLosesHalf() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(4);
        vm.prank(address(_alice));
        pos.report(address(_alice), 2);
        vm.assertEq(token.balanceOf(address(_alice)), 0.25e18, "half comes back");
    }

    function test_TheRingsOldRoundNeitherProtectsNorAccuses() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(3);
        _alice.reveal(2);
        enterAndTick(258);
        uint256 snapshot = vm.snapshotState();
        enter(260);
        // Commitment and reveal of epoch 2 do not count for 258.
        _expectNothing(258);
        vm.revertToState(snapshot);
        _commitGarbage(258);
        enter(260);
        vm.assertEq(pos.report(address(_alice), 258), 0.5e18 + 1, "reported");
    }

    function _commitGarbage(uint32 epoch) private {
        address operator = _alice.OPERATOR();
        vm.prank(operator);
        pos.commit(address(_alice), epoch, keccak256("garbage"));
    }

    function _expectWindow(uint32 epoch, uint32 current) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotReportEpoch.selector, epoch, current)
        );
        pos.report(address(_alice), epoch);
    }

    function _expectNothing(uint32 epoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNothingToReport.selector,
                address(_alice),
                epoch
            )
        );
        pos.report(address(_alice), epoch);
    }
}
