// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title ChallengeLib
/// @notice Questions of challenges, and the signed answers to them (EIP-712).
library ChallengeLib {
    /// @notice EIP-712 type hash of an answer.
    bytes32 internal constant TYPEHASH = keccak256(
        "ChallengeResponse(uint256 challenge,bytes32 nonce)"
    );
    /// @notice Length of a liveness proof: the challenge's number and a signature.
    uint256 internal constant PROOF_LENGTH = 97;

    /// @notice The question of a challenge.
    /// @param seed First seed recorded in an epoch after the one in which the challenge was opened.
    /// @param challenge Number of the challenge.
    /// @return The question.
    function nonce(bytes32 seed, uint256 challenge) internal pure returns (bytes32) {
        return keccak256(abi.encode(seed, challenge));
    }

    /// @notice EIP-712 struct hash of an answer.
    /// @param challenge Number of the challenge.
    /// @param question From {nonce}.
    /// @return The hash.
    function responseHash(uint256 challenge, bytes32 question) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, challenge, question));
    }

    /// @notice The signer of an answer.
    /// @param domainSeparator Domain of the registry.
    /// @param response From {responseHash}.
    /// @param signature 65 bytes, low `s`.
    /// @return The signer, or zero for a malformed signature.
    function signer(
        bytes32 domainSeparator,
        bytes32 response,
        bytes calldata signature
    ) internal pure returns (address) {
        bytes32 digest = MessageHashUtils.toTypedDataHash(domainSeparator, response);
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered;
    }
}
