// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {CHALLENGE_BOND, COOL_DOWN, GENESIS, System, SystemLib} from "../support/System.sol";

/// @notice The cost of an unanswered challenge, and challenges without a question.
contract ChallengeResolveTest is Deployment {
    using ChallengeKit for System;
    using SystemLib for System;

    uint96 private constant STAKE = 2_000e18 + 1;
    uint96 private constant PENALTY = 40e18 + 1;
    address private constant OTHER = address(0x07e4);

    uint256 private _id;

    function setUp() public override {
        super.setUp();
        system().register(PROVIDER, STAKE);
        enter(2);
        _id = system().open(STRANGER, 1);
    }

    function test_NoAnswerCostsStakeAndSuspends() public {
        _passTheDeadline();
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(book));
        emit IChallengeBook.ChallengeUnanswered(_id, 1, PENALTY, OTHER);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceSuspended(1, 8);
        vm.prank(OTHER);
        book.resolve(_id);

        vm.assertEq(serviceStakeAt(1, 7), STAKE, "this epoch's stake stands");
        vm.assertEq(serviceStakeAt(1, 8), STAKE - PENALTY, "2%, rounded up");
        vm.assertEq(token.balanceOf(STRANGER), CHALLENGE_BOND + 12e18, "bond and 30%, down");
        vm.assertEq(token.balanceOf(OTHER), 8e18, "20% for who called, down");
        vm.assertEq(supply - token.totalSupply(), 20e18 + 1, "the rest is burned");
        vm.assertEq(token.balanceOf(address(book)), 0, "nothing stays");
        vm.assertTrue(registry.statusAt(1, 7) == IServiceRegistry.Status.Active, "until here");
        vm.assertTrue(registry.statusAt(1, 8) == IServiceRegistry.Status.Suspended, "from here");
        (uint96 active, uint64 services) = activeAt(8);
        vm.assertTrue(active == 0 && services == 0, "out of the totals");
        vm.assertTrue(book.challengeOf(_id).state == IChallengeBook.State.Unanswered, "state");
        vm.assertEq(book.openChallenge(1), 0, "closed");
    }

    function test_ItStaysSuspendedUntilItsOwnerReinstatesIt() public {
        _passTheDeadline();
        book.resolve(_id);
        enter(50);
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Suspended, "still");
        vm.prank(PROVIDER);
        registry.reinstate(1);
        vm.assertTrue(
            registry.statusAt(1, 51) == IServiceRegistry.Status.Suspended,
            "the next epoch"
        );
        vm.assertTrue(registry.statusAt(1, 52) == IServiceRegistry.Status.Active, "the one after");
        (uint96 active, ) = activeAt(52);
        vm.assertEq(active, STAKE - PENALTY, "with what is left of its stake");
    }

    function test_AfterwardsItIsLeftAloneForAWhile() public {
        _passTheDeadline();
        book.resolve(_id);
        uint64 until = uint64(vm.getBlockTimestamp()) + COOL_DOWN;
        vm.assertEq(book.quietUntil(1), until, "until");
        vm.prank(PROVIDER);
        registry.reinstate(1);
        system().fund(OTHER);
        vm.warp(until - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeCoolingDown.selector, 1, until)
        );
        vm.prank(OTHER);
        book.challenge(1);
        vm.warp(until);
        vm.prank(OTHER);
        vm.assertEq(book.challenge(1), 2, "then anyone may again");
        vm.assertEq(book.challengeOf(2).penalty, (STAKE - PENALTY + 49) / 50, "of what is left");
    }

    function test_RevertsWhen_TheTimeToAnswerIsNotOver() public {
        enterAndTick(3);
        (, uint64 deadline) = book.questionOf(_id);
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeTooEarly.selector, _id, deadline)
        );
        book.resolve(_id);
        vm.warp(deadline + 1);
        book.resolve(_id);
        vm.assertEq(serviceStakeAt(1, 8), STAKE - PENALTY, "then it is");
    }

    function test_RevertsWhen_ResolvedTwice() public {
        _passTheDeadline();
        bytes memory proof = system().answer(_id);
        book.resolve(_id);
        bytes memory refusal = abi.encodeWithSelector(
            IChallengeBook.ChallengeNotOpen.selector,
            _id,
            IChallengeBook.State.Unanswered
        );
        vm.expectRevert(refusal);
        book.resolve(_id);
        vm.expectRevert(refusal);
        book.respond(_id, proof);
    }

    function test_WithoutASeedInTimeTheBondGoesBack() public {
        jump(5, 11);
        _expectNotAnnullable();
        jump(6, 0);
        vm.expectEmit(address(book));
        emit IChallengeBook.ChallengeAnnulled(_id, 1);
        vm.prank(OTHER);
        book.annul(_id);

        vm.assertEq(token.balanceOf(STRANGER), CHALLENGE_BOND, "bond");
        vm.assertTrue(book.challengeOf(_id).state == IChallengeBook.State.Annulled, "state");
        vm.assertEq(book.openChallenge(1), 0, "closed");
        vm.assertEq(book.quietUntil(1), 0, "no cool-down");
        vm.assertEq(serviceStakeAt(1, 8), STAKE, "no stake was lost");
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Active, "active");
    }

    function test_ASeedThatIsRecordedTooLateAsksNothing() public {
        jump(6, 0);
        tick(3);
        (bytes32 nonce, ) = book.questionOf(_id);
        vm.assertEq(nonce, bytes32(0), "no question");
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeNoQuestion.selector, _id));
        book.resolve(_id);
        // A later one does not count either.
        tick(4);
        tick(5);
        (nonce, ) = book.questionOf(_id);
        vm.assertEq(nonce, bytes32(0), "still none");
        book.annul(_id);
        vm.assertEq(token.balanceOf(STRANGER), CHALLENGE_BOND, "bond");
    }

    function test_RevertsWhen_AnnulledThoughThereIsAQuestion() public {
        enterAndTick(3);
        _expectNotAnnullable();
        enter(6);
        _expectNotAnnullable();
        enter(60);
        _expectNotAnnullable();
        book.resolve(_id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallengeBook.ChallengeNotOpen.selector,
                _id,
                IChallengeBook.State.Unanswered
            )
        );
        book.annul(_id);
    }

    function test_AQuestionThatTheRingChangesCanNotBeAnsweredAnyMore() public {
        enterAndTick(3);
        enterAndTick(4);
        enterAndTick(259);
        // The seed of epoch 3 is overwritten. That of epoch 4 is not, but its deadline has passed long ago.
        (bytes32 nonce, uint64 deadline) = book.questionOf(_id);
        vm.assertEq(nonce, system().question(_id, 4), "another question");
        vm.assertEq(deadline, GENESIS + 49 + 30, "of long ago");
        bytes memory proof = system().answer(_id);
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeTooLate.selector, _id, deadline)
        );
        book.respond(_id, proof);
        book.resolve(_id);
        vm.assertEq(serviceStakeAt(1, 261), STAKE - PENALTY, "and resolved it is");
    }

    function test_ALeastStakeThatIsSlashedIsTooLittleToBeActive() public {
        system().register(PROVIDER, 1_000e18);
        enter(4);
        uint256 id = system().open(STRANGER, 2);
        enterAndTick(5);
        enter(8);
        book.resolve(id);
        vm.prank(PROVIDER);
        registry.reinstate(2);
        vm.assertTrue(registry.statusNow(2) == IServiceRegistry.Status.Unstaked, "980 of 1,000");
        system().fund(PROVIDER, 20e18);
        vm.prank(PROVIDER);
        staking.stakeService(2, 20e18);
        vm.assertTrue(registry.statusNow(2) == IServiceRegistry.Status.Active, "made good");
    }

    function _passTheDeadline() private {
        enterAndTick(3);
        enter(6);
    }

    function _expectNotAnnullable() private {
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeNotAnnullable.selector, _id)
        );
        book.annul(_id);
    }
}
