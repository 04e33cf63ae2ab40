// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ISuccession} from "../../contracts/registry/ISuccession.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IRegistry} from "../support/Interfaces.sol";
import {
    AUDITOR_STAKE,
    CLOSING_SECONDS,
    EPOCH_SECONDS,
    GOVERNOR,
    LABEL_MINIMUM_AGE,
    LABEL_PRICE,
    SERVICE_FEE,
    SERVICE_STAKE,
    System,
    SystemLib
} from "../support/System.sol";

/// @notice A registry is closed before it has a successor: the closing is announced, and can only be revoked in time.
contract ClosingTest is Deployment {
    using SystemLib for System;

    bytes32 private constant SALT = keccak256("salt");

    uint64 private _number;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        enter(3);
    }

    function test_AnAnnouncedClosingHoldsWithoutAnotherCall() public {
        uint64 closing = uint64(vm.getBlockTimestamp()) + CLOSING_SECONDS;
        vm.expectEmit(address(registry));
        emit ISuccession.ClosingAnnounced(closing);
        vm.prank(GOVERNOR);
        registry.announceClosing();
        vm.assertEq(registry.closesAt(), closing, "when");

        vm.warp(closing - 1);
        vm.assertFalse(registry.isClosed(), "open to the last second");
        registerService();
        vm.warp(closing);
        vm.assertTrue(registry.isClosed(), "closed");
        _registerFails(registry, _closed(closing));
    }

    function test_UntilItIsClosedItCanBeTakenBack() public {
        vm.startPrank(GOVERNOR);
        registry.announceClosing();
        vm.warp(registry.closesAt() - 1);
        vm.expectEmit(address(registry));
        emit ISuccession.ClosingRevoked();
        registry.revokeClosing();
        vm.stopPrank();
        vm.assertEq(registry.closesAt(), 0, "nothing is announced");
        vm.warp(vm.getBlockTimestamp() + 2 * CLOSING_SECONDS);
        vm.assertFalse(registry.isClosed(), "open");
        registerService();

        // It can be announced again, with the full time.
        vm.prank(GOVERNOR);
        registry.announceClosing();
        vm.assertEq(registry.closesAt(), vm.getBlockTimestamp() + CLOSING_SECONDS, "anew");
    }

    function test_RevertsWhen_ItIsTakenBackTooLate() public {
        system().close();
        uint64 closing = registry.closesAt();
        vm.expectRevert(_closed(closing));
        vm.prank(GOVERNOR);
        registry.revokeClosing();
    }

    function test_RevertsWhen_ItIsAnnouncedTwiceOrNeverWas() public {
        vm.startPrank(GOVERNOR);
        vm.expectRevert(abi.encodeWithSelector(ISuccession.RegistryClosingNotAnnounced.selector));
        registry.revokeClosing();
        registry.announceClosing();
        vm.expectRevert(
            abi.encodeWithSelector(
                ISuccession.RegistryClosingAnnounced.selector,
                registry.closesAt()
            )
        );
        registry.announceClosing();
    }

    function test_RevertsWhen_AnotherThanGovernanceCloses() public {
        address[3] memory others = [PROVIDER, STRANGER, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector,
                others[i]
            );
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            registry.announceClosing();
            vm.expectRevert(refusal);
            registry.revokeClosing();
            vm.stopPrank();
        }
    }

    function test_ASuccessorHasToWaitUntilItsPredecessorIsClosed() public {
        _deployFails();
        vm.prank(GOVERNOR);
        registry.announceClosing();
        _deployFails();
        vm.warp(registry.closesAt());
        IRegistry next = SystemLib.newRegistry(governance, address(registry));
        vm.assertEq(next.predecessor(), address(registry), "predecessor");
        vm.assertEq(next.inherited(), 1, "all numbers");
        vm.assertEq(next.serviceCount(), 1, "the next one follows");
    }

    function test_RevertsWhen_DeployedWithoutTimeToTakeItBack() public {
        vm.expectRevert(abi.encodeWithSelector(ISuccession.RegistryClosingSecondsZero.selector));
        Artifacts.newRegistry(EPOCH_SECONDS, address(governance), address(0), 0);
    }

    /// @dev Refused even with an old enough commitment, or a number that could be taken over.
    function test_AClosedRegistryRefusesNumbersAndLabels() public {
        system().close();
        System memory second = system().succeed();
        bytes32 commitment = labels.labelCommitment("oracle", PROVIDER, SALT);
        vm.startPrank(PROVIDER);
        registry.retire(_number);
        second.labels.commitLabel(commitment);
        labels.commitLabel(commitment);
        vm.stopPrank();
        second.close();
        uint64 closing = second.registry.closesAt();

        vm.expectRevert(_closed(closing));
        vm.prank(PROVIDER);
        second.registry.takeOver(_number, 0, STRANGER, "GET /", "", 0);
        _registerFails(second.registry, _closed(closing));
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelRegistryClosed.selector));
        vm.prank(PROVIDER);
        labels.setLabel(_number, "oracle", SALT);
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelRegistryClosed.selector));
        vm.prank(PROVIDER);
        second.labels.setLabel(_number, "oracle", SALT);
    }

    /// @dev Audits, pay, stake, keys, sales and retirement.
    function test_AllElseGoesOnInAClosedRegistry() public {
        system().close();
        uint32 epoch = registry.currentEpoch() + 2;
        AuditorActor alice = newAuditor("alice", AUDITOR_STAKE);
        system().fund(PROVIDER, SERVICE_STAKE);
        vm.startPrank(PROVIDER);
        staking.stakeService(_number, SERVICE_STAKE);
        registry.setProbe(_number, "GET /other");
        registry.setMetadata(_number, "ipfs://other");
        vm.stopPrank();
        enterAndTick(epoch);
        alice.commit(epoch, 3);
        enterAndTick(epoch + 1);
        alice.reveal(epoch);
        enterAndTick(epoch + 2);
        vm.assertGt(settlement.settle(_number, epoch), 0, "the service is paid");
        vm.assertGt(alice.claim(epoch, epoch + 2), 0, "and the auditor");

        vm.startPrank(PROVIDER);
        registry.setKey(_number, STRANGER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.stopPrank();
        vm.prank(STRANGER);
        registry.retire(_number);
        vm.assertTrue(registry.statusNow(_number) == IServiceRegistry.Status.Retired, "retired");
    }

    function _deployFails() private {
        vm.expectRevert(
            abi.encodeWithSelector(ISuccession.RegistryPredecessorOpen.selector, address(registry))
        );
        SystemLib.newRegistry(governance, address(registry));
    }

    function _registerFails(IRegistry target, bytes memory refusal) private {
        system().fund(PROVIDER, SERVICE_STAKE + SERVICE_FEE);
        vm.prank(PROVIDER);
        token.approve(target.staking(), SERVICE_STAKE + SERVICE_FEE);
        vm.expectRevert(refusal);
        vm.prank(PROVIDER);
        target.register(0, STRANGER, "GET /", "", SERVICE_STAKE);
    }

    function _closed(uint64 closing) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISuccession.RegistryClosed.selector, closing);
    }
}
