// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ActiveLanesLib} from "../libraries/ActiveLanesLib.sol";
import {MAX_SHARDS, NO_SLOT, Slot, SlotLib} from "../libraries/Slot.sol";
import {IServiceSlots} from "./IServiceSlots.sol";

/// @title ServiceSlots
/// @notice The part of `ServiceRegistry` for slots: taken slots, free slots, and the active lanes of shards.
abstract contract ServiceSlots is IServiceSlots {
    struct Counters {
        // one storage slot, which a registration and an activation write together
        uint64 services;
        uint40 slots;
        // `_freed[head]` to `_freed[tail - 1]` are free
        uint64 head;
        uint64 tail;
    }

    Counters internal _counters;
    /// @dev First in, first out.
    mapping(uint64 index => Slot) private _freed;
    /// @dev A plain table instead of a mapping saves a hash for each shard of a reveal.
    uint256[MAX_SHARDS] private _lanes;

    /// @inheritdoc IServiceSlots
    function slotCount() external view returns (uint40) {
        return _counters.slots;
    }

    /// @inheritdoc IServiceSlots
    function freeSlots() external view returns (uint256) {
        return _counters.tail - _counters.head;
    }

    /// @inheritdoc IServiceSlots
    function activeLanes(uint256 shard, uint32 epoch) external view returns (uint256) {
        require(shard < MAX_SHARDS, RegistryShardRange(shard, MAX_SHARDS));
        return ActiveLanesLib.lanesAt(_lanes[shard], epoch);
    }

    /// @dev The slot that was freed first, or a new one if none is free. There are never more slots than services,
    /// because a new one is only taken if all others are in use.
    function _takeSlot(uint64 number, uint32 since) internal returns (Slot slot) {
        uint64 head = _counters.head;
        if (head == _counters.tail) {
            slot = SlotLib.nth(++_counters.slots);
        } else {
            slot = _freed[head];
            _freed[head] = NO_SLOT;
            _counters.head = head + 1;
        }
        emit SlotTaken(number, slot, since);
    }

    /// @dev Frees a slot for the next service.
    function _freeSlot(uint64 number, Slot slot) internal {
        uint64 tail = _counters.tail;
        _freed[tail] = slot;
        _counters.tail = tail + 1;
        emit SlotReleased(number, slot);
    }

    /// @dev Sets whether the service in a slot is active from an epoch on.
    function _setLane(Slot slot, uint32 since, bool active) internal {
        uint256 shard = slot.shard();
        _lanes[shard] = ActiveLanesLib.set(_lanes[shard], since, slot.lane(), active);
    }
}
