// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Slot} from "../../contracts/libraries/Slot.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IServiceSlots} from "../../contracts/registry/IServiceSlots.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Slots: their services, their release, and that the next service inherits nothing.
contract SlotsTest is Deployment {
    using SystemLib for System;

    uint32 private constant RING = 256;

    function test_ARegistrationTakesASlotOnlyWhenItBecomesActive() public {
        uint64 first = registerService();
        uint64 idle = system().register(STRANGER, 0);
        uint64 second = registerService();
        vm.assertEq(_slotOf(first), 1, "first");
        vm.assertEq(_slotOf(idle), 0, "none: it was never active");
        vm.assertEq(_slotOf(second), 2, "beside the first");
        vm.assertEq(registry.slotCount(), 2, "slots");

        system().fund(STRANGER, 1_000e18);
        vm.startPrank(STRANGER);
        token.approve(address(staking), 1_000e18);
        vm.expectEmit(address(registry));
        emit IServiceSlots.SlotTaken(idle, Slot.wrap(3), 2);
        staking.stakeService(idle, 1_000e18);
        vm.stopPrank();
        vm.assertEq(_slotOf(idle), 3, "once it is active");
    }

    function test_ASlotIsFreeOnceItsServiceWasInactiveForARing() public {
        uint64 number = registerService();
        enter(4);
        _maintenance(number, true); // Inactive from 6 on.
        enter(6 + RING - 1);
        vm.expectRevert(abi.encodeWithSelector(IServiceSlots.RegistrySlotHeld.selector, number));
        registry.releaseSlot(number);
        vm.assertEq(registry.freeSlots(), 0, "none yet");

        enter(6 + RING);
        vm.expectEmit(address(registry));
        emit IServiceSlots.SlotReleased(number, Slot.wrap(1));
        vm.prank(STRANGER);
        registry.releaseSlot(number);
        vm.assertEq(_slotOf(number), 0, "released");
        vm.assertEq(registry.freeSlots(), 1, "waits");
        vm.expectRevert(abi.encodeWithSelector(IServiceSlots.RegistryNoSlot.selector, number));
        registry.releaseSlot(number);

        uint64 next = registerService();
        vm.assertEq(_slotOf(next), 1, "of the first");
        vm.assertEq(registry.slotCount(), 1, "no new one");
        vm.assertEq(registry.freeSlots(), 0, "none waits");
    }

    function test_AnActiveServiceKeepsItsSlot() public {
        uint64 number = registerService();
        enter(2 * RING);
        vm.expectRevert(abi.encodeWithSelector(IServiceSlots.RegistrySlotHeld.selector, number));
        registry.releaseSlot(number);
    }

    /// @dev Otherwise an owner could hold a slot for ever for gas, without a single audit.
    function test_ActivityThatNeverCountedRenewsNothing() public {
        uint64 number = registerService();
        enter(4);
        _maintenance(number, true); // Inactive from 6 on.
        enter(100);
        _maintenance(number, false);
        _maintenance(number, true);
        enter(6 + RING);
        registry.releaseSlot(number);
        vm.assertEq(_slotOf(number), 0, "released");
    }

    function test_ActivityThatCountedStartsTheWaitAnew() public {
        uint64 number = registerService();
        enter(4);
        _maintenance(number, true);
        enter(100);
        _maintenance(number, false); // Active from 102 on.
        enter(101);
        _maintenance(number, true); // Inactive from 103 on.
        enter(103 + RING - 1);
        vm.expectRevert(abi.encodeWithSelector(IServiceSlots.RegistrySlotHeld.selector, number));
        registry.releaseSlot(number);
        enter(103 + RING);
        registry.releaseSlot(number);
    }

    function test_WhoComesBackInTimeFindsItsSlot() public {
        registerService();
        uint64 number = registerService();
        enter(4);
        _maintenance(number, true);
        enter(6 + RING - 1);
        _maintenance(number, false);
        vm.assertEq(_slotOf(number), 2, "still its own");
    }

    function test_WhoComesBackLateTakesAnother() public {
        uint64 early = registerService();
        uint64 late = registerService();
        enter(4);
        _maintenance(early, true);
        enter(5);
        _maintenance(late, true);
        enter(7 + RING);
        registry.releaseSlot(early);
        // Its own slot was free, too, and goes to the end of the queue; the first in the queue is the other's.
        _maintenance(late, false);
        vm.assertEq(_slotOf(late), 1, "of the early one");
        _maintenance(early, false);
        vm.assertEq(_slotOf(early), 2, "of the late one");
        vm.assertEq(registry.slotCount(), 2, "no new ones");
    }

    /// @dev The ring holds the last epoch of one service and the first of the next, so both can still be claimed and
    /// settled.
    function test_TheNextHolderInheritsNoVerdictAndLosesNone() public {
        uint64 old = registerService();
        AuditorActor auditor = newAuditor("alice", 5_000e18);
        uint32 last = 5;
        enterAndTick(3);
        _maintenance(old, true); // Inactive from 5 on.
        enterAndTick(4);
        auditor.commit(4, 3);
        enter(5);
        auditor.reveal(4);
        enter(last + RING);
        registry.releaseSlot(old);
        uint64 next = registerService();
        vm.assertEq(_slotOf(next), 1, "the same slot");
        // It is active from 263 on; the tally of 4 was overwritten at 260 at the earliest.
        uint32 e = last + RING + 2;
        enter(e);
        auditor.enrol();
        enterAndTick(e + 2);
        auditor.commit(e + 2, 1);
        enterAndTick(e + 3);
        auditor.reveal(e + 2);
        _expectVerdict(next, e + 2, 1);
        (, bool quorate) = settlement.verdictOf(old, e + 2);
        vm.assertFalse(quorate, "not the old one's");
        (, quorate) = settlement.verdictOf(next, 4);
        vm.assertFalse(quorate, "not the new one's");
        enterAndTick(e + 4);
        vm.assertEq(settlement.settle(old, e + 2), 0, "nothing for the old one");
        vm.assertGt(settlement.settle(next, e + 2), 0, "for the new one");
        // The samples name the number of the new service, in the slot that both had.
        vm.assertGt(auditor.claim(e + 2, e + 4), 0, "paid");
    }

    /// @dev An auditor names another service, whose key it has, for the vote that it must prove.
    function test_ASampleMustNameTheHolderOfTheSlot() public {
        uint64 mine = registerService();
        registerService();
        AuditorActor auditor = newAuditor("alice", 5_000e18);
        enterAndTick(2);
        auditor.commit(2, 3);
        enterAndTick(3);
        auditor.reveal(2);
        enterAndTick(4);
        IProofOfService.Chunk memory chunk = auditor.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = auditor.samplesAt(2, 0, 4);
        uint64 right = samples[0].number;
        samples[0].number = right == mine ? 2 : mine;
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosSampleSlot.selector,
                samples[0].number,
                Slot.wrap(uint40(right))
            )
        );
        pos.claim(chunk, 4, samples);
    }

    /// @dev Sixty services in four shards; half of them leave, and others come a ring later, with registrations in
    /// between that are never active. An audit then costs as much as in a dense network.
    function test_ANetworkThatChangedItsServicesIsAsDenseAsANewOne() public {
        registerServices(60);
        for (uint64 number = 2; number <= 60; number += 2) {
            _retire(number);
        }
        enter(2 + RING);
        for (uint64 number = 2; number <= 60; number += 2) {
            // They were never active in an epoch, yet have a slot.
            registry.releaseSlot(number);
        }
        vm.assertEq(registry.freeSlots(), 30, "half of them wait");
        for (uint256 i = 0; i < 30; ++i) {
            system().register(STRANGER, 0);
            registerService();
        }
        vm.assertEq(registry.slotCount(), 60, "as many as services");
        for (uint256 shard = 0; shard < 4; ++shard) {
            vm.assertEq(registry.activeLanes(shard, 4 + RING), (1 << 15) - 1, "each lane of each");
        }
    }

    /// @dev A queue, so that a slot that was just freed is not taken next.
    function test_FreedSlotsAreTakenInTheirOrder() public {
        registerServices(3);
        enter(4);
        for (uint64 number = 1; number <= 3; ++number) {
            _maintenance(number, true);
        }
        enter(6 + RING);
        registry.releaseSlot(2);
        registry.releaseSlot(3);
        registry.releaseSlot(1);
        vm.assertEq(_slotOf(registerService()), 2, "first");
        vm.assertEq(_slotOf(registerService()), 3, "second");
        vm.assertEq(_slotOf(registerService()), 1, "third");
        vm.assertEq(_slotOf(registerService()), 4, "a new one");
    }

    function _expectVerdict(uint64 number, uint32 epoch, uint8 expected) private view {
        (uint8 grade, bool quorate) = settlement.verdictOf(number, epoch);
        vm.assertTrue(quorate && grade == expected, "verdict");
    }

    function _slotOf(uint64 number) private view returns (uint256) {
        return Slot.unwrap(registry.slotOf(number));
    }

    function _maintenance(uint64 number, bool on) private {
        vm.prank(PROVIDER);
        registry.setMaintenance(number, on);
    }

    function _retire(uint64 number) private {
        vm.prank(PROVIDER);
        registry.retire(number);
    }
}
