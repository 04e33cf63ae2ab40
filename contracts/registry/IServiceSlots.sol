// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Slot} from "../libraries/Slot.sol";

/// @title IServiceSlots
/// @notice Slots: the shards and lanes in which active services are audited. A service takes a slot when it becomes
/// active, so that registrations that were never active leave no holes in shards. A slot goes to another service only
/// after its last service has been inactive for `RING` epochs: then the ring holds no verdict of that service.
interface IServiceSlots {
    /// @notice A service took a slot.
    /// @param number The service number.
    /// @param slot The slot.
    /// @param since First epoch in which the service is audited there.
    event SlotTaken(uint64 indexed number, Slot indexed slot, uint32 since);
    /// @notice A service released its slot.
    /// @param number The service number.
    /// @param slot The slot, which the next activated service may take.
    event SlotReleased(uint64 indexed number, Slot indexed slot);

    /// @notice The shard is out of range.
    /// @param shard The shard.
    /// @param bound The first invalid shard.
    error RegistryShardRange(uint256 shard, uint256 bound);
    /// @notice The service has no slot.
    /// @param number The service number.
    error RegistryNoSlot(uint64 number);
    /// @notice The service is active, or was so within the last `RING` epochs.
    /// @param number The service number.
    error RegistrySlotHeld(uint64 number);

    /// @notice Frees the slot of a service that has been inactive for `RING` epochs, for the next activated service.
    /// By anyone; if the service becomes active again, it takes another slot.
    /// @param number The service number.
    function releaseSlot(uint64 number) external;

    /// @notice The slot of a service.
    /// @param number The service number.
    /// @return The slot; 0 for none.
    function slotOf(uint64 number) external view returns (Slot);

    /// @notice Number of slots that were ever taken: shards up to that of the last slot can have active services.
    /// @return The number.
    function slotCount() external view returns (uint40);

    /// @notice Number of free slots that wait for the next activated service.
    /// @return The number.
    function freeSlots() external view returns (uint256);

    /// @notice Active services of a shard.
    /// @param shard The shard.
    /// @param epoch The previous epoch, the current one or one of the next two.
    /// @return Bit `i` is set if the service in lane `i` is active.
    function activeLanes(uint256 shard, uint32 epoch) external view returns (uint256);
}
