// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

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

    struct Trace {
        // slot 0: the newest checkpoint, and how many older ones there are
        uint32 since;
        uint32 length;
        uint192 value;
        // slot 1: older checkpoints, `since (32) | value (192)`, in order
        mapping(uint256 index => uint256 checkpoint) past;
    }

    /// @notice The newest value, whether or not it counts yet.
    /// @param self The trace.
    /// @return The value; 0 for an empty trace.
    function latest(Trace storage self) internal view returns (uint192) {
        return self.value;
    }

    /// @notice The value that counts in an epoch.
    /// @param self The trace.
    /// @param epoch Any epoch, past or future.
    /// @return The value of the last checkpoint with `since <= epoch`; 0 when there is none.
    function valueAt(Trace storage self, uint32 epoch) internal view returns (uint192) {
        if (self.since <= epoch) return self.value;

        uint256 low = 0;
        uint256 high = self.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (self.past[middle] >> 192 <= epoch) low = middle + 1;
            else high = middle;
        }
        // The cast keeps the low 192 bits: the value.
        return low == 0 ? 0 : uint192(self.past[low - 1]);
    }

    /// @notice Sets the value from an epoch on.
    /// @param self The trace.
    /// @param since First epoch in which `value` counts; not before the newest checkpoint.
    /// @param value The value.
    function set(Trace storage self, uint32 since, uint192 value) internal {
        uint32 newest = self.since;
        require(since >= newest, EpochTraceUnordered(since, newest));
        if (self.value == value) return;

        // Only an empty trace, zero since epoch 0, leaves nothing to keep.
        if (since != newest && (newest != 0 || self.value != 0)) {
            uint32 length = self.length;
            self.past[length] = (uint256(newest) << 192) | self.value;
            self.length = length + 1;
        }
        self.since = since;
        self.value = value;
    }
}
