// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    CHALLENGE_BOND,
    CHALLENGE_WINDOW,
    COOL_DOWN,
    System,
    SystemLib,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice The conditions of a challenge, and the values that it freezes.
contract ChallengeOpenTest is Deployment {
    using ChallengeKit for System;
    using SystemLib for System;

    address private constant OTHER = address(0x07e4);

    function setUp() public override {
        super.setUp();
        // 2% of it is not a whole number of wei.
        system().register(PROVIDER, 1_000e18 + 1);
    }

    function test_AChallengeTakesTheBondAndFreezesWhatCounts() public {
        enter(2);
        system().fund(STRANGER);
        address key = vm.addr(SystemLib.serviceKey(1));
        vm.expectEmit(address(book));
        emit IChallengeBook.ChallengeOpened(1, 1, STRANGER, key);
        vm.prank(STRANGER);
        uint256 id = book.challenge(1);

        vm.assertEq(id, 1, "the first");
        vm.assertEq(book.challengeCount(), 1, "counted");
        vm.assertEq(book.openChallenge(1), 1, "open");
        vm.assertEq(token.balanceOf(STRANGER), 0, "the bond is gone");
        vm.assertEq(token.balanceOf(address(book)), CHALLENGE_BOND, "the book holds it");
        IChallengeBook.Challenge memory entry = book.challengeOf(1);
        vm.assertEq(entry.challenger, STRANGER, "challenger");
        vm.assertEq(uint256(entry.number), 1, "service");
        vm.assertEq(uint256(entry.openedIn), 2, "epoch");
        vm.assertEq(entry.key, key, "key");
        vm.assertEq(entry.penalty, 20e18 + 1, "2%, rounded up");
        vm.assertEq(entry.staker, PROVIDER, "staker");
        vm.assertEq(entry.verifier, address(verifier), "verifier");
        vm.assertTrue(entry.state == IChallengeBook.State.Open, "state");
    }

    function test_WhatCountsInTheEpochIsFrozenWhateverChangedSince() public {
        system().fund(PROVIDER, 5_000e18);
        enter(2);
        vm.startPrank(PROVIDER);
        staking.stakeService(1, 5_000e18);
        registry.setKey(1, OTHER);
        registry.transferFrom(PROVIDER, OTHER, 1);
        vm.stopPrank();
        IChallengeBook.Challenge memory before = book.challengeOf(system().open(STRANGER, 1));
        vm.assertEq(before.key, vm.addr(SystemLib.serviceKey(1)), "the epoch's key");
        vm.assertEq(before.penalty, 20e18 + 1, "the epoch's stake");
        vm.assertEq(before.staker, PROVIDER, "whose stake it is");

        system().fund(OTHER, 5_000e18);
        vm.startPrank(OTHER);
        token.approve(address(staking), 5_000e18);
        staking.stakeService(1, 5_000e18);
        registry.setKey(1, STRANGER);
        vm.stopPrank();
        enter(4);
        vm.assertEq(
            keccak256(abi.encode(book.challengeOf(1))),
            keccak256(abi.encode(before)),
            "nothing moves it"
        );
    }

    function test_OneChallengeAServiceIsOpenAtATime() public {
        registerService();
        enter(2);
        system().open(STRANGER, 1);
        vm.assertEq(system().open(OTHER, 2), 2, "another service's is another matter");
        system().fund(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeAlreadyOpen.selector, 1, 1));
        vm.prank(OTHER);
        book.challenge(1);
    }

    function test_RevertsWhen_TheServiceIsNotActiveInTheEpoch() public {
        _expectNotActive(1, 0, "registered in this epoch");
        _expectNotActive(2, 0, "unknown");
        _expectNotActive(0, 0, "no number");
        for (uint256 way = 0; way < 5; ++way) {
            uint256 snapshot = vm.snapshotState();
            enter(2);
            _leave(way);
            // It counts in 3, but not in 4.
            enter(4);
            _expectNotActive(1, 4, vm.toString(way));
            vm.revertToState(snapshot);
        }
    }

    function test_RevertsWhen_TheBondIsNotGiven() public {
        enter(2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(book),
                0,
                CHALLENGE_BOND
            )
        );
        vm.prank(STRANGER);
        book.challenge(1);
        vm.assertEq(book.challengeCount(), 0, "none was opened");
    }

    function test_TheDeploymentSaysWhatItIs() public view {
        vm.assertEq(book.registry(), address(registry), "registry");
        vm.assertEq(book.staking(), address(staking), "staking");
        vm.assertEq(book.proofOfService(), address(pos), "seeds");
        vm.assertEq(book.windowSeconds(), CHALLENGE_WINDOW, "window");
        vm.assertEq(book.coolDownSeconds(), COOL_DOWN, "cool-down");
        vm.assertEq(book.bond(), CHALLENGE_BOND, "bond");
    }

    function test_RevertsWhen_DeployedWithoutTimeToAnswer() public {
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeWindowZero.selector));
        Artifacts.newChallengeBook(address(pos), 0, COOL_DOWN, CHALLENGE_BOND);
    }

    function test_RevertsWhen_StakeCouldLeaveBeforeTheVerdict() public {
        // Unbonding of 132 s; a seed within the epochs 1 to 3 after, and three epochs around: 72 s.
        Artifacts.newChallengeBook(address(pos), 59, COOL_DOWN, CHALLENGE_BOND);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallengeBook.ChallengeWindowTooLong.selector,
                UNBONDING_SECONDS,
                132
            )
        );
        Artifacts.newChallengeBook(address(pos), 60, COOL_DOWN, CHALLENGE_BOND);
    }

    function _leave(uint256 way) private {
        if (way == 4) {
            vm.prank(address(book));
            registry.suspend(1);
            return;
        }
        vm.startPrank(PROVIDER);
        if (way == 0) staking.unstakeService(1, 2);
        if (way == 1) registry.setMaintenance(1, true);
        if (way == 2) registry.retire(1);
        if (way == 3) registry.transferFrom(PROVIDER, OTHER, 1);
        vm.stopPrank();
    }

    function _expectNotActive(uint64 number, uint32 epoch, string memory what) private {
        system().fund(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeNotActive.selector, number, epoch)
        );
        vm.prank(STRANGER);
        book.challenge(number);
        vm.assertEq(book.challengeCount(), 0, what);
    }
}
