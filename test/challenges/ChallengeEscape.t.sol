// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Vm} from "../support/Vm.sol";
import {Deployment} from "../support/Deployment.sol";
import {CHALLENGE_BOND, System, SystemLib} from "../support/System.sol";

/// @notice Escapes that a silent provider, a seller or a challenger may try.
contract ChallengeEscapeTest is Deployment {
    using ChallengeKit for System;
    using SystemLib for System;

    uint256 private constant WAYS = 8;
    uint256 private constant SELLER_KEY = 0x5e11;
    address private constant BUYER = address(0xb04e4);

    function setUp() public override {
        super.setUp();
        registerService();
        system().fund(PROVIDER, 5_000e18);
        enter(2);
    }

    /// @dev The provider sees the challenge in the pool and is faster, but the state of the epoch decides.
    function test_NothingDoneBeforeTheChallengeInItsEpochEscapesIt() public {
        for (uint256 way = 0; way < WAYS; ++way) {
            uint256 snapshot = vm.snapshotState();
            _escape(way);
            uint256 id = system().open(STRANGER, 1);
            _assertPenalised(id, way);
            vm.revertToState(snapshot);
        }
    }

    function test_NothingDoneAfterTheChallengeEscapesIt() public {
        for (uint256 way = 0; way < WAYS; ++way) {
            for (uint32 epoch = 2; epoch < 5; ++epoch) {
                uint256 snapshot = vm.snapshotState();
                uint256 id = system().open(STRANGER, 1);
                enter(epoch);
                _escape(way);
                _assertPenalised(id, way);
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev The earliest exit and the latest question: the stake can still be slashed.
    function test_NoStakeIsOutBeforeTheLatestVerdict() public {
        // In the epoch before the challenge; the stake still counts in the epoch of the challenge.
        jump(2, 0);
        vm.prank(PROVIDER);
        staking.unstakeService(1, 1_000e18);
        jump(3, 11);
        uint256 id = system().open(STRANGER, 1);
        jump(6, 11);
        tick(4);
        (, uint64 deadline) = book.questionOf(id);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector));
        staking.withdrawService(1, PROVIDER);
        book.resolve(id);
        vm.assertEq(staking.serviceUnbonding(1, PROVIDER)[0].amount, 980e18, "slashed");
        // The stake leaves at the earliest a whole epoch after the deadline, which leaves time to resolve.
        vm.warp(deadline + 12);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector));
        staking.withdrawService(1, PROVIDER);
    }

    function test_AnotherKeyDoesNotAnswerForTheOldOne() public {
        uint256 id = system().open(STRANGER, 1);
        vm.prank(PROVIDER);
        registry.setKey(1, vm.addr(SELLER_KEY));
        enterAndTick(3);
        bytes memory proof = system().proof(SELLER_KEY, id, system().question(id, 3));
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeProofRejected.selector, id));
        book.respond(id, proof);
        book.respond(id, system().answer(id));
        vm.assertTrue(book.challengeOf(id).state == IChallengeBook.State.Answered, "the old one");
    }

    function test_TheBuyersStakeIsNotSlashedForTheSellersChallenge() public {
        uint256 id = system().open(STRANGER, 1);
        _sell();
        _furnish(0xb);
        enterAndTick(3);
        vm.assertTrue(registry.statusAt(1, 3) == IServiceRegistry.Status.Active, "in service");
        enter(6);
        book.resolve(id);
        vm.assertEq(serviceStakeAt(1, 8), 2_000e18, "the buyer's stake is whole");
        vm.assertEq(staking.serviceUnbonding(1, PROVIDER)[0].amount, 980e18, "the seller paid");
        vm.assertEq(staking.serviceUnbonding(1, BUYER).length, 0, "and not the buyer");
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Active, "nor suspended");
    }

    function test_TheBuyersStakeIsSlashedForTheBuyersChallenge() public {
        _sell();
        _furnish(0xb);
        enter(4);
        uint256 id = system().open(STRANGER, 1);
        vm.assertEq(book.challengeOf(id).staker, BUYER, "whose stake it is");
        enterAndTick(5);
        enter(8);
        book.resolve(id);
        vm.assertEq(serviceStakeAt(1, 10), 1_960e18, "the buyer paid");
        vm.assertEq(staking.serviceUnbonding(1, PROVIDER)[0].amount, 1_000e18, "not the seller");
    }

    function test_SellingTwiceInAnEpochHidesNobody() public {
        _sell();
        _furnish(0xb);
        vm.prank(BUYER);
        registry.transferFrom(BUYER, STRANGER, 1);
        vm.assertEq(staking.stakerAt(1, 2), PROVIDER, "whose stake counts now");
        uint256 id = system().open(STRANGER, 1);
        enterAndTick(3);
        enter(6);
        book.resolve(id);
        vm.assertEq(staking.serviceUnbonding(1, PROVIDER)[0].amount, 980e18, "it paid");
        vm.assertEq(staking.serviceUnbonding(1, BUYER)[0].amount, 2_000e18, "whole");
    }

    /// @dev Seller and buyer are the same: the unbonding stake pays, as without the sale.
    function test_SellingToOneselfAndBackPaysOnce() public {
        uint256 id = system().open(STRANGER, 1);
        _sell();
        vm.prank(BUYER);
        registry.transferFrom(BUYER, PROVIDER, 1);
        vm.startPrank(PROVIDER);
        staking.stakeService(1, 3_000e18);
        registry.setKey(1, vm.addr(0xb));
        vm.stopPrank();
        enterAndTick(3);
        enter(6);
        uint256 supply = token.totalSupply();
        book.resolve(id);
        vm.assertEq(supply - token.totalSupply(), 10e18, "half of 2% of what was at stake");
        vm.assertEq(serviceStakeAt(1, 8), 2_980e18, "out of the new stake");
        vm.assertEq(staking.serviceUnbonding(1, PROVIDER)[0].amount, 1_000e18, "not twice");
    }

    function test_ARetiredServicesChallengeIsResolvedAllTheSame() public {
        uint256 id = system().open(STRANGER, 1);
        vm.prank(PROVIDER);
        registry.retire(1);
        enterAndTick(3);
        enter(6);
        vm.recordLogs();
        book.resolve(id);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertTrue(logs.length > 2, "logs of the slash");
        for (uint256 i = 0; i < logs.length; ++i) {
            bool suspension = logs[i].topics[0] == IServiceRegistry.ServiceSuspended.selector;
            vm.assertFalse(suspension, "no suspension of what is retired");
        }
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Retired, "stays retired");
        vm.assertEq(token.balanceOf(STRANGER), CHALLENGE_BOND + 6e18, "bond and 30%");
    }

    function test_WhoeverOwnsItWhenItIsAnsweredGetsTheBond() public {
        uint256 id = system().open(STRANGER, 1);
        vm.prank(PROVIDER);
        registry.setPayout(1, address(0x9a70));
        _sell();
        enterAndTick(3);
        uint256 before = token.balanceOf(BUYER);
        book.respond(id, system().answer(id));
        vm.assertEq(token.balanceOf(BUYER) - before, 40e18, "not the seller's payout");
    }

    /// @dev After the epoch, signatures of a seller's key, pending or in use, are worthless.
    function test_AServiceIsNotSoldWithAHiddenKey() public {
        vm.prank(PROVIDER);
        registry.setKey(1, vm.addr(SELLER_KEY));
        _sell();
        vm.assertEq(registry.keyAt(1, 4), address(0), "neither the pending nor the old one");
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Keyless, "no key at all");
        _furnish(0xb);
        enter(4);
        uint256 id = system().open(STRANGER, 1);
        enterAndTick(5);
        bytes32 nonce = system().question(id, 5);
        uint256[2] memory sellers = [SELLER_KEY, SystemLib.serviceKey(1)];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory proof = system().proof(sellers[i], id, nonce);
            vm.expectRevert(
                abi.encodeWithSelector(IChallengeBook.ChallengeProofRejected.selector, id)
            );
            book.respond(id, proof);
        }
        book.respond(id, system().proof(0xb, id, nonce));
        vm.assertTrue(book.challengeOf(id).state == IChallengeBook.State.Answered, "the buyer's");
    }

    /// @dev A provider challenges its own service to get a question that it can answer.
    function test_ASelfChallengeIsNotAskedAKnownQuestion() public {
        tick(2);
        (bytes32 known, , , ) = pos.seedOf(2);
        // Its key has signed answers to all questions of that seed before, and is lost now.
        bytes memory prepared = system().proof(
            SystemLib.serviceKey(1),
            1,
            keccak256(abi.encode(known, uint256(1)))
        );
        uint256 id = system().open(PROVIDER, 1);
        vm.assertEq(id, 1, "the number is known");
        enterAndTick(3);
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeProofRejected.selector, id));
        book.respond(id, prepared);
        // It cannot get another question for the same challenge either.
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeNotAnnullable.selector, id));
        book.annul(id);
        uint256 supply = token.totalSupply();
        enter(6);
        book.resolve(id);
        vm.assertEq(supply - token.totalSupply(), 10e18, "half of the slash is gone for good");
    }

    function _escape(uint256 way) private {
        vm.startPrank(PROVIDER);
        if (way == 0) staking.unstakeService(1, 1_000e18);
        if (way == 1) registry.retire(1);
        if (way == 2) registry.transferFrom(PROVIDER, BUYER, 1);
        if (way == 3) registry.setKey(1, vm.addr(SELLER_KEY));
        if (way == 4) registry.setMaintenance(1, true);
        if (way == 5) {
            for (uint256 i = 0; i < 16; ++i) staking.unstakeService(1, 1);
            staking.stakeService(1, 16);
        }
        if (way == 6) {
            staking.unstakeService(1, 999e18);
            registry.transferFrom(PROVIDER, BUYER, 1);
        }
        if (way == 7) {
            registry.setMaintenance(1, true);
            registry.setKey(1, vm.addr(SELLER_KEY));
            registry.retire(1);
        }
        vm.stopPrank();
    }

    function _assertPenalised(uint256 id, uint256 way) private {
        jump(5, 1);
        tick(3);
        (, uint64 deadline) = book.questionOf(id);
        vm.warp(deadline + 1);
        uint256 supply = token.totalSupply();
        book.resolve(id);
        vm.assertEq(supply - token.totalSupply(), 10e18, vm.toString(way));
        vm.assertEq(token.balanceOf(STRANGER), CHALLENGE_BOND + 6e18, vm.toString(way));
        vm.assertTrue(registry.statusNow(1) != IServiceRegistry.Status.Active, "out of service");
    }

    function _sell() private {
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, BUYER, 1);
    }

    /// @dev The buyer makes the service active again.
    function _furnish(uint256 key) private {
        system().fund(BUYER, 2_000e18);
        vm.startPrank(BUYER);
        token.approve(address(staking), 2_000e18);
        staking.stakeService(1, 2_000e18);
        registry.setKey(1, vm.addr(key));
        vm.stopPrank();
    }
}
