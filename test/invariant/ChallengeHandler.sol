// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CHALLENGE_BOND, EPOCH_SECONDS, GENESIS, System, SystemLib} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title ChallengeHandler
/// @notice Challenges: opened, answered, left unanswered, annulled. Allowed calls must succeed, and forbidden calls
/// must revert.
contract ChallengeHandler is Handler {
    using SystemLib for System;

    constructor(Store store) Handler(store) {}

    function challenge(uint256 which) external live {
        System memory s = sys();
        uint64 number = uint64(bound(which, 1, s.registry.serviceCount()));
        bool due =
            s.registry.statusAt(number, current()) == IServiceRegistry.Status.Active &&
                s.book.openChallenge(number) == 0 &&
                vm.getBlockTimestamp() >= s.book.quietUntil(number);
        s.fund(STORE.CHALLENGER(), CHALLENGE_BOND);
        vm.startPrank(STORE.CHALLENGER());
        s.token.approve(address(s.book), CHALLENGE_BOND);
        try s.book.challenge(number) {
            STORE.note("challenge");
            if (!due) STORE.noteViolation("challenged what may not be challenged");
        } catch {
            STORE.note("refused challenge");
            if (due) STORE.noteViolation("could not challenge");
        }
        vm.stopPrank();
    }

    function respond(uint256 which, bool honest) external live {
        System memory s = sys();
        uint256 id = _open(s, which);
        if (id == 0) return;
        uint64 number = s.book.challengeOf(id).number;
        (bytes32 nonce, uint256 deadline) = _question(s, id);
        bool due = honest && nonce != 0 && vm.getBlockTimestamp() <= deadline;
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ChallengeResponse(uint256 challenge,bytes32 nonce)"), id, nonce)
        );
        bytes32 digest = keccak256(
            abi.encodePacked(hex"1901", s.registry.domainSeparator(), structHash)
        );
        uint256 key = honest ? SystemLib.serviceKey(number) : 0xbad;
        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(key, digest);
        uint256 supply = s.token.totalSupply();
        try s.book.respond(id, abi.encodePacked(id, r, ss, v)) {
            STORE.note("answer");
            STORE.noteBondBurned(supply - s.token.totalSupply());
            if (!due) STORE.noteViolation("a wrong or late answer passed");
        } catch {
            STORE.note("refused answer");
            if (due) STORE.noteViolation("could not answer");
        }
    }

    function resolve(uint256 which) external live {
        System memory s = sys();
        uint256 id = _open(s, which);
        if (id == 0) return;
        IChallengeBook.Challenge memory entry = s.book.challengeOf(id);
        (bytes32 nonce, uint256 deadline) = _question(s, id);
        bool due =
            _isForgotten(entry.openedIn) || (nonce != 0 && vm.getBlockTimestamp() > deadline);
        uint256 challengers = s.token.balanceOf(STORE.CHALLENGER());
        uint256 resolvers = s.token.balanceOf(STORE.KEEPER());
        uint256 slashed = s.token.totalSupply();
        vm.prank(STORE.KEEPER());
        try s.book.resolve(id) {
            STORE.note("penalty");
            challengers = s.token.balanceOf(STORE.CHALLENGER()) - challengers - CHALLENGE_BOND;
            resolvers = s.token.balanceOf(STORE.KEEPER()) - resolvers;
            slashed = slashed - s.token.totalSupply() + challengers + resolvers;
            STORE.noteChallengeSlash(slashed, challengers, resolvers);
            if (!due) STORE.noteViolation("resolved before the time");
            if (slashed > entry.penalty) STORE.noteViolation("a challenge slashed too much");
        } catch {
            STORE.note("refused penalty");
            if (due) STORE.noteViolation("could not resolve");
        }
    }

    function annul(uint256 which) external live {
        System memory s = sys();
        uint256 id = _open(s, which);
        if (id == 0) return;
        (bytes32 nonce, ) = _question(s, id);
        uint256 openedIn = s.book.challengeOf(id).openedIn;
        bool due =
            nonce == 0 &&
                STORE.elapsed() >= (openedIn + 4) * EPOCH_SECONDS &&
                !_isForgotten(openedIn);
        try s.book.annul(id) {
            STORE.note("annulment");
            if (!due) STORE.noteViolation("annulled what has a question");
        } catch {
            STORE.note("refused annulment");
            if (due) STORE.noteViolation("could not annul");
        }
    }

    /// @dev So old that it counts as unanswered.
    function _isForgotten(uint256 openedIn) private view returns (bool) {
        return STORE.elapsed() >= (openedIn + 256) * EPOCH_SECONDS;
    }

    /// @dev The question, by the observed ticks, each of which was in its own epoch.
    function _question(
        System memory s,
        uint256 id
    ) private view returns (bytes32 nonce, uint256 deadline) {
        uint32 openedIn = s.book.challengeOf(id).openedIn;
        uint32 epoch = STORE.firstSeedFrom(openedIn + 1);
        (bytes32 seed, , , uint64 recordedAt) = s.pos.seedOf(epoch);
        if (epoch == 0 || epoch > openedIn + 3 || seed == 0) return (0, 0);
        if (recordedAt < GENESIS + uint256(epoch) * EPOCH_SECONDS) return (0, 0);
        return (keccak256(abi.encode(seed, id)), recordedAt + 30);
    }

    /// @dev An open challenge, if there is one.
    function _open(System memory s, uint256 which) private view returns (uint256 id) {
        uint64 count = s.registry.serviceCount();
        for (uint64 i = 0; i < count && id == 0; ++i) {
            id = s.book.openChallenge((uint64((which % count) + i) % count) + 1);
        }
    }
}
