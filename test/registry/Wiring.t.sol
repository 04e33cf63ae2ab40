// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IBlocToken, IRegistry} from "../support/Interfaces.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    CHALLENGE_WINDOW,
    COOL_DOWN,
    GOVERNOR,
    SystemLib,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice The registry is connected once, and only to contracts that name it as their own.
contract RegistryWiringTest is Deployment {
    IRegistry private _other;
    IStaking private _staking;
    IProofOfService private _pos;
    IChallengeBook private _book;
    ISettlement private _settlement;
    IServiceLabels private _labels;

    /// @dev A second system, complete but for the wiring.
    function setUp() public override {
        super.setUp();
        _other = SystemLib.newRegistry(governance);
        _staking = _newStaking();
        _pos = _newPos(_staking);
        _settlement = Artifacts.newSettlement(address(_pos));
        _pos.wire(address(_settlement));
        _book = _newBook(_pos);
        _labels = SystemLib.newLabels(_other, token);
    }

    function test_WiresToWhatPointsBack() public {
        vm.expectEmit(address(_other));
        emit IServiceRegistry.Wired(
            address(_staking),
            address(_pos),
            address(_settlement),
            address(_book),
            address(_labels)
        );
        _wire(address(_staking), address(_pos), address(_book));

        vm.assertEq(_other.staking(), address(_staking), "staking");
        vm.assertEq(_other.proofOfService(), address(_pos), "rounds");
        vm.assertEq(_other.settlement(), address(_settlement), "settlement");
        vm.assertEq(_other.challengeBook(), address(_book), "challenges");
        vm.assertEq(_other.labels(), address(_labels), "labels");
    }

    function test_RevertsWhen_AnotherThanTheDeployerWires() public {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotDeployer.selector, STRANGER)
        );
        vm.prank(STRANGER);
        _wire(address(_staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_WiredTwice() public {
        _wire(address(_staking), address(_pos), address(_book));
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceRegistry.RegistryAlreadyWired.selector,
                address(_staking)
            )
        );
        _wire(address(_staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_TheStakesAreOfAnotherRegistry() public {
        _expectMismatch(address(staking));
        _wire(address(staking), address(_pos), address(_book));
    }

    function test_RevertsWhen_TheRoundsAreOfAnotherRegistry() public {
        // Even if they claimed to be of these stakes.
        _claim(address(pos), abi.encodeCall(pos.staking, ()), address(_staking));
        _expectMismatch(address(pos));
        _wire(address(_staking), address(pos), address(_book));
    }

    function test_RevertsWhen_TheRoundsAreOfOtherStakes() public {
        IProofOfService rounds = _newPos(_newStaking());
        _expectMismatch(address(rounds));
        _wire(address(_staking), address(rounds), address(_book));
    }

    function test_RevertsWhen_TheSettlementIsOfOtherRounds() public {
        _expectMismatch(address(settlement));
        _other.wire(
            address(_staking),
            address(_pos),
            address(settlement),
            address(_book),
            address(_labels)
        );
    }

    function test_RevertsWhen_TheChallengesAreOfAnotherRegistry() public {
        // Even if they claimed to be of these rounds.
        _claim(address(book), abi.encodeCall(book.proofOfService, ()), address(_pos));
        _expectMismatch(address(book));
        _wire(address(_staking), address(_pos), address(book));
    }

    function test_RevertsWhen_TheChallengesAreOfOtherRounds() public {
        IChallengeBook challenges = _newBook(_newPos(_staking));
        _expectMismatch(address(challenges));
        _wire(address(_staking), address(_pos), address(challenges));
    }

    function test_RevertsWhen_TheLabelsAreOfAnotherRegistry() public {
        _expectMismatch(address(labels));
        _wireLabels(address(labels));
    }

    function test_RevertsWhen_TheLabelsBurnAnotherToken() public {
        IBlocToken coin = Artifacts.newToken(address(pool), STRANGER);
        IServiceLabels others = SystemLib.newLabels(_other, coin);
        _expectMismatch(address(others));
        _wireLabels(address(others));
    }

    function test_BeforeTheWiringNobodyRegistersOrSuspends() public {
        vm.prank(GOVERNOR);
        _other.addClass(SystemLib.class("http", address(verifier)));
        // Address 0 has no code.
        vm.expectRevert();
        _other.register(0, STRANGER, "GET /", "", 0);
        vm.assertEq(_other.serviceCount(), 0, "nothing happened");

        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceRegistry.RegistryNotSuspender.selector,
                address(_settlement)
            )
        );
        vm.prank(address(_settlement));
        _other.suspend(1);
    }

    function _wire(address staking_, address pos_, address book_) private {
        _other.wire(staking_, pos_, address(_settlement), book_, address(_labels));
    }

    function _wireLabels(address labels_) private {
        _other.wire(
            address(_staking),
            address(_pos),
            address(_settlement),
            address(_book),
            labels_
        );
    }

    function _newStaking() private returns (IStaking) {
        return
            Artifacts.newStaking(address(token), address(_other), UNBONDING_SECONDS, AUDITOR_STAKE);
    }

    function _newPos(IStaking stakes) private returns (IProofOfService) {
        return Artifacts.newProofOfService(address(_other), address(stakes), address(pool));
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

    /// @dev The project's contracts take both from one source; foreign ones might not.
    function _claim(address target, bytes memory getter, address value) private {
        vm.mockCall(target, getter, abi.encode(value));
    }

    function _expectMismatch(address target) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryWiringMismatch.selector, target)
        );
    }
}
