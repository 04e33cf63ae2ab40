// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IRegistry} from "../support/Interfaces.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    COOL_DOWN,
    EPOCH_SECONDS,
    System,
    SystemLib
} from "../support/System.sol";

/// @notice An owner that challenges its own service blocks other challenges for a while: the end of that, and the
/// cost of each way to end it.
contract ChallengeShieldTest is Deployment {
    using ChallengeKit for System;
    using SystemLib for System;

    uint32 private constant OPENED = 5;
    uint32 private constant RING = 256;
    address private constant OWNER = address(0x0b0b);

    uint256 private _id;

    function setUp() public override {
        super.setUp();
        system().register(OWNER, 1_000e18);
        enterAndTick(OPENED);
        _id = system().open(OWNER, 1);
    }

    /// @dev The owner waits until the ring has overwritten the question, which cost nothing in an earlier version.
    function test_WaitingUntilTheQuestionIsForgottenIsNoWayOut() public {
        enterAndTick(OPENED + 1);
        enterAndTick(OPENED + 1 + RING);
        (bytes32 nonce, ) = book.questionOf(_id);
        vm.assertEq(nonce, bytes32(0), "forgotten");
        _expectNotAnnullable();
        book.annul(_id);

        uint256 supply = token.totalSupply();
        vm.prank(STRANGER);
        book.resolve(_id);
        vm.assertEq(supply - token.totalSupply(), 10e18, "half of 2% is burned");
        vm.assertEq(token.balanceOf(STRANGER), 4e18, "a fifth for whoever ended it");
        vm.assertEq(token.balanceOf(OWNER), CHALLENGE_BOND + 6e18, "the owner's own part");
        vm.assertTrue(
            registry.statusNow(1) == IServiceRegistry.Status.Suspended,
            "and no service any more"
        );
    }

    /// @dev A stranger earns by ending it as soon as the time to answer is over.
    function test_AStrangerIsPaidToEndAShieldThatIsNotAnswered() public {
        enterAndTick(OPENED + 1);
        jump(OPENED + 5, 0);
        vm.prank(STRANGER);
        book.resolve(_id);
        vm.assertEq(token.balanceOf(STRANGER), 4e18, "20% of 2%");
        vm.assertEq(
            1_000e18 + CHALLENGE_BOND - _wealth(),
            14e18,
            "what it cost the owner: all but its own 30%"
        );
    }

    /// @dev A live service answers its own challenge and is challenged again at once: 10 BLOC each time.
    function test_AShieldOfALiveServiceCostsAFifthOfTheBondEachTime() public {
        uint256 supply = token.totalSupply();
        uint32 epoch = OPENED;
        for (uint256 round = 1; round <= 4; ++round) {
            enterAndTick(++epoch);
            book.respond(_id, system().answer(_id));
            vm.assertEq(supply - token.totalSupply(), round * 10e18, "burned");
            _id = system().open(OWNER, 1);
        }
    }

    function test_AnnulmentIsForChallengesThatGotNoQuestionWhileTheRingRemembers() public {
        // No seed from the next three epochs.
        jump(OPENED + 3, EPOCH_SECONDS - 1);
        _expectNotAnnullable();
        book.annul(_id);
        uint256 snapshot = vm.snapshotState();
        jump(OPENED + 4, 0);
        book.annul(_id);
        vm.revertToState(snapshot);
        jump(OPENED + RING - 1, EPOCH_SECONDS - 1);
        vm.expectRevert(abi.encodeWithSelector(IChallengeBook.ChallengeNoQuestion.selector, _id));
        book.resolve(_id);
        book.annul(_id);
        vm.assertEq(token.balanceOf(OWNER), CHALLENGE_BOND, "the bond, and no slash");
        vm.assertEq(serviceStakeAt(1, OPENED + RING + 4), 1_000e18, "whole");
    }

    /// @dev From then on the ring cannot show whether there was a question, so the challenge counts as unanswered.
    function test_FromTheRingOnWhatNobodyClosedIsUnanswered() public {
        jump(OPENED + RING, 0);
        _expectNotAnnullable();
        book.annul(_id);
        book.resolve(_id);
        vm.assertTrue(
            book.challengeOf(_id).state == IChallengeBook.State.Unanswered,
            "though it never got a question"
        );
        vm.assertEq(serviceStakeAt(1, OPENED + RING + 4), 980e18, "2%");
    }

    /// @dev With the latest possible seed and the longest allowed window, an answer is still possible in the last
    /// second.
    function test_TheLongestWindowEndsBeforeTheRingForgets() public {
        // Stake must stay longer than the window and the epochs around it.
        System memory s = _systemWith(uint64(EPOCH_SECONDS) * 400);
        uint64 window = (RING - 4) * EPOCH_SECONDS;
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallengeBook.ChallengeWindowBeyondRing.selector,
                window + 1,
                window
            )
        );
        Artifacts.newChallengeBook(address(s.pos), window + 1, COOL_DOWN, CHALLENGE_BOND);
        IChallengeBook longest = Artifacts.newChallengeBook(
            address(s.pos),
            window,
            COOL_DOWN,
            CHALLENGE_BOND
        );
        vm.assertEq(longest.windowSeconds(), window, "252 epochs");
    }

    /// @dev The owner's stake, unbonding stake and bond.
    function _wealth() private view returns (uint256) {
        return serviceStakeAt(1, OPENED + 9) + token.balanceOf(OWNER);
    }

    function _expectNotAnnullable() private {
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeNotAnnullable.selector, _id)
        );
    }

    function _systemWith(uint64 unbondingSeconds) private returns (System memory s) {
        IRegistry other = SystemLib.newRegistry(governance);
        IStaking stakes = Artifacts.newStaking(
            address(token),
            address(other),
            unbondingSeconds,
            AUDITOR_STAKE
        );
        IProofOfService rounds = Artifacts.newProofOfService(
            address(other),
            address(stakes),
            address(pool)
        );
        (s.registry, s.staking, s.pos) = (other, stakes, rounds);
    }
}
