// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "./Cheatcodes.sol";
import {CHALLENGE_BOND, System, SystemLib} from "./System.sol";

/// @title ChallengeKit
/// @notice Actions of a challenger and of a challenged provider. Written from the protocol, not with the contracts'
/// libraries, so that it checks them.
library ChallengeKit {
    bytes32 private constant RESPONSE = keccak256(
        "ChallengeResponse(uint256 challenge,bytes32 nonce)"
    );

    /// @notice Gives a challenger one bond, and approves the book for it.
    function fund(System memory s, address challenger) internal {
        SystemLib.fund(s, challenger, CHALLENGE_BOND);
        vm.prank(challenger);
        s.token.approve(address(s.book), type(uint256).max);
    }

    /// @notice Challenges a service; the bond is the treasury's gift.
    function open(
        System memory s,
        address challenger,
        uint64 number
    ) internal returns (uint256 id) {
        fund(s, challenger);
        vm.prank(challenger);
        return s.book.challenge(number);
    }

    /// @notice The question of a challenge whose first seed is that of an epoch.
    function question(
        System memory s,
        uint256 id,
        uint32 seedEpoch
    ) internal view returns (bytes32) {
        (bytes32 seed, , , ) = s.pos.seedOf(seedEpoch);
        return keccak256(abi.encode(seed, id));
    }

    /// @notice The digest that the service key signs.
    function digest(
        System memory s,
        uint256 challenge,
        bytes32 nonce
    ) internal view returns (bytes32) {
        bytes32 response = keccak256(abi.encode(RESPONSE, challenge, nonce));
        return keccak256(abi.encodePacked(hex"1901", s.registry.domainSeparator(), response));
    }

    /// @notice A liveness proof by any key, for any question.
    function proof(
        System memory s,
        uint256 key,
        uint256 challenge,
        bytes32 nonce
    ) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(key, digest(s, challenge, nonce));
        return abi.encodePacked(challenge, r, ss, v);
    }

    /// @notice The right answer to an open challenge: by the key that the service was registered with.
    function answer(System memory s, uint256 id) internal view returns (bytes memory) {
        (bytes32 nonce, ) = s.book.questionOf(id);
        return proof(s, SystemLib.serviceKey(s.book.challengeOf(id).number), id, nonce);
    }
}
