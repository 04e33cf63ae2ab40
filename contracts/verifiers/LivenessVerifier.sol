// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChallengeLib} from "../libraries/ChallengeLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IServiceVerifier} from "./IServiceVerifier.sol";

/// @title LivenessVerifier
/// @notice Accepts the service key's signature over the question: whoever holds the key is alive. The
/// signature is of a type of its own, `ChallengeResponse`, so that no receipt can serve as one.
contract LivenessVerifier is IServiceVerifier {
    /// @notice The registry, in whose EIP-712 domain answers are signed.
    address public immutable registry;

    /// @notice Sets what never changes afterwards.
    /// @param registry_ The registry.
    constructor(address registry_) {
        registry = registry_;
    }

    /// @inheritdoc IServiceVerifier
    /// @dev A proof is 97 bytes: the challenge's number (32) and the signature (65). The question is
    /// derived from the challenge's number, so a wrong number helps nobody.
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
