// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IEpochClock
/// @notice Time in epochs, `epoch(t) = (t - genesis) / epochSeconds`.
interface IEpochClock {
    /// @notice The length of an epoch must not be 0.
    error EpochSecondsZero();

    /// @notice Start of epoch 0.
    /// @return Unix seconds.
    function genesis() external view returns (uint64);

    /// @notice Length of an epoch.
    /// @return Seconds.
    function epochSeconds() external view returns (uint32);

    /// @notice The epoch of the current block.
    /// @return Epochs since genesis.
    function currentEpoch() external view returns (uint32);

    /// @notice The start of an epoch.
    /// @param epoch Any epoch.
    /// @return Unix seconds.
    function epochStart(uint32 epoch) external view returns (uint64);
}
