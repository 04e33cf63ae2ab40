// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice Eight FAILED verdicts in a row suspend a service.
contract SuspendTest is Deployment {
    uint256 private constant SILENT = 4;
    uint256 private constant SEEDLESS = 5;

    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerServices(2);
        // Alone she has weight 7 in every shard, so her vote is the verdict.
        _alice = newAuditor("alice", 5_000e18);
    }

    function test_EightFailedVerdictsSuspend() public {
        _run(2, 9, 0);
        enter(11);
        vm.expectEmit(address(settlement));
        emit ISettlement.Suspended(1, 9);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceSuspended(1, 13);
        vm.prank(STRANGER);
        settlement.suspend(1, 9);

        vm.assertTrue(registry.statusAt(1, 12) == IServiceRegistry.Status.Active, "until here");
        vm.assertTrue(registry.statusAt(1, 13) == IServiceRegistry.Status.Suspended, "from here");
        vm.assertEq(serviceStakeAt(1, 13), 1_000e18, "being down is not cheating");
        vm.assertEq(token.balanceOf(STRANGER), 0, "and pays no caller");
        (uint96 stake, uint64 services) = activeAt(13);
        vm.assertTrue(stake == 1_000e18 && services == 1, "the other one is left");
        vm.assertEq(registry.activeLanes(0, 13), 2, "its lane");
    }

    function test_ASuspendedServiceIsNeitherAuditedNorPaid() public {
        _run(2, 9, 0);
        enter(11);
        settlement.suspend(1, 9);
        _run(13, 14, 3);
        enterAndTick(16);
        vm.assertEq(settlement.settle(1, 14), 0, "nothing");
        (, bool quorate) = settlement.verdictOf(1, 14);
        vm.assertFalse(quorate, "no votes");
        vm.assertGt(settlement.settle(2, 14), 0, "the other one is paid");
    }

    function test_AnythingElseBreaksTheRun() public {
        // POOR, GOOD, EXCELLENT, no quorum, no seed: in its first epoch, in the middle and in the last.
        uint32[3] memory places = [uint32(2), 5, 9];
        for (uint256 what = 1; what <= SEEDLESS; ++what) {
            for (uint256 i = 0; i < 3; ++i) {
                uint256 snapshot = vm.snapshotState();
                _run(2, places[i] - 1, 0);
                _run(places[i], places[i], what);
                _run(places[i] + 1, 9, 0);
                enter(11);
                _expectNotDown(places[i], 9);
                vm.revertToState(snapshot);
            }
        }
    }

    function test_MaintenanceBreaksTheRun() public {
        _run(2, 4, 0);
        // In epoch 5; it counts only in 7.
        vm.prank(PROVIDER);
        registry.setMaintenance(1, true);
        _run(5, 5, 0);
        vm.prank(PROVIDER);
        registry.setMaintenance(1, false);
        _run(6, 15, 0);
        enter(17);
        _expectNotDown(7, 14);
        settlement.suspend(1, 15);
    }

    function test_ALongerRunSuspendsByAnyOfItsEnds() public {
        _run(2, 12, 0);
        enter(14);
        settlement.suspend(1, 11);
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Suspended, "suspended");
    }

    function test_TheWindowOfTheLastEpoch() public {
        _run(2, 9, 0);
        enter(10);
        _expect(abi.encodeWithSelector(ISettlement.SettlementNotFinal.selector, 9, 10), 9);
        bytes memory far = abi.encodeWithSelector(
            ISettlement.SettlementNotFinal.selector,
            type(uint32).max,
            10
        );
        _expect(far, type(uint32).max);
        enter(15);
        _expect(abi.encodeWithSelector(ISettlement.SettlementRunTooOld.selector, 9, 15), 9);
        enter(14);
        settlement.suspend(1, 9);
    }

    function test_RevertsWhen_TheRunWouldBeginBeforeTheFirstEpoch() public {
        _run(2, 7, 0);
        enter(10);
        _expect(abi.encodeWithSelector(ISettlement.SettlementRunTooShort.selector, 1, 7, 0), 7);
        _expectNotDown(1, 8);
    }

    function test_RevertsWhen_ItIsSuspendedAlready() public {
        _run(2, 9, 0);
        enter(11);
        settlement.suspend(1, 9);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.SettlementNotSuspendable.selector,
            1
        );
        _expect(refusal, 9);
        enter(12);
        _expect(refusal, 9);
    }

    function test_AReplayAfterTheReinstatementFails() public {
        _run(2, 9, 0);
        enter(11);
        settlement.suspend(1, 9);
        vm.prank(PROVIDER);
        registry.reinstate(1);
        _expect(abi.encodeWithSelector(ISettlement.SettlementRunTooShort.selector, 1, 9, 13), 9);
        // A part of the old run does not count for a new one either.
        _run(12, 18, 0);
        enter(20);
        _expect(abi.encodeWithSelector(ISettlement.SettlementRunTooShort.selector, 1, 18, 13), 18);
        _run(20, 20, 0);
        enter(22);
        _expectNotDown(19, 20);
    }

    function test_ANewRunAfterTheReinstatementSuspendsAgain() public {
        _run(2, 9, 0);
        enter(11);
        settlement.suspend(1, 9);
        vm.prank(PROVIDER);
        registry.reinstate(1);
        _run(12, 20, 0);
        enter(22);
        settlement.suspend(1, 20);
        vm.assertTrue(registry.statusNow(1) == IServiceRegistry.Status.Suspended, "again");
        vm.assertEq(serviceStakeAt(1, 24), 1_000e18, "and still whole");
    }

    function test_TheSuspendedEpochsBreakALaterRun() public {
        _run(2, 9, 0);
        enter(11);
        settlement.suspend(1, 9);
        enter(14);
        vm.prank(PROVIDER);
        registry.reinstate(1);
        vm.assertEq(registry.reinstatedSince(1), 16, "from 16 on");
        _run(16, 22, 0);
        enter(24);
        _expect(abi.encodeWithSelector(ISettlement.SettlementRunTooShort.selector, 1, 22, 16), 22);
    }

    function test_RevertsWhen_TheServiceIsUnknown() public {
        _run(2, 9, 0);
        enter(11);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SettlementNotDown.selector, 0, 2));
        settlement.suspend(0, 9);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SettlementNotDown.selector, 3, 2));
        settlement.suspend(3, 9);
    }

    function test_AMinorityThatCriesFailedSuspendsNobody() public {
        AuditorActor mallory = newAuditor("mallory", 5_000e18);
        AuditorActor bob = newAuditor("bob", 10_000e18);
        for (uint32 epoch = 2; epoch <= 9; ++epoch) {
            enterAndTick(epoch);
            _alice.commit(epoch, 3);
            bob.commit(epoch, 3);
            mallory.commit(epoch, 0);
            enter(epoch + 1);
            _alice.reveal(epoch);
            bob.reveal(epoch);
            mallory.reveal(epoch);
        }
        enter(11);
        (bool ok, ) = address(settlement).call(abi.encodeCall(settlement.suspend, (1, 9)));
        vm.assertFalse(ok, "not down");
    }

    /// @dev Audits consecutive epochs: with a grade for all services, without votes, or without a seed.
    function _run(uint32 from, uint32 to, uint256 grade) private {
        for (uint32 epoch = from; epoch <= to; ++epoch) {
            enter(epoch);
            if (grade == SEEDLESS) continue;
            tick(epoch);
            if (grade != SILENT) _alice.commit(epoch, grade);
            enter(epoch + 1);
            if (grade != SILENT) _alice.reveal(epoch);
        }
    }

    function _expectNotDown(uint32 epoch, uint32 lastEpoch) private {
        _expect(
            abi.encodeWithSelector(ISettlement.SettlementNotDown.selector, 1, epoch),
            lastEpoch
        );
    }

    function _expect(bytes memory refusal, uint32 lastEpoch) private {
        vm.expectRevert(refusal);
        settlement.suspend(1, lastEpoch);
    }
}
