// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title UnbondingLib
/// @notice First-in first-out queue of unbonding stake. It is bounded, so that a loop over it always fits a
/// transaction.
library UnbondingLib {
    /// @notice Too many amounts are unbonding: withdraw those whose time is over, or wait.
    /// @param open The number of entries.
    error UnbondingQueueFull(uint256 open);

    /// @notice Maximum number of open entries.
    uint256 internal constant MAX_OPEN = 16;

    struct Entry {
        // one slot
        uint96 amount;
        uint64 releaseAt;
    }

    struct Queue {
        // slot 0: entries `head` to `tail - 1` are open
        uint64 head;
        uint64 tail;
        // slot 1
        mapping(uint256 index => Entry) entries;
    }

    /// @notice Appends an entry; `releaseAt` never falls along the queue, because time only advances.
    /// @param self The queue.
    /// @param amount BLOC in wei; not 0.
    /// @param releaseAt Unix seconds.
    function push(Queue storage self, uint96 amount, uint64 releaseAt) internal {
        uint64 tail = self.tail;
        require(tail - self.head < MAX_OPEN, UnbondingQueueFull(tail - self.head));
        self.entries[tail] = Entry(amount, releaseAt);
        self.tail = tail + 1;
    }

    /// @notice Removes all matured entries.
    /// @param self The queue.
    /// @param time Unix seconds.
    /// @return amount Their sum, BLOC in wei; 0 if no entry has matured.
    function popMatured(Queue storage self, uint256 time) internal returns (uint96 amount) {
        uint64 head = self.head;
        uint64 tail = self.tail;
        for (; head != tail && self.entries[head].releaseAt <= time; ++head) {
            amount += self.entries[head].amount;
            delete self.entries[head];
        }
        self.head = head;
    }

    /// @notice Slashes unbonding stake, newest entries first, because they were at stake last.
    /// @param self The queue.
    /// @param amount BLOC in wei, at most.
    /// @return taken The removed amount.
    function cut(Queue storage self, uint96 amount) internal returns (uint96 taken) {
        uint64 tail = self.tail;
        for (; taken != amount && tail != self.head; --tail) {
            Entry storage entry = self.entries[tail - 1];
            uint96 left = amount - taken;
            if (entry.amount > left) {
                entry.amount -= left;
                taken = amount;
                break;
            }
            taken += entry.amount;
            delete self.entries[tail - 1];
        }
        self.tail = tail;
    }

    /// @notice All open entries, oldest first.
    /// @param self The queue.
    /// @return open The entries.
    function list(Queue storage self) internal view returns (Entry[] memory open) {
        uint64 head = self.head;
        open = new Entry[](self.tail - head);
        for (uint256 i = 0; i < open.length; ++i) {
            open[i] = self.entries[head + i];
        }
    }
}
