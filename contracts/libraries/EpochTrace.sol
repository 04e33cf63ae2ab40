// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HORIZON} from "./Epochs.sol";

/// @title EpochTrace
/// @notice A value's history by epoch. The newest checkpoint is inline in one word, so the common read costs one
/// slot, and the first write of a value costs one slot.
/// @dev OpenZeppelin's `Checkpoints` keeps every checkpoint in an array: one slot for its length and
/// one for the first value. Here registration saves a slot for each trace (docs/decisions/0003).
library EpochTrace {
    /// @notice A new checkpoint may not come before the newest.
    /// @param since First epoch in which the new value would count.
    /// @param newest First epoch in which the newest value counts.
    error EpochTraceUnordered(uint32 since, uint32 newest);

    uint256 private constant VALUE_BITS = 200;
    uint256 private constant SINCE_OFFSET = 224;
    /// @dev Number of older checkpoints that are read before the search.
    uint256 private constant AHEAD = HORIZON;

    struct Trace {
        // slot 0: the newest checkpoint and the number of older ones, `since (32) | length (24) | value (200)`.
        // Not three fields, because each would be loaded and stored separately.
        uint256 newest;
        // slot 1: older checkpoints, `since (32) | value (200)`, in order
        mapping(uint256 index => uint256 checkpoint) past;
    }

    /// @notice The newest value, whether or not it counts yet.
    /// @param self The trace.
    /// @return The value; 0 for an empty trace.
    function latest(Trace storage self) internal view returns (uint200) {
        return uint200(self.newest);
    }

    /// @notice The value that counts in an epoch.
    /// @param self The trace.
    /// @param epoch Any epoch, past or future.
    /// @return The value of the last checkpoint with `since <= epoch`; 0 if there is none.
    function valueAt(Trace storage self, uint32 epoch) internal view returns (uint200) {
        uint256 newest = self.newest;
        // The casts keep the low bits: the value, and the length above it.
        if (newest >> SINCE_OFFSET <= epoch) return uint200(newest);

        uint256 high = uint24(newest >> VALUE_BITS);
        // A change counts two epochs later, so at most two checkpoints are in the future: the value that counts now
        // is among the three newest, regardless of the number of earlier changes.
        for (uint256 i = 0; i < AHEAD && high != 0; ++i) {
            uint256 checkpoint = self.past[high - 1];
            if (checkpoint >> VALUE_BITS <= epoch) return uint200(checkpoint);
            --high;
        }
        uint256 low = 0;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (self.past[middle] >> VALUE_BITS <= epoch) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? 0 : uint200(self.past[low - 1]);
    }

    /// @notice Sets the value from an epoch on.
    /// @param self The trace.
    /// @param since First epoch in which `value` counts; not before the newest checkpoint.
    /// @param value The value.
    function set(Trace storage self, uint32 since, uint200 value) internal {
        uint256 newest = self.newest;
        uint256 before = newest >> SINCE_OFFSET;
        require(since >= before, EpochTraceUnordered(since, uint32(before)));
        uint200 old = uint200(newest);
        if (old == value) return;

        uint256 length = uint24(newest >> VALUE_BITS);
        // Only an empty trace, zero since epoch 0, needs no older checkpoint.
        if (since != before && newest != 0) {
            self.past[length] = (before << VALUE_BITS) | old;
            ++length;
        }
        self.newest = (uint256(since) << SINCE_OFFSET) | (length << VALUE_BITS) | value;
    }
}
