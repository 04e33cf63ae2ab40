// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {RoundKit} from "../support/RoundKit.sol";
import {System} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title AuditorHandler
/// @notice Honest auditors: a commit, a reveal or a claim that the rules allow must never revert.
contract AuditorHandler is Handler {
    uint256 private constant LANES = 15;

    constructor(Store store) Handler(store) {}

    function stake(uint256 who, uint96 amount) external live {
        AuditorActor auditor = _auditor(who);
        (uint96 held, ) = sys().staking.auditorStake(address(auditor));
        // After a slash the stake may be below the minimum.
        auditor.stake(uint96(bound(amount, held < 5_000e18 ? 5_000e18 : 1, 20_000e18)));
        STORE.note("auditor stake");
    }

    function unstake(uint256 who, uint96 amount, bool all) external live {
        AuditorActor auditor = _auditor(who);
        System memory s = sys();
        (uint96 held, ) = s.staking.auditorStake(address(auditor));
        if (held == 0 || s.staking.auditorUnbonding(address(auditor)).length == 16) return;
        if (!all && held <= 5_000e18) return;
        // Without stake it would not be enrolled and could not lapse.
        if (all && who % STORE.auditorCount() == STORE.IDLE()) return;
        auditor.unstake(all ? held : uint96(bound(amount, 1, held - 5_000e18)));
        STORE.note("auditor unstake");
    }

    function withdraw(uint256 who) external live {
        AuditorActor auditor = _auditor(who);
        System memory s = sys();
        if (s.staking.auditorUnbonding(address(auditor)).length == 0) return;
        uint64 releaseAt = s.staking.auditorUnbonding(address(auditor))[0].releaseAt;
        if (releaseAt > vm.getBlockTimestamp()) return;
        s.staking.withdrawAuditor(address(auditor));
        STORE.note("auditor withdraw");
    }

    function enrol(uint256 who) external live {
        AuditorActor auditor = _auditor(who);
        System memory s = sys();
        (, , , , uint32 pendingSince) = s.pos.auditorOf(address(auditor));
        (uint96 held, ) = s.staking.auditorStake(address(auditor));
        if (held < 5_000e18 || (pendingSince != 0 && pendingSince >= current())) return;
        (, uint32 enrolledSince) = s.staking.auditorStake(address(auditor));
        // A new tip counts as activity.
        if (who % STORE.auditorCount() == STORE.IDLE() && enrolledSince != 0) return;
        auditor.enrol();
        STORE.note("tip");
    }

    function commit(uint256 who, uint256 mood) external live {
        _commit(_auditor(who), mood);
    }

    function reveal(uint256 who) external live {
        _reveal(_auditor(who));
    }

    function claim(uint256 who, uint32 back) external live {
        uint32 since = uint32(bound(back, 2, 12));
        if (current() > since) _claim(_auditor(who), current() - since);
    }

    function collect(uint256 who) external live {
        AuditorActor auditor = _auditor(who);
        System memory s = sys();
        uint256 earned = s.pos.earnedOf(address(auditor));
        if (earned == 0) return;
        uint256 before = s.token.balanceOf(address(auditor));
        s.pos.collect(address(auditor));
        if (s.token.balanceOf(address(auditor)) != before + earned)
            STORE.noteViolation("collected another amount than was earned");
        STORE.note("collect");
    }

    /// @notice A whole epoch of work by all auditors whose bit is set.
    function work(uint256 bits) external live {
        for (uint256 i = 0; i < STORE.IDLE(); ++i) {
            AuditorActor auditor = STORE.auditors(i);
            if ((bits >> (3 * i)) & 3 != 0) _reveal(auditor);
            if ((bits >> (3 * i)) & 4 != 0 && current() > 3) _claim(auditor, current() - 2);
            if ((bits >> (3 * i + 12)) & 3 != 0) _commit(auditor, bits >> 64);
        }
    }

    function _commit(AuditorActor auditor, uint256 mood) private {
        System memory s = sys();
        uint32 epoch = current();
        (bool committed, , ) = s.pos.roundOf(address(auditor), epoch);
        (bytes32 seed, , , ) = s.pos.seedOf(epoch);
        if (committed || seed == 0 || !auditor.usableIn(epoch)) return;
        auditor.commitWords(
            epoch,
            _opinions(auditor.honestWords(epoch, 3), epoch, mood),
            1 + (mood % 2)
        );
        STORE.note("commit");
    }

    function _reveal(AuditorActor auditor) private {
        System memory s = sys();
        if (current() == 0) return;
        uint32 epoch = current() - 1;
        (bool committed, , ) = s.pos.roundOf(address(auditor), epoch);
        if (!committed || STORE.hasRevealed(address(auditor), epoch)) return;
        auditor.reveal(epoch);
        STORE.noteReveal(address(auditor), epoch);
    }

    function _claim(AuditorActor auditor, uint32 epoch) private {
        if (!STORE.hasRevealed(address(auditor), epoch)) return;
        if (STORE.hasClaimed(address(auditor), epoch)) return;
        uint32 sampleEpoch = STORE.firstSeedFrom(epoch + 2);
        if (sampleEpoch == 0) return;
        STORE.noteClaim(address(auditor), epoch, auditor.claim(epoch, sampleEpoch));
    }

    /// @dev Mostly the common grade, sometimes another one, so that verdicts and pay differ.
    function _opinions(
        uint256[] memory words,
        uint32 epoch,
        uint256 mood
    ) private pure returns (uint256[] memory) {
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 word = (words[i] >> 240) << 240;
            for (uint256 lane = 0; lane < LANES; ++lane) {
                if ((words[i] >> (lane * 16)) & 0xffff == 0) continue;
                uint256 seen = uint256(keccak256(abi.encode(epoch, i, lane))) % 4;
                // Service 3 is down.
                if (i == 0 && lane == 2) {
                    word |= RoundKit.vote(lane, 0);
                    continue;
                }
                uint256 twist = uint256(keccak256(abi.encode(mood, i, lane))) % 10;
                if (twist == 0) continue;
                word |= RoundKit.vote(lane, twist < 3 ? (seen + twist) % 4 : seen);
            }
            words[i] = word;
        }
        return words;
    }

    function _auditor(uint256 who) private view returns (AuditorActor) {
        return STORE.auditors(who % STORE.auditorCount());
    }
}
