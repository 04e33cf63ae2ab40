// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HORIZON} from "./Epochs.sol";

/// @title EpochTrace
/// @notice A value's history by epoch. The newest checkpoint stands inline in one word, so the common
/// read costs one slot, and a value that never changed costs one slot to write.
/// @dev OpenZeppelin's `Checkpoints` keeps every checkpoint in an array: one slot for its length and
/// one for the first value. Here registration saves a slot for each trace (docs/decisions/0003).
library EpochTrace {
    /// @notice A new checkpoint may not come before the newest.
    /// @param since First epoch in which the new value would count.
    /// @param newest First epoch in which the newest value counts.
    error EpochTraceUnordered(uint32 since, uint32 newest);

    uint256 private constant VALUE_BITS = 200;
    /// @dev Older checkpoints that are looked at before the search.
    uint256 private constant AHEAD = HORIZON;

    struct Trace {
        // slot 0: the newest checkpoint, and how many older ones there are
        uint32 since;
        uint24 length;
        uint200 value;
        // slot 1: older checkpoints, `since (32) | value (200)`, in order
        mapping(uint256 index => uint256 checkpoint) past;
    }

    /// @notice The newest value, whether or not it counts yet.
    /// @param self The trace.
    /// @return The value; 0 for an empty trace.
    function latest(Trace storage self) internal view returns (uint200) {
        return self.value;
    }

    /// @notice The value that counts in an epoch.
    /// @param self The trace.
    /// @param epoch Any epoch, past or future.
    /// @return The value of the last checkpoint with `since <= epoch`; 0 when there is none.
    function valueAt(Trace storage self, uint32 epoch) internal view returns (uint200) {
        if (self.since <= epoch) return self.value;

        uint256 high = self.length;
        // A change counts from the next epoch but one, so at most two lie ahead of the current one: the
        // value that counts now is among the three newest, however often it was changed before.
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
        // The cast keeps the low 200 bits: the value.
        return low == 0 ? 0 : uint200(self.past[low - 1]);
    }

    /// @notice Sets the value from an epoch on.
    /// @param self The trace.
    /// @param since First epoch in which `value` counts; not before the newest checkpoint.
    /// @param value The value.
    function set(Trace storage self, uint32 since, uint200 value) internal {
        uint32 newest = self.since;
        require(since >= newest, EpochTraceUnordered(since, newest));
        if (self.value == value) return;

        // Only an empty trace, zero since epoch 0, leaves nothing to keep.
        if (since != newest && (newest != 0 || self.value != 0)) {
            uint24 length = self.length;
            self.past[length] = (uint256(newest) << VALUE_BITS) | self.value;
            self.length = length + 1;
        }
        self.since = since;
        self.value = value;
    }
}
