// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeBook} from "../../contracts/challenges/ChallengeBook.sol";
import {ProofOfService} from "../../contracts/proof-of-service/ProofOfService.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ServiceRegistry} from "../../contracts/registry/ServiceRegistry.sol";
import {Staking} from "../../contracts/staking/Staking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    CHALLENGE_WINDOW,
    COOL_DOWN,
    GOVERNOR,
    SystemLib,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice The registry is connected once, and only to contracts that point back.
contract RegistryWiringTest is Deployment {
    ServiceRegistry private _other;
    Staking private _staking;
    ProofOfService private _pos;
    ChallengeBook private _book;

    /// @dev A second system, complete but for the wiring.
    function setUp() public override {
        super.setUp();
        _other = SystemLib.newRegistry(governance);
        _staking = _newStaking();
        _pos = _newPos(_staking);
        _book = _newBook(_pos);
    }

    function test_WiresToWhatPointsBack() public {
        vm.expectEmit(address(_other));
        emit IServiceRegistry.Wired(address(_staking), address(_pos), address(_book));
        _other.wire(address(_staking), address(_pos), address(_book));

        vm.assertEq(_other.staking(), address(_staking), "staking");
        vm.assertEq(_other.proofOfService(), address(_pos), "rounds");
        vm.assertEq(_other.challengeBook(), address(_book), "challenges");
    }

    function test_RevertsWhen_AnotherThanTheDeployerWires() public {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotDeployer.selector, STRANGER)
        );
        vm.prank(STRANGER);
        _other.wire(address(_staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_WiredTwice() public {
        _other.wire(address(_staking), address(_pos), address(_book));
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceRegistry.RegistryAlreadyWired.selector,
                address(_staking)
            )
        );
        _other.wire(address(_staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_TheStakesAreOfAnotherRegistry() public {
        _expectMismatch(address(staking));
        _other.wire(address(staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_TheRoundsAreOfAnotherRegistry() public {
        // Even if they claimed to be of these stakes.
        _claim(address(pos), abi.encodeCall(pos.staking, ()), address(_staking));
        _expectMismatch(address(pos));
        _other.wire(address(_staking), address(pos), address(_book));
    }

    function test_RevertsWhen_TheRoundsAreOfOtherStakes() public {
        ProofOfService rounds = _newPos(_newStaking());
        _expectMismatch(address(rounds));
        _other.wire(address(_staking), address(rounds), address(_book));
    }

    function test_RevertsWhen_TheChallengesAreOfAnotherRegistry() public {
        // Even if they claimed to be of these rounds.
        _claim(address(book), abi.encodeCall(book.proofOfService, ()), address(_pos));
        _expectMismatch(address(book));
        _other.wire(address(_staking), address(_pos), address(book));
    }

    function test_RevertsWhen_TheChallengesAreOfOtherRounds() public {
        ChallengeBook challenges = _newBook(_newPos(_staking));
        _expectMismatch(address(challenges));
        _other.wire(address(_staking), address(_pos), address(challenges));
    }

    function test_BeforeTheWiringNobodyRegistersOrSuspends() public {
        vm.prank(GOVERNOR);
        _other.addClass(SystemLib.class("http", address(verifier)));
        // There is no code at address 0 to answer.
        vm.expectRevert();
        _other.register(0, STRANGER, "GET /", "", 0);
        vm.assertEq(_other.serviceCount(), 0, "nothing happened");

        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotSuspender.selector, address(_pos))
        );
        vm.prank(address(_pos));
        _other.suspend(1);
    }

    function _newStaking() private returns (Staking) {
        return new Staking(address(token), address(_other), UNBONDING_SECONDS, AUDITOR_STAKE);
    }

    function _newPos(Staking stakes) private returns (ProofOfService) {
        return new ProofOfService(address(_other), address(stakes), address(pool));
    }

    function _newBook(ProofOfService rounds) private returns (ChallengeBook) {
        return new ChallengeBook(address(rounds), CHALLENGE_WINDOW, COOL_DOWN, CHALLENGE_BOND);
    }

    /// @dev Our own contracts take both from one source; another's might not.
    function _claim(address target, bytes memory getter, address value) private {
        vm.mockCall(target, getter, abi.encode(value));
    }

    function _expectMismatch(address target) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryWiringMismatch.selector, target)
        );
    }
}
