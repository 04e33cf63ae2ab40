// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title UnbondingLib
/// @notice First-in first-out queue of stake on its way out. Bounded, so that walking it always fits in
/// a transaction.
library UnbondingLib {
    /// @notice Too many withdrawals are under way; withdraw the matured ones or wait.
    /// @param open How many there are.
    error UnbondingQueueFull(uint256 open);

    /// @notice Entries that may wait at once.
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

    /// @notice Appends an entry; `releaseAt` never falls along the queue, as time does not.
    /// @param self The queue.
    /// @param amount BLOC in wei; not 0.
    /// @param releaseAt Unix seconds.
    function push(Queue storage self, uint96 amount, uint64 releaseAt) internal {
        uint64 tail = self.tail;
        require(tail - self.head < MAX_OPEN, UnbondingQueueFull(tail - self.head));
        self.entries[tail] = Entry(amount, releaseAt);
        self.tail = tail + 1;
    }

    /// @notice Takes all entries that have matured.
    /// @param self The queue.
    /// @param time Unix seconds.
    /// @return amount BLOC in wei; 0 when nothing has matured.
    function popMatured(Queue storage self, uint256 time) internal returns (uint96 amount) {
        uint64 head = self.head;
        uint64 tail = self.tail;
        for (; head != tail && self.entries[head].releaseAt <= time; ++head) {
            amount += self.entries[head].amount;
            delete self.entries[head];
        }
        self.head = head;
    }

    /// @notice Takes stake away, newest entries first: they were at stake last.
    /// @param self The queue.
    /// @param amount BLOC in wei, at most.
    /// @return taken What there was of it.
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
