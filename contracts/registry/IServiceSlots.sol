// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Slot} from "../libraries/Slot.sol";

/// @title IServiceSlots
/// @notice Slots: the shards and lanes in which active services are audited. A service takes a slot when it
/// becomes active, so that registrations that were never active leave no hole among those that auditors
/// visit. A slot is given to another service when its last holder has been inactive for `RING` epochs: then
/// no verdict of that holder is left in the ring.
interface IServiceSlots {
    /// @notice A service took a slot.
    /// @param number The service number.
    /// @param slot The slot.
    /// @param since First epoch in which the service is audited there.
    event SlotTaken(uint64 indexed number, Slot indexed slot, uint32 since);
    /// @notice A service holds its slot no more.
    /// @param number The service number.
    /// @param slot The slot, which the next service may take that becomes active.
    event SlotReleased(uint64 indexed number, Slot indexed slot);

    /// @notice A shard lies beyond what can exist.
    /// @param shard The shard.
    /// @param bound The first that cannot exist.
    error RegistryShardRange(uint256 shard, uint256 bound);
    /// @notice The service holds no slot.
    /// @param number The service number.
    error RegistryNoSlot(uint64 number);
    /// @notice The service is active, or was so within the last `RING` epochs.
    /// @param number The service number.
    error RegistrySlotHeld(uint64 number);

    /// @notice Takes the slot of a service that has been inactive for `RING` epochs, for the next service that
    /// becomes active. By anyone; a service that becomes active again takes another slot.
    /// @param number The service number.
    function releaseSlot(uint64 number) external;

    /// @notice The slot that a service holds.
    /// @param number The service number.
    /// @return The slot; 0 for none.
    function slotOf(uint64 number) external view returns (Slot);

    /// @notice How many slots were ever taken: the shards up to that of the last one have active services.
    /// @return The count.
    function slotCount() external view returns (uint40);

    /// @notice How many slots wait for the next service that becomes active.
    /// @return The count.
    function freeSlots() external view returns (uint256);

    /// @notice Active services of a shard.
    /// @param shard The shard.
    /// @param epoch The previous epoch, the current one or one of the next two.
    /// @return Bit `i` is set when the service in lane `i` is active.
    function activeLanes(uint256 shard, uint32 epoch) external view returns (uint256);
}
