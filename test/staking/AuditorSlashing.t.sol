// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {AUDITOR_STAKE} from "../support/System.sol";

/// @notice Slashing and lapsing of auditors; the test acts as `ProofOfService`, the only contract that may do so.
contract AuditorSlashingTest is Deployment {
    address private constant PROVER = address(0x9407e4);

    AuditorActor private _alice;
    AuditorActor private _bob;

    function setUp() public override {
        super.setUp();
        _alice = new AuditorActor(system(), "alice");
        _bob = newAuditor("bob", 7_000e18);
    }

    function test_HalfGoesToTheProverAndTheRestIsBurned() public {
        _alice.join(6_000e18);
        enter(4);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(staking));
        emit IStaking.AuditorStakeChanged(address(_alice), 6, 5_999e18 - 1);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorSlashed(address(_alice), 1e18 + 1, PROVER);
        vm.assertEq(_slash(1e18 + 1), 1e18 + 1, "slashed");

        vm.assertEq(token.balanceOf(PROVER), 0.5e18, "the prover's half, down");
        vm.assertEq(supply - token.totalSupply(), 0.5e18 + 1, "the rest is burned");
        _assertStakes(5, 6_000e18, 13_000e18);
        _assertStakes(6, 5_999e18 - 1, 12_999e18 - 1);
    }

    function test_WhoNeverEnrolledIsSlashedOutsideTheTotal() public {
        _alice.stake(6_000e18);
        enter(4);
        _slash(1_000e18);

        (uint96 stake, uint32 enrolledSince) = staking.auditorStake(address(_alice));
        vm.assertEq(stake, 5_000e18, "less stake");
        vm.assertEq(enrolledSince, 0, "not enrolled");
        _assertStakes(5, 0, 7_000e18);
    }

    function test_WhoIsAboutToCountJoinsWithWhatIsLeft() public {
        enter(4);
        _alice.join(6_000e18);
        _slash(100e18);
        _assertStakes(5, 0, 7_000e18);
        _assertStakes(6, 5_900e18, 12_900e18);

        enter(5);
        _slash(200e18);
        _assertStakes(6, 5_900e18, 12_900e18);
        _assertStakes(7, 5_700e18, 12_700e18);
        enter(6);
        _slash(300e18);
        _assertStakes(7, 5_700e18, 12_700e18);
        _assertStakes(8, 5_400e18, 12_400e18);
    }

    /// @dev The minimum applies to an auditor's own changes, not to a slash: the rest of its stake counts.
    function test_ASlashMayLeaveLessThanTheMinimum() public {
        _alice.join(5_000e18);
        enter(4);
        _slash(1_000e18);
        _assertStakes(6, 4_000e18, 11_000e18);

        _expectBelow(3_999e18);
        _alice.unstake(1e18);
        _expectBelow(4_999e18);
        _alice.stake(999e18);
        _expectBelow(4_000e18);
        _alice.enrol();
        // It can add stake, or take out all of it.
        uint256 snapshot = vm.snapshotState();
        _alice.stake(1_000e18);
        _assertStakes(6, 5_000e18, 12_000e18);
        vm.revertToState(snapshot);
        _alice.unstake(4_000e18);
        _assertStakes(6, 0, 7_000e18);
    }

    function test_WhatIsAtStakeGoesFirstThenTheNewestOnItsWayOut() public {
        _alice.join(9_000e18);
        enter(4);
        _alice.unstake(1_000e18);
        _alice.unstake(2_000e18);
        vm.assertEq(_slash(5_000e18), 5_000e18, "at stake");
        _assertStakes(6, 1_000e18, 8_000e18);
        vm.assertEq(_slash(1_500e18), 1_500e18, "the rest, and part of the newest");
        UnbondingLib.Entry[] memory open = staking.auditorUnbonding(address(_alice));
        vm.assertEq(open.length, 2, "entries");
        vm.assertEq(open[0].amount, 1_000e18, "the older is whole");
        vm.assertEq(open[1].amount, 1_500e18, "the newer is not");
        _assertStakes(6, 0, 7_000e18);

        vm.assertEq(_slash(9_000e18), 2_500e18, "what is left");
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(staking));
        emit IStaking.AuditorSlashed(address(_alice), 0, PROVER);
        vm.assertEq(_slash(1e18), 0, "nothing left");
        vm.assertEq(token.totalSupply(), supply, "nothing burned");
        vm.assertEq(token.balanceOf(address(staking)), 7_000e18, "bob's is whole");
    }

    function test_ALapsedAuditorCountsNoMoreFromTheNextEpochButOne() public {
        _alice.join(6_000e18);
        enter(4);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorLapsed(address(_alice), 6);
        _lapse();

        _assertStakes(5, 6_000e18, 13_000e18);
        _assertStakes(6, 0, 7_000e18);
        (uint96 stake, uint32 enrolledSince) = staking.auditorStake(address(_alice));
        vm.assertEq(stake, 6_000e18, "its stake stays");
        vm.assertEq(enrolledSince, 0, "not enrolled");
    }

    function test_ALapsedAuditorEnrolsAnew() public {
        _alice.join(6_000e18);
        enter(4);
        _lapse();
        enter(5);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorEnrolled(address(_alice), 7);
        _enrol();

        _assertStakes(5, 6_000e18, 13_000e18);
        _assertStakes(6, 0, 7_000e18);
        _assertStakes(7, 6_000e18, 13_000e18);
        enter(9);
        _lapse();
        enter(20);
        _assertStakes(20, 0, 7_000e18);
        _enrol();
        _assertStakes(21, 0, 7_000e18);
        _assertStakes(22, 6_000e18, 13_000e18);
    }

    function test_ALapsedAuditorsStakeMovesOutsideTheTotal() public {
        _alice.join(6_000e18);
        enter(4);
        _lapse();
        _slash(500e18);
        _alice.stake(1_000e18);
        _assertStakes(6, 0, 7_000e18);
        _alice.unstake(6_500e18);

        _assertStakes(6, 0, 7_000e18);
        vm.assertEq(staking.auditorUnbonding(address(_alice))[0].amount, 6_500e18, "on its way");
    }

    function test_AnAuditorThatLosesAllStakeCountsNoMore() public {
        _alice.join(6_000e18);
        enter(4);
        vm.expectEmit(address(staking));
        emit IStaking.AuditorLapsed(address(_alice), 6);
        _slash(6_000e18);
        _expectNotEnrolled(0);
        _lapse();

        _assertStakes(5, 6_000e18, 13_000e18);
        _assertStakes(6, 0, 7_000e18);
        enter(8);
        _alice.stake(6_000e18);
        _assertStakes(10, 0, 7_000e18);
    }

    function test_RevertsWhen_WhoDoesNotCountLapses() public {
        _expectNotEnrolled(0);
        _lapse();
        enter(4);
        _alice.join(6_000e18);
        _expectNotEnrolled(6);
        _lapse();
        enter(5);
        _expectNotEnrolled(6);
        _lapse();
        enter(6);
        _lapse();
        _expectNotEnrolled(0);
        _lapse();
    }

    function test_RevertsWhen_AnotherThanProofOfServiceSlashesOrLapses() public {
        address[3] memory callers = [STRANGER, address(book), address(registry)];
        for (uint256 i = 0; i < callers.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(
                IStaking.StakingNotProofOfService.selector,
                callers[i]
            );
            vm.startPrank(callers[i]);
            vm.expectRevert(refusal);
            staking.slashAuditor(address(_bob), 1, PROVER);
            vm.expectRevert(refusal);
            staking.lapse(address(_bob));
            vm.stopPrank();
        }
    }

    function _slash(uint96 amount) private returns (uint96) {
        vm.prank(address(pos));
        return staking.slashAuditor(address(_alice), amount, PROVER);
    }

    function _lapse() private {
        vm.prank(address(pos));
        staking.lapse(address(_alice));
    }

    function _enrol() private {
        vm.prank(address(pos));
        staking.enrol(address(_alice));
    }

    function _assertStakes(uint32 epoch, uint256 hers, uint256 total) private view {
        (uint96 stake, uint96 all) = auditorStakeAt(address(_alice), epoch);
        vm.assertEq(stake, hers, "stake");
        vm.assertEq(all, total, "total");
    }

    function _expectBelow(uint256 stake) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingBelowMinimum.selector, stake, AUDITOR_STAKE)
        );
    }

    function _expectNotEnrolled(uint32 since) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotEnrolled.selector, address(_alice), since)
        );
    }
}
