// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ISkippingBatch
/// @notice Several independent calls in one transaction.
interface ISkippingBatch {
    /// @notice One call of a {tryMulticall} failed and was reverted.
    /// @param index Its index.
    /// @param reason Its revert data, cut to 256 bytes.
    event CallFailed(uint256 indexed index, bytes reason);

    /// @notice A call of a {tryMulticall} ran out of gas: send the transaction again with more gas.
    /// @param index Its index.
    error BatchCallOutOfGas(uint256 index);

    /// @notice Runs several calls of this contract; a failing call is reverted with an event, without an effect on
    /// the others.
    /// @param calls Encoded calls.
    /// @return ok Whether each call succeeded.
    function tryMulticall(bytes[] calldata calls) external returns (bool[] memory ok);
}
