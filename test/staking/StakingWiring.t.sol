// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    CHALLENGE_WINDOW,
    COOL_DOWN,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice Staking is connected once, and only to contracts that name it as their own.
contract StakingWiringTest is Deployment {
    IStaking private _other;
    IProofOfService private _pos;
    IChallengeBook private _book;

    function setUp() public override {
        super.setUp();
        _other = Artifacts.newStaking(
            address(token),
            address(registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        _pos = _newPos();
        _book = _newBook(_pos);
    }

    function test_WiresToWhatPointsBack() public {
        vm.expectEmit(address(_other));
        emit IStaking.Wired(address(_pos), address(_book));
        _other.wire(address(_pos), address(_book));

        vm.assertEq(_other.proofOfService(), address(_pos), "rounds");
        vm.assertEq(_other.challengeBook(), address(_book), "challenges");
    }

    function test_RevertsWhen_AnotherThanTheDeployerWires() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNotDeployer.selector, STRANGER));
        vm.prank(STRANGER);
        _other.wire(address(_pos), address(_book));
    }

    function test_RevertsWhen_WiredTwice() public {
        _other.wire(address(_pos), address(_book));
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingAlreadyWired.selector, address(_pos))
        );
        _other.wire(address(_pos), address(_book));
    }

    function test_RevertsWhen_TheRoundsAreOfOtherStakes() public {
        _expectMismatch(address(pos));
        _other.wire(address(pos), address(_book));
    }

    function test_RevertsWhen_TheChallengesAreOfOtherStakes() public {
        // Even if they claim these rounds: the project's contracts take both from one source, foreign ones might not.
        vm.mockCall(
            address(book),
            abi.encodeCall(book.proofOfService, ()),
            abi.encode(address(_pos))
        );
        _expectMismatch(address(book));
        _other.wire(address(_pos), address(book));
    }

    function test_RevertsWhen_TheChallengesAreOfOtherRounds() public {
        IChallengeBook challenges = _newBook(_newPos());
        _expectMismatch(address(challenges));
        _other.wire(address(_pos), address(challenges));
    }

    function test_BeforeTheWiringNobodyEnrolsOrSlashes() public {
        _expectNotProofOfService();
        _pos.enrol(keccak256("tip"), STRANGER);
        vm.startPrank(address(_pos));
        _expectNotProofOfService();
        _other.lapse(STRANGER);
        _expectNotProofOfService();
        _other.slashAuditor(STRANGER, 1, STRANGER);
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotChallengeBook.selector, address(_book))
        );
        vm.prank(address(_book));
        _other.slashService(1, STRANGER, 1, STRANGER, STRANGER);
    }

    function _newPos() private returns (IProofOfService) {
        return Artifacts.newProofOfService(address(registry), address(_other), address(pool));
    }

    function _newBook(IProofOfService rounds) private returns (IChallengeBook) {
        return
            Artifacts.newChallengeBook(
                address(rounds),
                CHALLENGE_WINDOW,
                COOL_DOWN,
                CHALLENGE_BOND
            );
    }

    function _expectMismatch(address target) private {
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingWiringMismatch.selector, target));
    }

    function _expectNotProofOfService() private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotProofOfService.selector, address(_pos))
        );
    }
}
