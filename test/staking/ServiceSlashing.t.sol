// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice The test acts as the challenge book, the only contract that slashes services.
contract ServiceSlashingTest is Deployment {
    using SystemLib for System;

    address private constant PROVER = address(0x9407e4);
    address private constant RESOLVER = address(0x4e501);

    uint64 private _number;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        _stake(PROVIDER, 500e18);
        enter(3);
    }

    function test_ThirtyPercentAreTheChallengersTwentyTheResolversAndTheRestIsBurned() public {
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(staking));
        emit IStaking.ServiceStakeChanged(_number, 5, 1_400e18);
        vm.expectEmit(address(staking));
        emit IStaking.ServiceSlashed(_number, PROVIDER, 100e18, PROVER, RESOLVER);
        vm.assertEq(_slash(PROVIDER, 100e18), 100e18, "slashed");

        vm.assertEq(token.balanceOf(PROVER), 30e18, "the challenger's");
        vm.assertEq(token.balanceOf(RESOLVER), 20e18, "the resolver's");
        vm.assertEq(supply - token.totalSupply(), 50e18, "burned");
        vm.assertEq(token.balanceOf(address(staking)), 1_400e18, "what is left");
        _assertStake(4, 1_500e18, 1_500e18);
        _assertStake(5, 1_400e18, 1_400e18);
    }

    function test_BothSharesAreRoundedDown() public {
        uint256 supply = token.totalSupply();
        _slash(PROVIDER, 7);
        vm.assertEq(token.balanceOf(PROVER), 2, "2.1");
        vm.assertEq(token.balanceOf(RESOLVER), 1, "1.4");
        vm.assertEq(supply - token.totalSupply(), 4, "the grains are burned");
        _slash(PROVIDER, 3);
        vm.assertEq(token.balanceOf(PROVER), 2, "0.9 is nothing");
        vm.assertEq(token.balanceOf(RESOLVER), 1, "nor is 0.6");
        vm.assertEq(supply - token.totalSupply(), 7, "it is burned");
    }

    function test_BelowTheMinimumItIsInactiveFromTheNextEpochButOne() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 5, false);
        _slash(PROVIDER, 500e18 + 1);

        vm.assertEq(uint8(registry.statusAt(_number, 4)), 1, "still Active");
        vm.assertEq(uint8(registry.statusAt(_number, 5)), 2, "Unstaked");
        vm.assertEq(registry.activeLanes(0, 5), 0, "no lane");
        _assertStake(4, 1_500e18, 1_500e18);
        _assertStake(5, 1_000e18 - 1, 0);
    }

    function test_ASuspendedServiceIsSlashedOutsideTheTotals() public {
        uint64 other = registerService();
        vm.prank(address(book));
        registry.suspend(_number);
        _slash(PROVIDER, 100e18);

        _assertStake(5, 1_400e18, 1_000e18);
        vm.prank(PROVIDER);
        registry.reinstate(_number);
        _assertStake(5, 1_400e18, 2_400e18);
        vm.assertEq(serviceStakeAt(other, 5), 1_000e18, "the other's is whole");
    }

    function test_WhatIsAtStakeGoesFirstThenTheNewestOnItsWayOut() public {
        vm.startPrank(PROVIDER);
        staking.unstakeService(_number, 100e18);
        staking.unstakeService(_number, 200e18);
        staking.unstakeService(_number, 300e18);
        vm.stopPrank();

        vm.assertEq(_slash(PROVIDER, 900e18), 900e18, "all that is at stake");
        _assertQueue(PROVIDER, 3, 300e18);
        vm.assertEq(_slash(PROVIDER, 350e18), 350e18, "the newest, and part of the next");
        _assertQueue(PROVIDER, 2, 150e18);
        vm.assertEq(_slash(PROVIDER, 1_000e18), 250e18, "what is left");
        vm.assertEq(staking.serviceUnbonding(_number, PROVIDER).length, 0, "nothing");
        vm.assertEq(token.balanceOf(address(staking)), 0, "nothing is held");
        vm.assertEq(token.balanceOf(PROVER), 450e18, "30% of all");
    }

    function test_OneSlashReachesBoth() public {
        vm.prank(PROVIDER);
        staking.unstakeService(_number, 600e18);

        vm.assertEq(_slash(PROVIDER, 1_000e18), 1_000e18, "900 at stake, 100 on their way out");
        _assertQueue(PROVIDER, 1, 500e18);
        _assertStake(5, 0, 0);
    }

    function test_NobodyEscapesBySelling() public {
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        _stake(STRANGER, 1_000e18);

        // A challenge of this epoch names the staker.
        address staker = staking.stakerAt(_number, 3);
        vm.assertEq(_slash(staker, 200e18), 200e18, "slashed");
        _assertQueue(PROVIDER, 1, 1_300e18);
        vm.assertEq(serviceStakeAt(_number, 5), 1_000e18, "the buyer's is whole");
    }

    function test_OnlyTheQueueOfThatStakerIsCut() public {
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        _stake(STRANGER, 1_000e18);
        vm.prank(STRANGER);
        staking.unstakeService(_number, 400e18);

        vm.assertEq(_slash(STRANGER, 2_000e18), 1_000e18, "no more than the buyer's");
        _assertQueue(PROVIDER, 1, 1_500e18);
        vm.assertEq(staking.serviceUnbonding(_number, STRANGER).length, 0, "all of the buyer's");
    }

    function test_TheStakesOfAnotherServiceOfTheSameOwnerAreSafe() public {
        uint64 other = registerService();
        vm.prank(PROVIDER);
        staking.unstakeService(other, 300e18);

        _slash(PROVIDER, 10_000e18);
        vm.assertEq(serviceStakeAt(other, 5), 700e18, "at stake");
        vm.assertEq(staking.serviceUnbonding(other, PROVIDER)[0].amount, 300e18, "unbonding");
    }

    function test_NobodyEscapesByRetiring() public {
        vm.prank(PROVIDER);
        registry.retire(_number);

        _slash(PROVIDER, 200e18);
        _assertQueue(PROVIDER, 1, 1_300e18);
        vm.assertEq(uint8(registry.statusNow(_number)), 5, "Retired");
    }

    function test_WhenNothingIsLeftNothingMoves() public {
        _slash(PROVIDER, 1_500e18);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(staking));
        emit IStaking.ServiceSlashed(_number, PROVIDER, 0, PROVER, RESOLVER);
        vm.assertEq(_slash(PROVIDER, 100e18), 0, "nothing left");
        vm.assertEq(_slash(STRANGER, 100e18), 0, "never staked");
        vm.assertEq(_slash(PROVIDER, 0), 0, "nothing asked for");

        vm.assertEq(token.totalSupply(), supply, "nothing burned");
        vm.assertEq(token.balanceOf(PROVER), 450e18, "nothing paid");
    }

    function test_WhatWasPaidOutIsSafe() public {
        vm.prank(PROVIDER);
        staking.unstakeService(_number, 1_500e18);
        enter(15);
        staking.withdrawService(_number, PROVIDER);

        vm.assertEq(_slash(PROVIDER, 1_500e18), 0, "too late");
        vm.assertEq(token.balanceOf(PROVIDER), 1_500e18, "the owner's");
    }

    /// @dev The contract's balance always equals stake plus unbonding stake.
    function testFuzz_ASlashTakesWhatThereIsAndNoMore(
        uint96 out,
        uint96 amount,
        uint256 parts
    ) public {
        out = out % (1_500e18 + 1);
        parts = parts % 4 ** 12;
        vm.startPrank(PROVIDER);
        for (uint256 left = out; left != 0;) {
            uint256 part = parts % 4 == 0 ? left : left / (parts % 4) + 1;
            if (part > left) part = left;
            staking.unstakeService(_number, uint96(part));
            left -= part;
            parts = parts / 4;
        }
        vm.stopPrank();
        uint256 supply = token.totalSupply();
        uint256 expected = amount < 1_500e18 ? amount : 1_500e18;

        vm.assertEq(_slash(PROVIDER, amount), expected, "slashed");
        uint256 held = serviceStakeAt(_number, 5);
        vm.assertEq(
            held,
            expected < 1_500e18 - out ? 1_500e18 - out - expected : 0,
            "at stake first"
        );
        UnbondingLib.Entry[] memory open = staking.serviceUnbonding(_number, PROVIDER);
        for (uint256 i = 0; i < open.length; ++i) {
            held += open[i].amount;
        }
        vm.assertEq(held, 1_500e18 - expected, "what is left");
        vm.assertEq(token.balanceOf(address(staking)), held, "what is held");
        uint256 challengers = (expected * 3) / 10;
        uint256 resolvers = expected / 5;
        vm.assertEq(token.balanceOf(PROVER), challengers, "the challenger's");
        vm.assertEq(token.balanceOf(RESOLVER), resolvers, "the resolver's");
        vm.assertEq(supply - token.totalSupply(), expected - challengers - resolvers, "burned");
    }

    function test_RevertsWhen_AnotherThanTheChallengeBookSlashes() public {
        address[3] memory callers = [STRANGER, address(pos), address(registry)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IStaking.StakingNotChallengeBook.selector, callers[i])
            );
            vm.prank(callers[i]);
            staking.slashService(_number, PROVIDER, 1, PROVER, RESOLVER);
        }
    }

    function test_RevertsWhen_AnotherThanTheRegistryReportsOrReleases() public {
        bytes memory refusal = abi.encodeWithSelector(
            IStaking.StakingNotRegistry.selector,
            STRANGER
        );
        vm.startPrank(STRANGER);
        vm.expectRevert(refusal);
        staking.releaseService(_number);
        vm.expectRevert(refusal);
        staking.syncActivity(_number, false);
    }

    function _slash(address staker, uint96 amount) private returns (uint96) {
        vm.prank(address(book));
        return staking.slashService(_number, staker, amount, PROVER, RESOLVER);
    }

    function _stake(address owner, uint96 amount) private {
        system().fund(owner, amount);
        vm.startPrank(owner);
        token.approve(address(staking), type(uint256).max);
        staking.stakeService(_number, amount);
        vm.stopPrank();
    }

    function _assertStake(uint32 epoch, uint256 stake, uint256 total) private view {
        vm.assertEq(serviceStakeAt(_number, epoch), stake, "stake");
        (uint96 active, ) = activeAt(epoch);
        vm.assertEq(active, total, "total");
    }

    function _assertQueue(address staker, uint256 length, uint256 newest) private view {
        UnbondingLib.Entry[] memory open = staking.serviceUnbonding(_number, staker);
        vm.assertEq(open.length, length, "entries");
        vm.assertEq(open[length - 1].amount, newest, "the newest");
    }
}
