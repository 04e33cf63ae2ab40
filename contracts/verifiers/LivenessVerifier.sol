// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChallengeLib} from "../libraries/ChallengeLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IServiceVerifier} from "./IServiceVerifier.sol";

/// @title LivenessVerifier
/// @notice Accepts the service key's signature over the question, which shows that the key is online. The signature
/// has its own type, `ChallengeResponse`, so that a receipt cannot be used as an answer.
contract LivenessVerifier is IServiceVerifier {
    /// @notice The registry; answers are signed in its EIP-712 domain.
    address public immutable registry;

    /// @notice Sets the values that never change.
    /// @param registry_ The registry.
    constructor(address registry_) {
        registry = registry_;
    }

    /// @inheritdoc IServiceVerifier
    /// @dev A proof is 97 bytes: the challenge's number (32) and the signature (65). The question is
    /// derived from the challenge's number, so a wrong number gives no valid answer.
    function verify(
        uint64,
        address key,
        bytes32 nonce,
        bytes calldata proof
    ) external view returns (bool) {
        if (key == address(0) || proof.length != ChallengeLib.PROOF_LENGTH) return false;
        return
            ChallengeLib.signer(
                IServiceRegistry(registry).domainSeparator(),
                ChallengeLib.responseHash(uint256(bytes32(proof)), nonce),
                proof[32:]
            ) == key;
    }
}
