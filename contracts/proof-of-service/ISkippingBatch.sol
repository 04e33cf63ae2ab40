// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ISkippingBatch
/// @notice Several calls in one transaction, of which each stands or falls alone.
interface ISkippingBatch {
    /// @notice One call of a {tryMulticall} failed and was undone.
    /// @param index Its place.
    /// @param reason Its revert data, cut to 256 bytes.
    event CallFailed(uint256 indexed index, bytes reason);

    /// @notice A call of a {tryMulticall} ran out of gas: send the transaction again with more.
    /// @param index Its place.
    error BatchCallOutOfGas(uint256 index);

    /// @notice Runs several calls of this contract; one that fails is undone and noted, and the others
    /// stand.
    /// @param calls Encoded calls.
    /// @return ok Which of them succeeded.
    function tryMulticall(bytes[] calldata calls) external returns (bool[] memory ok);
}
