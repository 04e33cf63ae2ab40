// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title AdversaryHandler
/// @notice Makes calls that must fail. A success is recorded as a violation.
contract AdversaryHandler is Handler {
    using SystemLib for System;

    constructor(Store store) Handler(store) {}

    function commitAgain(uint256 who, bytes32 commitment) external live {
        AuditorActor auditor = _auditor(who);
        System memory s = sys();
        (bool committed, , ) = s.pos.roundOf(address(auditor), current());
        if (!committed) return;
        address operator = auditor.OPERATOR();
        vm.prank(operator);
        try s.pos.commit(address(auditor), current(), commitment) {
            STORE.noteViolation("committed twice");
        } catch {
            STORE.note("refused commit");
        }
    }

    /// @notice Registers a second tip while one is pending, or has just become usable.
    function enrolAgain(uint256 who) external live {
        AuditorActor auditor = _auditor(who);
        (, , , , uint32 pendingSince) = sys().pos.auditorOf(address(auditor));
        if (pendingSince < current() || pendingSince == 0) return;
        try auditor.enrol() {
            STORE.noteViolation("a second tip while one waits");
        } catch {
            STORE.note("refused tip");
        }
    }

    function commitForAnother(uint256 who, bytes32 commitment) external live {
        address auditor = address(_auditor(who));
        vm.prank(STORE.ADVERSARY());
        try sys().pos.commit(auditor, current(), commitment) {
            STORE.noteViolation("committed by another than the operator");
        } catch {
            STORE.note("refused commit");
        }
    }

    /// @notice Reveals again, or in a wrong epoch.
    function revealWrongly(uint256 who, uint256 back) external live {
        AuditorActor auditor = _auditor(who);
        uint256 since = bound(back, 0, 3);
        if (current() <= since) return;
        uint32 epoch = current() - uint32(since);
        System memory s = sys();
        (bool committed, , ) = s.pos.roundOf(address(auditor), epoch);
        bool revealed = STORE.hasRevealed(address(auditor), epoch);
        if (!committed || (since == 1 && !revealed)) return;
        try s.pos.reveal(auditor.chunkAt(epoch, 0)) {
            STORE.noteViolation("revealed twice or out of time");
        } catch {
            STORE.note("refused reveal");
        }
    }

    /// @notice Claims a chunk that was claimed, or is not revealed.
    function claimWrongly(uint256 who, uint256 back) external live {
        AuditorActor auditor = _auditor(who);
        uint256 since = bound(back, 0, 6);
        if (current() <= since) return;
        uint32 epoch = current() - uint32(since);
        System memory s = sys();
        (bool committed, , ) = s.pos.roundOf(address(auditor), epoch);
        bool mayClaim =
            STORE.hasRevealed(address(auditor), epoch) &&
                !STORE.hasClaimed(address(auditor), epoch);
        if (!committed || (since >= 2 && mayClaim)) return;
        uint32 sampleEpoch = STORE.firstSeedFrom(epoch + 2);
        IProofOfService.Sample[] memory samples = auditor.samplesAt(epoch, 0, sampleEpoch);
        try s.pos.claim(auditor.chunkAt(epoch, 0), sampleEpoch, samples) {
            STORE.noteViolation("claimed twice or without a reveal");
        } catch {
            STORE.note("refused claim");
        }
    }

    /// @notice Claims another auditor's round.
    function stealRound(uint256 from, uint256 to) external live {
        if (current() < 3) return;
        uint32 epoch = current() - 2;
        AuditorActor victim = _auditor(from);
        AuditorActor thief = _auditor(to);
        System memory s = sys();
        (bool committed, uint16 revealed, ) = s.pos.roundOf(address(victim), epoch);
        if (address(victim) == address(thief) || !committed || revealed == 0) return;
        IProofOfService.Chunk memory chunk = victim.chunkAt(epoch, 0);
        chunk.auditor = address(thief);
        uint32 sampleEpoch = STORE.firstSeedFrom(epoch + 2);
        IProofOfService.Sample[] memory samples = victim.samplesAt(epoch, 0, sampleEpoch);
        try s.pos.claim(chunk, sampleEpoch, samples) {
            STORE.noteViolation("claimed another's round");
        } catch {
            STORE.note("refused theft");
        }
    }

    function movePrivileged(uint256 what, uint96 amount) external live {
        System memory s = sys();
        vm.startPrank(STORE.ADVERSARY());
        bool done;
        bytes[6] memory calls = [
            abi.encodeCall(s.pool.pay, (STORE.ADVERSARY(), amount)),
            abi.encodeCall(s.pool.open, (current() + 2, 1, 1)),
            abi.encodeCall(s.pool.release, (amount, 0)),
            abi.encodeCall(s.staking.enrol, (STORE.ADVERSARY())),
            abi.encodeCall(s.staking.openService, (1, STORE.ADVERSARY(), 0, 0)),
            abi.encodeCall(s.registry.syncStake, (1, amount))
        ];
        address[3] memory targets = [address(s.pool), address(s.staking), address(s.registry)];
        what %= 6;
        (done, ) = targets[
            what < 3
                ? 0
                : what < 5
                    ? 1
                    : 2
        ].call(calls[what]);
        vm.stopPrank();
        if (done) STORE.noteViolation("a stranger moved what is not its own");
        else STORE.note("refused privilege");
    }

    /// @notice Proves a past epoch again, or out of order.
    function tickWrongly(uint256 back) external live {
        System memory s = sys();
        uint256 since = bound(back, 0, 4);
        if (current() <= since || STORE.elapsed() % 12 == 0) return;
        uint32 epoch = current() - uint32(since);
        if (epoch > s.pos.newestSeed()) return;
        (bytes32 before, , , ) = s.pos.seedOf(epoch);
        (bytes memory first, bytes memory parent) = SystemLib.headers(epoch, 1 << 200);
        uint256 reserved = s.setAside();
        try s.pos.tick(first, parent) {} catch {}
        (bytes32 after_, , , ) = s.pos.seedOf(epoch);
        if (before != after_) STORE.noteViolation("a seed changed");
        if (reserved != s.setAside()) STORE.noteViolation("a budget was reserved twice");
        STORE.note("refused tick");
    }

    function _auditor(uint256 who) private view returns (AuditorActor) {
        return STORE.auditors(who % STORE.auditorCount());
    }
}
