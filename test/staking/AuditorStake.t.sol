// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IStaking} from "../../contracts/staking/IStaking.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {AUDITOR_STAKE} from "../support/System.sol";

contract AuditorStakeTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        _alice = new AuditorActor(system(), "alice");
    }

    function test_StakeAloneDoesNotEnrol() public {
        vm.expectEmit(address(staking));
        emit IStaking.AuditorStakeChanged(address(_alice), 2, 5_000e18);
        _alice.stake(5_000e18);

        (uint96 stake, uint32 enrolledSince) = staking.auditorStake(address(_alice));
        vm.assertEq(stake, 5_000e18, "stake");
        vm.assertEq(enrolledSince, 0, "not enrolled");
        _assertStakes(1, 0, 0);
        _assertStakes(2, 0, 0);
    }

    function test_EnrolmentCountsFromTheNextEpochButOne() public {
        enter(4);
        _alice.stake(5_000e18);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorEnrolled(address(_alice), 6);
        _alice.enrol();

        _assertStakes(4, 0, 0);
        _assertStakes(5, 0, 0);
        _assertStakes(6, 5_000e18, 5_000e18);
    }

    function test_MoreStakeBeforeItCountsJoinsWithTheRest() public {
        enter(4);
        _alice.join(5_000e18);
        _alice.stake(1_000e18);
        _assertStakes(5, 0, 0);
        _assertStakes(6, 6_000e18, 6_000e18);

        enter(5);
        _alice.stake(2_000e18);
        _assertStakes(6, 6_000e18, 6_000e18);
        _assertStakes(7, 8_000e18, 8_000e18);
    }

    function test_LaterStakeCountsFromTheNextEpochButOne() public {
        _alice.join(5_000e18);
        enter(4);
        _alice.stake(1_000e18);
        _assertStakes(5, 5_000e18, 5_000e18);
        _assertStakes(6, 6_000e18, 6_000e18);

        enter(5);
        _alice.unstake(6_000e18);
        _assertStakes(6, 6_000e18, 6_000e18);
        _assertStakes(7, 0, 0);
    }

    function test_EnrolmentsOfNeighbouringEpochsDoNotMix() public {
        AuditorActor bob = new AuditorActor(system(), "bob");
        enter(4);
        _alice.join(5_000e18);
        enter(5);
        bob.join(7_000e18);
        _assertStakes(5, 0, 0);
        _assertStakes(6, 5_000e18, 5_000e18);
        _assertStakes(7, 5_000e18, 12_000e18);

        enter(6);
        _alice.unstake(5_000e18);
        _assertStakes(7, 5_000e18, 12_000e18);
        _assertStakes(8, 0, 7_000e18);
    }

    function test_OutBeforeItCountsLeavesNothingBehind() public {
        enter(4);
        _alice.join(5_000e18);
        _alice.unstake(5_000e18);

        _assertStakes(6, 0, 0);
        enter(9);
        _assertStakes(9, 0, 0);
    }

    /// @dev Otherwise many enrolled identities without stake could wait for a suitable draw.
    function test_WithoutStakeAnEnrolmentEnds() public {
        _alice.join(5_000e18);
        enter(4);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorLapsed(address(_alice), 6);
        _alice.unstake(5_000e18);
        enter(8);
        _alice.stake(9_000e18);

        _assertStakes(10, 0, 0);
        _alice.enrol();
        _assertStakes(9, 0, 0);
        _assertStakes(10, 9_000e18, 9_000e18);
    }

    function test_UnbondedStakeIsPaidToTheOwner() public {
        _alice.join(6_000e18);
        _alice.unstake(1_000e18);
        vm.assertEq(staking.auditorUnbonding(address(_alice)).length, 1, "waits");
        jump(11, 0);
        vm.prank(STRANGER);
        staking.withdrawAuditor(address(_alice));

        vm.assertEq(token.balanceOf(address(_alice)), 1_000e18, "paid");
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector));
        staking.withdrawAuditor(address(_alice));
    }

    function test_RevertsWhen_TheStakeStaysBelowTheMinimum() public {
        _expectBelow(5_000e18 - 1);
        _alice.stake(5_000e18 - 1);

        _alice.stake(6_000e18);
        _expectBelow(5_000e18 - 1);
        _alice.unstake(1_000e18 + 1);
    }

    function test_RevertsWhen_EnrollingWithoutStake() public {
        _expectBelow(0);
        _alice.enrol();
    }

    function test_RevertsWhen_TheAmountIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingAmountZero.selector));
        staking.stakeAuditor(0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingAmountZero.selector));
        staking.unstakeAuditor(0);
    }

    function test_RevertsWhen_MoreThanTheStakeIsTakenOut() public {
        _alice.stake(5_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, 5_001e18, 5_000e18)
        );
        _alice.unstake(5_001e18);
    }

    function test_RevertsWhen_AnotherThanProofOfServiceEnrols() public {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotProofOfService.selector, STRANGER)
        );
        vm.prank(STRANGER);
        staking.enrol(STRANGER);
    }

    function test_RevertsWhen_UnbondingIsTooShort() public {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingUnbondingTooShort.selector, 131, 132)
        );
        Artifacts.newStaking(address(token), address(registry), 131, AUDITOR_STAKE);
    }

    function _assertStakes(uint32 epoch, uint256 mine, uint256 total) private view {
        (uint96 stake, uint96 all) = auditorStakeAt(address(_alice), epoch);
        vm.assertEq(stake, mine, "stake");
        vm.assertEq(all, total, "total");
    }

    function _expectBelow(uint256 stake) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingBelowMinimum.selector, stake, AUDITOR_STAKE)
        );
    }
}
