// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

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
        // slot 0
        uint96 amount;
        uint64 releaseAt;
        // slot 1
        address beneficiary;
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
    /// @param amount BLOC in wei.
    /// @param releaseAt Unix seconds.
    /// @param beneficiary Who receives it.
    function push(
        Queue storage self,
        uint96 amount,
        uint64 releaseAt,
        address beneficiary
    ) internal {
        uint64 tail = self.tail;
        require(tail - self.head < MAX_OPEN, UnbondingQueueFull(tail - self.head));
        self.entries[tail] = Entry(amount, releaseAt, beneficiary);
        self.tail = tail + 1;
    }

    /// @notice Takes the oldest entry if it has matured.
    /// @param self The queue.
    /// @param time Unix seconds.
    /// @return amount BLOC in wei; 0 when nothing has matured.
    /// @return beneficiary Who receives it.
    function pop(
        Queue storage self,
        uint256 time
    ) internal returns (uint96 amount, address beneficiary) {
        uint64 head = self.head;
        if (head == self.tail) return (0, address(0));
        Entry storage entry = self.entries[head];
        if (entry.releaseAt > time) return (0, address(0));

        (amount, beneficiary) = (entry.amount, entry.beneficiary);
        delete self.entries[head];
        self.head = head + 1;
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
