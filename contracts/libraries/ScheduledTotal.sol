// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EpochTrace} from "./EpochTrace.sol";

/// @title ScheduledTotal
/// @notice A sum by epoch to which some parts are added two epochs ahead (enrolment) while others
/// change one epoch ahead (stake). Additions further ahead wait beside the trace until their epoch is
/// the next one, so that the trace stays in order.
library ScheduledTotal {
    using EpochTrace for EpochTrace.Trace;

    struct Total {
        EpochTrace.Trace settled;
        // one slot: what joins at `waitingFrom`
        uint32 waitingFrom;
        uint192 waiting;
    }

    /// @notice The sum that counts in an epoch.
    /// @param self The total.
    /// @param epoch Any epoch up to the next but one.
    /// @return The sum.
    function valueAt(Total storage self, uint32 epoch) internal view returns (uint192) {
        uint192 sum = self.settled.valueAt(epoch);
        return epoch >= self.waitingFrom ? sum + self.waiting : sum;
    }

    /// @notice Adds to and subtracts from the sum, in this order.
    /// @param self The total.
    /// @param current The current epoch.
    /// @param since First epoch in which the change counts: `current + 1` or `current + 2`.
    /// @param added Amount to add.
    /// @param removed Amount to subtract; at most what counts in `since`.
    function change(
        Total storage self,
        uint32 current,
        uint32 since,
        uint192 added,
        uint192 removed
    ) internal {
        uint32 next = current + 1;
        if (self.waiting != 0 && self.waitingFrom <= next) {
            self.settled.set(self.waitingFrom, self.settled.latest() + self.waiting);
            self.waiting = 0;
        }

        if (since <= next) {
            self.settled.set(next, self.settled.latest() + added - removed);
        } else {
            self.waitingFrom = since;
            self.waiting = self.waiting + added - removed;
        }
    }
}
