// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    AUDITOR_STAKE,
    GOVERNOR,
    LABEL_MINIMUM_AGE,
    LABEL_PRICE,
    SERVICE_STAKE,
    System,
    SystemLib,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice A new version of the contracts takes over services with their numbers and labels, only from their owners;
/// stake and earlier pay stay in the old version until they are taken out.
contract SuccessionTest is Deployment {
    using SystemLib for System;

    bytes32 private constant SALT = keccak256("salt");

    System private _next;
    uint64 private _first;
    uint64 private _second;

    function setUp() public override {
        super.setUp();
        _first = registerService();
        _second = registerService();
        enter(3);
        _label(system(), _first, "weather");
        system().close();
        _next = system().succeed();
    }

    function test_NumbersOfTheNewVersionBeginBehindTheOldOnes() public {
        vm.assertEq(_next.registry.predecessor(), address(registry), "predecessor");
        vm.assertEq(_next.registry.inherited(), 2, "inherited");
        vm.assertEq(_register(PROVIDER), 3, "the next number");
        vm.assertEq(registry.predecessor(), address(0), "the first version has none");
        vm.assertEq(registry.inherited(), 0, "nor anything to inherit");
    }

    function test_AServiceMovesWithItsNumberAndItsLabel() public {
        uint256 supply = token.totalSupply();
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, SERVICE_STAKE);
        _takeOver(_first, PROVIDER);

        vm.assertEq(_next.registry.ownerOf(_first), PROVIDER, "owner");
        vm.assertEq(keccak256(bytes(_next.labels.labelOf(_first))), keccak256("weather"), "label");
        vm.assertEq(_next.labels.numberOf("weather"), _first, "its number");
        vm.assertEq(uint8(_next.registry.statusNow(_first)), 1, "active");
        uint32 since = _next.registry.currentEpoch() + 2;
        vm.assertEq(_next.registry.firstEpoch(_first), since, "counts two epochs later");
        vm.assertEq(_next.registry.activeLanes(0, since), 1, "alone in its shard");
        (uint96 stake, ) = _next.staking.serviceStakeAt(_first, since);
        vm.assertEq(stake, SERVICE_STAKE, "stake");
        vm.assertEq(token.totalSupply(), supply, "no fee: it was burned once");
    }

    function test_ALabelWaitsForItsService() public {
        uint64 other = _register(PROVIDER);
        vm.assertEq(_next.labels.numberOf("weather"), 0, "not here yet");
        vm.assertEq(_next.labels.holderOf("weather"), _first, "and not free");
        _labelFails(
            other,
            "weather",
            abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "weather", _first)
        );
        _label(_next, other, "storm");
        vm.assertEq(_next.labels.numberOf("storm"), other, "others are free");
    }

    function test_HeirsPayNothing() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, SERVICE_STAKE);
        uint256 supply = token.totalSupply();
        vm.startPrank(PROVIDER);
        token.approve(address(_next.staking), SERVICE_STAKE);
        vm.expectEmit(address(_next.labels));
        emit IServiceLabels.LabelSet(_first, "weather");
        _next.registry.takeOver(_first, 0, STRANGER, "GET /", "", SERVICE_STAKE);
        vm.stopPrank();
        vm.assertEq(token.totalSupply(), supply, "neither for the number nor for the label");
    }

    /// @dev A dishonest earlier registry, named by the deployer of this one.
    function test_NoHolderLosesALabelWhateverThePredecessorSays() public {
        uint64 other = _register(PROVIDER);
        _label(_next, other, "storm");
        vm.mockCall(
            address(labels),
            abi.encodeCall(labels.heirloomOf, (_second)),
            abi.encode("storm")
        );
        vm.prank(PROVIDER);
        registry.retire(_second);
        _refused(
            _second,
            PROVIDER,
            abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "storm", other)
        );
        vm.assertEq(_next.labels.numberOf("storm"), other, "still its holder's");
    }

    function test_UntilItIsTakenOverANumberIsNoService() public {
        vm.assertEq(uint8(_next.registry.statusNow(_first)), 0, "none");
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryUnknownService.selector, _first)
        );
        _next.registry.classOf(_first);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryUnknownService.selector, _first)
        );
        _next.registry.announce(_first, "record");
    }

    function test_RevertsWhen_TheServiceStillRunsThere() public {
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotRetired.selector, _first)
        );
    }

    function test_RevertsWhen_AnotherTakesItOver() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        _refused(
            _first,
            STRANGER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, _first, STRANGER)
        );
    }

    function test_TheOwnerThereIsWhoCounts() public {
        vm.startPrank(PROVIDER);
        registry.retire(_first);
        registry.transferFrom(PROVIDER, STRANGER, _first);
        vm.stopPrank();
        _fund(STRANGER, SERVICE_STAKE);
        _takeOver(_first, STRANGER);
        vm.assertEq(_next.registry.ownerOf(_first), STRANGER, "the buyer");
    }

    function test_RevertsWhen_TakenOverTwice() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, 2 * SERVICE_STAKE);
        _takeOver(_first, PROVIDER);
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotInherited.selector, _first)
        );
    }

    function test_RevertsWhen_TheNumberIsNotThePredecessors() public {
        uint64 late = _register(PROVIDER);
        uint64[3] memory numbers = [late, late + 1, 0];
        for (uint256 i = 0; i < numbers.length; ++i) {
            _refused(
                numbers[i],
                PROVIDER,
                abi.encodeWithSelector(IServiceRegistry.RegistryNotInherited.selector, numbers[i])
            );
        }
    }

    function test_RevertsWhen_TheClassIsClosed() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        vm.prank(GOVERNOR);
        _next.registry.setClassOpen(0, false);
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceClasses.RegistryClassClosed.selector, 0)
        );
    }

    function test_TheOldStakeUnbondsByTheOldRules() public {
        uint256 before = token.balanceOf(PROVIDER);
        vm.startPrank(PROVIDER);
        registry.retire(_first);
        vm.warp(vm.getBlockTimestamp() + UNBONDING_SECONDS);
        staking.withdrawService(_first, PROVIDER);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(PROVIDER) - before, SERVICE_STAKE, "back");

        _takeOver(_first, PROVIDER);
        vm.assertEq(token.balanceOf(PROVIDER), before, "and at stake again");
    }

    function test_PayOfBeforeIsPaidWhereItWasEarned() public {
        AuditorActor alice = newAuditor("alice", AUDITOR_STAKE);
        uint32 epoch = registry.currentEpoch() + 2;
        enterAndTick(epoch);
        alice.commit(epoch, 3);
        enterAndTick(epoch + 1);
        alice.reveal(epoch);
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, SERVICE_STAKE);
        _takeOver(_first, PROVIDER);
        alice.unstake(AUDITOR_STAKE);

        enterAndTick(epoch + 2);
        uint256 before = token.balanceOf(PROVIDER);
        uint256 pay = settlement.settle(_first, epoch);
        vm.assertGt(pay, 0, "the service's");
        vm.assertEq(token.balanceOf(PROVIDER) - before, pay, "to its owner");
        uint256 reward = alice.claim(epoch, epoch + 2);
        vm.assertGt(reward, 0, "the auditor's");
        vm.assertEq(pos.collect(address(alice)), reward, "collected");
        vm.warp(vm.getBlockTimestamp() + UNBONDING_SECONDS);
        staking.withdrawAuditor(address(alice));
        vm.assertEq(token.balanceOf(address(alice)), AUDITOR_STAKE + reward, "with the stake");
    }

    function _fund(address to, uint256 amount) private {
        system().fund(to, amount);
    }

    function _register(address owner) private returns (uint64 number) {
        return _next.register(owner, SERVICE_STAKE);
    }

    function _takeOver(uint64 number, address owner) private {
        vm.startPrank(owner);
        token.approve(address(_next.staking), SERVICE_STAKE);
        _next.registry.takeOver(number, 0, STRANGER, "GET /", "", SERVICE_STAKE);
        vm.stopPrank();
    }

    function _refused(uint64 number, address caller, bytes memory refusal) private {
        system().fund(caller, SERVICE_STAKE);
        vm.prank(caller);
        token.approve(address(_next.staking), SERVICE_STAKE);
        vm.expectRevert(refusal);
        vm.prank(caller);
        _next.registry.takeOver(number, 0, STRANGER, "GET /", "", SERVICE_STAKE);
    }

    function _label(System memory s, uint64 number, string memory label) private {
        _commit(s, number, label);
        vm.prank(PROVIDER);
        s.labels.setLabel(number, label, SALT);
    }

    function _labelFails(uint64 number, string memory label, bytes memory refusal) private {
        _commit(_next, number, label);
        vm.expectRevert(refusal);
        vm.prank(PROVIDER);
        _next.labels.setLabel(number, label, SALT);
    }

    /// @dev Also waits until the service is active.
    function _commit(System memory s, uint64 number, string memory label) private {
        system().fund(PROVIDER, LABEL_PRICE);
        bytes32 commitment = labels.labelCommitment(label, PROVIDER, SALT);
        vm.startPrank(PROVIDER);
        token.approve(address(s.labels), LABEL_PRICE);
        s.labels.commitLabel(commitment);
        vm.stopPrank();
        uint256 active = s.registry.epochStart(s.registry.firstEpoch(number));
        uint256 aged = vm.getBlockTimestamp() + LABEL_MINIMUM_AGE;
        vm.warp(active > aged ? active : aged);
    }
}
