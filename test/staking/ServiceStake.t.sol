// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

contract ServiceStakeTest is Deployment {
    using SystemLib for System;

    uint64 private _number;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        system().fund(PROVIDER, 10_000e18);
    }

    function test_StakeCountsFromTheNextEpochButOne() public {
        enter(3);
        vm.expectEmit(address(staking));
        emit IStaking.ServiceStakeChanged(_number, 5, 1_500e18);
        vm.prank(PROVIDER);
        staking.stakeService(_number, 500e18);

        _assertStake(4, 1_000e18);
        _assertStake(5, 1_500e18);
        vm.assertEq(token.balanceOf(address(staking)), 1_500e18, "held");
    }

    function test_UnstakingCountsFromTheNextEpochButOneAndWaits() public {
        enter(3);
        uint64 releaseAt = uint64(vm.getBlockTimestamp()) + 132;
        vm.expectEmit(address(staking));
        emit IStaking.UnbondingStarted(PROVIDER, 400e18, releaseAt);
        vm.prank(PROVIDER);
        staking.unstakeService(_number, 400e18);

        vm.assertEq(serviceStakeAt(_number, 4), 1_000e18, "still counts");
        vm.assertEq(serviceStakeAt(_number, 5), 600e18, "less in the one after");
        UnbondingLib.Entry[] memory open = staking.serviceUnbonding(_number, PROVIDER);
        vm.assertEq(open.length, 1, "one entry");
        vm.assertEq(open[0].amount, 400e18, "amount");
        vm.assertEq(open[0].releaseAt, releaseAt, "release");

        vm.warp(releaseAt - 1);
        _expectNothing();
        staking.withdrawService(_number, PROVIDER);
        vm.warp(releaseAt);
        uint256 before = token.balanceOf(PROVIDER);
        vm.expectEmit(address(staking));
        emit IStaking.Withdrawn(PROVIDER, 400e18);
        vm.prank(STRANGER);
        staking.withdrawService(_number, PROVIDER);
        vm.assertEq(token.balanceOf(PROVIDER) - before, 400e18, "paid to who staked it");
        vm.assertEq(token.balanceOf(STRANGER), 0, "not to who asked");
    }

    function test_OneWithdrawalTakesAllThatMaturedAndLeavesTheRest() public {
        vm.startPrank(PROVIDER);
        staking.unstakeService(_number, 1e18);
        jump(0, 5);
        staking.unstakeService(_number, 2e18);
        jump(5, 0);
        staking.unstakeService(_number, 4e18);
        jump(11, 6);
        uint256 before = token.balanceOf(PROVIDER);
        staking.withdrawService(_number, PROVIDER);

        vm.assertEq(token.balanceOf(PROVIDER) - before, 3e18, "two of three");
        vm.assertEq(staking.serviceUnbonding(_number, PROVIDER).length, 1, "one waits");
    }

    function test_OutAndInWithinAnEpochChangesNothing() public {
        enter(3);
        vm.startPrank(PROVIDER);
        staking.unstakeService(_number, 1_000e18);
        staking.stakeService(_number, 1_000e18);

        _assertStake(4, 1_000e18);
        _assertStake(5, 1_000e18);
        vm.assertEq(registry.activeLanes(0, 5), 1, "active");
    }

    function test_TheTotalHoldsActiveServicesOnly() public {
        uint64 other = registerService();
        enter(3);
        vm.startPrank(PROVIDER);
        staking.stakeService(other, 3_000e18);
        staking.unstakeService(_number, 1);

        (uint96 stake, uint64 services) = activeAt(4);
        vm.assertEq(stake, 2_000e18, "both");
        vm.assertEq(services, 2, "both");
        (stake, services) = activeAt(5);
        vm.assertEq(stake, 4_000e18, "the other alone");
        vm.assertEq(services, 1, "the other alone");
    }

    function test_RevertsWhen_AnotherThanTheStakerActs() public {
        _expectNotStaker(STRANGER, PROVIDER);
        vm.prank(STRANGER);
        staking.stakeService(_number, 1);
        _expectNotStaker(STRANGER, PROVIDER);
        vm.prank(STRANGER);
        staking.unstakeService(_number, 1);
    }

    function test_RevertsWhen_TheServiceIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 77));
        vm.prank(STRANGER);
        staking.stakeService(77, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotStaker.selector, 77, STRANGER, address(0))
        );
        vm.prank(STRANGER);
        staking.unstakeService(77, 1);
    }

    function test_RevertsWhen_TheAmountIsZero() public {
        vm.startPrank(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingAmountZero.selector));
        staking.stakeService(_number, 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingAmountZero.selector));
        staking.unstakeService(_number, 0);
    }

    function test_RevertsWhen_MoreThanTheStakeIsTakenOut() public {
        vm.startPrank(PROVIDER);
        staking.unstakeService(_number, 300e18);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, 700e18 + 1, 700e18)
        );
        staking.unstakeService(_number, 700e18 + 1);
    }

    function test_RevertsWhen_TooManyWithdrawalsWait() public {
        vm.startPrank(PROVIDER);
        for (uint256 i = 0; i < 16; ++i) {
            staking.unstakeService(_number, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(UnbondingLib.UnbondingQueueFull.selector, 16));
        staking.unstakeService(_number, 1);

        // A withdrawal makes room again.
        jump(11, 0);
        staking.withdrawService(_number, PROVIDER);
        staking.unstakeService(_number, 1);
    }

    function test_RevertsWhen_NothingMatured() public {
        _expectNothing();
        staking.withdrawService(_number, PROVIDER);
    }

    function test_RevertsWhen_AnotherThanTheRegistryOpensAService() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNotRegistry.selector, STRANGER));
        vm.prank(STRANGER);
        staking.openService(_number, STRANGER, 0, 0);
    }

    function _assertStake(uint32 epoch, uint256 expected) private view {
        vm.assertEq(serviceStakeAt(_number, epoch), expected, "stake");
        (uint96 total, ) = activeAt(epoch);
        vm.assertEq(total, expected, "total");
    }

    function _expectNotStaker(address caller, address staker) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotStaker.selector, _number, caller, staker)
        );
    }

    function _expectNothing() private {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector));
    }
}
