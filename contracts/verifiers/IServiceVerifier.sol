// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IServiceVerifier
/// @notice Decides whether an answer to a challenge is valid. The verifier of a class never changes.
interface IServiceVerifier {
    /// @notice Whether a proof answers a question. Returns false for invalid bytes, without a revert.
    /// @param number The service number.
    /// @param key The service key when the challenge was opened.
    /// @param nonce The question.
    /// @param proof The answer.
    /// @return True if the answer is valid.
    function verify(
        uint64 number,
        address key,
        bytes32 nonce,
        bytes calldata proof
    ) external view returns (bool);
}
