// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {Slot} from "../../contracts/libraries/Slot.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {Vm} from "../support/Vm.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title KeeperHandler
/// @notice Time, ticks, settlements, reports, lapses and suspensions. Allowed calls must succeed, and forbidden calls
/// must revert; the handler computes independently which calls are allowed.
contract KeeperHandler is Handler {
    using SystemLib for System;

    constructor(Store store) Handler(store) {}

    function wait(uint256 seconds_) external live {
        STORE.pass(bound(seconds_, 1, 11));
    }

    /// @notice The next epoch, mostly with a tick at once.
    function nextEpoch(uint256 luck) external live {
        STORE.pass(13 - (STORE.elapsed() % 12));
        if (luck % 8 != 0) _tick();
    }

    /// @notice Sometimes nothing happens for longer than the ring.
    function sleep(uint256 epochs, uint256 luck) external live {
        if (luck % 8 == 0) STORE.pass(bound(epochs, 2, luck % 16 == 0 ? 300 : 12) * 12);
    }

    function tick() external live {
        _tick();
    }

    function settle(uint256 which, uint256 back) external live {
        System memory s = sys();
        if (current() < 3) return;
        uint64 number = uint64(bound(which, 1, s.registry.serviceCount()));
        uint32 upTo = current() - 2;
        uint256 shorter = bound(back, 0, 6);
        if (shorter < upTo) upTo -= uint32(shorter);
        vm.recordLogs();
        s.settlement.settle(number, upTo);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != ISettlement.Settled.selector) continue;
            (, uint256 reward) = abi.decode(logs[i].data, (uint8, uint256));
            STORE.noteSettlement(number, uint32(uint256(logs[i].topics[2])), reward);
        }
        STORE.notePointer(number, s.settlement.settledThrough(number));
        STORE.note("settle");
    }

    function report(uint256 who, uint256 back) external live {
        System memory s = sys();
        uint256 since = bound(back, 0, 10);
        if (current() <= since) return;
        uint32 epoch = current() - uint32(since);
        address auditor = address(STORE.auditors(who % STORE.auditorCount()));
        (bool committed, , ) = s.pos.roundOf(auditor, epoch);
        (bytes32 seed, , , ) = s.pos.seedOf(epoch);
        bool due =
            since >= 2 &&
                since <= 8 &&
                seed != 0 &&
                committed &&
                !STORE.hasRevealed(auditor, epoch) &&
                !STORE.hasReported(auditor, epoch);
        (uint96 stake, ) = s.auditorStakeAt(auditor, epoch);
        uint256 before = s.token.balanceOf(STORE.KEEPER());
        vm.prank(STORE.KEEPER());
        try s.pos.report(auditor, epoch) returns (uint256 slashed) {
            STORE.noteReport(auditor, epoch);
            STORE.noteSlash(slashed, s.token.balanceOf(STORE.KEEPER()) - before);
            if (!due) STORE.noteViolation("reported what was not due");
            if (slashed > (uint256(stake) + 9_999) / 10_000)
                STORE.noteViolation("a report slashed too much");
        } catch {
            STORE.note("refused report");
            if (due) STORE.noteViolation("could not report");
        }
    }

    function lapse(uint256 who) external live {
        System memory s = sys();
        address auditor = address(STORE.auditors(who % STORE.auditorCount()));
        (, , uint32 lastSeen, , uint32 pendingSince) = s.pos.auditorOf(auditor);
        if (pendingSince > lastSeen) lastSeen = pendingSince;
        (, uint32 enrolledSince) = s.staking.auditorStake(auditor);
        uint256 missed = 0;
        for (uint256 i = STORE.tickedCount(); i > 0; --i) {
            uint32 epoch = STORE.ticked(i - 1);
            if (epoch > lastSeen && epoch + 2 <= current() && epoch + 256 > s.pos.newestSeed())
                ++missed;
        }
        bool due = missed > 24 && enrolledSince != 0;
        try s.pos.lapse(auditor) {
            STORE.note("lapse");
            if (!due) STORE.noteViolation("lapsed an auditor that was there");
        } catch {
            STORE.note("refused lapse");
            // If epochs are far apart, the ring may have overwritten one between two others.
            if (due && lastSeen + 256 > s.pos.newestSeed()) STORE.noteViolation("could not lapse");
        }
    }

    function suspend(uint256 which, uint256 back) external live {
        System memory s = sys();
        uint32 since = uint32(bound(back, 1, 7));
        if (current() <= since + 8) return;
        uint64 number = uint64(bound(which, 1, s.registry.serviceCount()));
        uint32 last = current() - since;
        bool due =
            since >= 2 &&
                since <= 5 &&
                s.registry.statusNow(number) != IServiceRegistry.Status.Suspended &&
                s.registry.statusNow(number) != IServiceRegistry.Status.Retired &&
                last - 7 >= s.registry.reinstatedSince(number);
        for (uint32 epoch = last - 7; epoch <= last; ++epoch) {
            (uint8 grade, bool quorate) = s.settlement.verdictOf(number, epoch);
            if (!quorate || grade != 0) due = false;
            if (s.registry.statusAt(number, epoch) != IServiceRegistry.Status.Active) due = false;
        }
        try s.settlement.suspend(number, last) {
            STORE.note("suspension");
            if (!due) STORE.noteViolation("suspended what was not down");
        } catch {
            STORE.note("refused suspension");
            if (due) STORE.noteViolation("could not suspend");
        }
    }

    /// @notice A slot is free if its service has been inactive for `RING` epochs, and not before.
    function releaseSlot(uint256 which) external live {
        System memory s = sys();
        uint64 number = uint64(bound(which, 1, s.registry.serviceCount()));
        bool due = Slot.unwrap(s.registry.slotOf(number)) != 0 && current() >= 256;
        // It must not be about to become active either.
        for (uint32 back = 0; back <= 258 && due; ++back) {
            uint32 epoch = current() + 2 - back;
            due = s.registry.statusAt(number, epoch) != IServiceRegistry.Status.Active;
        }
        try s.registry.releaseSlot(number) {
            STORE.note("release");
            if (!due) STORE.noteViolation("released a slot that is held");
        } catch {
            STORE.note("refused release");
            if (due) STORE.noteViolation("could not release");
        }
    }

    function contribute(uint256 amount) external live {
        System memory s = sys();
        amount = bound(amount, 1, 1_000e18);
        SystemLib.fund(s, STORE.KEEPER(), amount);
        vm.startPrank(STORE.KEEPER());
        s.token.approve(address(s.pool), amount);
        s.pool.contribute(amount);
        vm.stopPrank();
        STORE.note("contribution");
    }

    function _tick() private {
        System memory s = sys();
        uint32 epoch = current();
        if (epoch == 0 || STORE.elapsed() % 12 == 0 || s.pos.newestSeed() == epoch) return;
        (bytes memory first, bytes memory parent) = SystemLib.headers(
            epoch,
            SystemLib.randao(epoch)
        );
        vm.prank(STORE.KEEPER());
        s.pos.tick(first, parent);
        STORE.noteTick(epoch);
    }
}
