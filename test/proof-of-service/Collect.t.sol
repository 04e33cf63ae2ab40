// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice Claimed pay stays available to the auditor, and is paid once.
contract CollectTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerServices(3);
        _alice = newAuditor("alice", 5_000e18);
    }

    function test_SeveralClaimsAreCollectedAtOnceByAnyone() public {
        uint256 earned = _claimed(2);
        earned += _claimed(5);
        vm.assertEq(pos.earnedOf(address(_alice)), earned, "both wait");
        uint256 reserved = setAside();
        vm.expectEmit(address(pos));
        emit IProofOfService.Collected(address(_alice), earned);
        vm.prank(STRANGER);
        vm.assertEq(pos.collect(address(_alice)), earned, "both");

        vm.assertEq(token.balanceOf(address(_alice)), earned, "paid to the owner");
        vm.assertEq(token.balanceOf(STRANGER), 0, "not to the caller");
        vm.assertEq(reserved - setAside(), earned, "out of what was set aside");
        vm.assertEq(pos.earnedOf(address(_alice)), 0, "nothing is left");
    }

    function test_RevertsWhen_NothingWaits() public {
        _expectNothing(address(_alice));
        _claimed(2);
        _expectNothing(STRANGER);
        pos.collect(address(_alice));
        _expectNothing(address(_alice));
    }

    /// @dev The ring returns the unspent budget of an epoch, without claimed pay.
    function test_WhatWaitsOutlivesTheRing() public {
        uint256 earned = _claimed(2);
        (, uint256 providers, , uint256 auditors) = budgetOf(2);
        uint256 reserved = setAside();
        enterAndTick(258);
        vm.assertEq(
            setAside(),
            reserved - providers - auditors + _budgetOf(258),
            "only the rest went back"
        );
        vm.assertEq(pos.collect(address(_alice)), earned, "paid");
    }

    function test_WhoLeftOrWasLapsedCollectsStill() public {
        uint256 earned = _claimed(2);
        vm.prank(address(pos));
        staking.lapse(address(_alice));
        _alice.unstake(5_000e18);
        enter(20);
        vm.assertEq(pos.collect(address(_alice)), earned, "paid");
    }

    function _claimed(uint32 epoch) private returns (uint256 reward) {
        enterAndTick(epoch);
        _alice.commit(epoch, 3);
        enter(epoch + 1);
        _alice.reveal(epoch);
        enterAndTick(epoch + 2);
        reward = _alice.claim(epoch, epoch + 2);
        vm.assertGt(reward, 0, "earned");
    }

    function _budgetOf(uint32 epoch) private view returns (uint256) {
        (uint256 providers, , uint256 auditors, ) = budgetOf(epoch);
        return providers + auditors;
    }

    function _expectNothing(address auditor) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNothingToCollect.selector, auditor)
        );
        pos.collect(auditor);
    }
}
