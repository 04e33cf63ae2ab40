// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HORIZON} from "../libraries/Epochs.sol";
import {IEpochClock} from "./IEpochClock.sol";

/// @title EpochClock
/// @notice Divides time into epochs. `ServiceRegistry` starts the clock; the other contracts copy it, so that all
/// have the same epochs.
abstract contract EpochClock is IEpochClock {
    /// @inheritdoc IEpochClock
    uint64 public immutable genesis;
    /// @inheritdoc IEpochClock
    uint32 public immutable epochSeconds;

    /// @notice Sets the values that never change.
    /// @param genesis_ Start of epoch 0, Unix seconds.
    /// @param epochSeconds_ Length of an epoch in seconds.
    constructor(uint64 genesis_, uint32 epochSeconds_) {
        require(epochSeconds_ != 0, EpochSecondsZero());
        genesis = genesis_;
        epochSeconds = epochSeconds_;
    }

    /// @inheritdoc IEpochClock
    function currentEpoch() public view returns (uint32) {
        return _epochOf(block.timestamp);
    }

    /// @inheritdoc IEpochClock
    function epochStart(uint32 epoch) public view returns (uint64) {
        return genesis + uint64(epoch) * epochSeconds;
    }

    /// @dev The first epoch in which a change made now counts.
    function _since() internal view returns (uint32) {
        return currentEpoch() + HORIZON;
    }

    /// @dev Fits 32 bits for 136 years of one-second epochs.
    function _epochOf(uint256 timestamp) internal view returns (uint32) {
        return uint32((timestamp - genesis) / epochSeconds);
    }
}
