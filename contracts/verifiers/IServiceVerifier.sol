// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IServiceVerifier
/// @notice Decides whether an answer to a challenge is right. Each class of services names one for ever.
interface IServiceVerifier {
    /// @notice Whether a proof answers a question. Returns false for whatever is not a proof, and does not
    /// revert for it.
    /// @param number The service number.
    /// @param key The service key when the challenge was opened.
    /// @param nonce The question.
    /// @param proof The answer.
    /// @return True when the answer is right.
    function verify(
        uint64 number,
        address key,
        bytes32 nonce,
        bytes calldata proof
    ) external view returns (bool);
}
