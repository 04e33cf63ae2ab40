// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RING} from "../libraries/Epochs.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {ServiceState, ServiceStateLib} from "../libraries/ServiceState.sol";
import {NO_SLOT, Slot} from "../libraries/Slot.sol";
import {EpochClock} from "./EpochClock.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";
import {IServiceSlots} from "./IServiceSlots.sol";
import {ServiceClasses} from "./ServiceClasses.sol";
import {ServiceSlots} from "./ServiceSlots.sol";

/// @title ServiceRecords
/// @notice The part of `ServiceRegistry` that stores the data of services, by epoch if it counts by epoch, and
/// updates their slots.
abstract contract ServiceRecords is EpochClock, ServiceClasses, ServiceSlots, IServiceRegistry {
    using EpochTrace for EpochTrace.Trace;

    /// @notice Longest probe specification in bytes.
    uint256 public constant MAX_PROBE = 1024;
    /// @notice Longest metadata URI in bytes.
    uint256 public constant MAX_METADATA = 256;
    /// @notice Longest encoded endpoint record in bytes.
    uint256 public constant MAX_RECORD = 2048;

    struct Service {
        // slot 0 and 1: a `ServiceState` by epoch
        EpochTrace.Trace state;
        // slot 2
        bytes32 probe;
        // slot 3: the specification before `probeSince`, if there was one
        bytes32 previousProbe;
        // slot 4: a block number fits 40 bits for 8,000 years of quarter seconds
        uint40 probeBlock;
        uint40 previousProbeBlock;
        uint32 probeSince;
        uint32 firstEpoch;
        uint32 reinstatedSince;
        // the first epoch after its last activity
        uint32 inactiveSince;
        uint16 classId;
        // whether it still holds the slot in its state
        bool holdsSlot;
        // slot 5
        string metadata;
        // slot 6: 0 for the owner
        address payout;
    }

    mapping(uint64 number => Service) internal _services;

    /// @inheritdoc IServiceSlots
    function releaseSlot(uint64 number) external {
        Service storage service = _services[number];
        require(service.holdsSlot, RegistryNoSlot(number));
        ServiceState state = _newest(number);
        require(
            !state.isActive() && service.inactiveSince + RING <= currentEpoch(),
            RegistrySlotHeld(number)
        );

        service.holdsSlot = false;
        _freeSlot(number, state.slot());
    }

    /// @inheritdoc IServiceSlots
    function slotOf(uint64 number) external view returns (Slot) {
        return _services[number].holdsSlot ? _newest(number).slot() : NO_SLOT;
    }

    /// @inheritdoc IServiceRegistry
    function classOf(uint64 number) external view returns (uint16 classId) {
        require(_exists(number), RegistryUnknownService(number));
        return _services[number].classId;
    }

    /// @inheritdoc IServiceRegistry
    function keyAt(uint64 number, uint32 epoch) external view returns (address key) {
        return _stateAt(number, epoch).key();
    }

    /// @inheritdoc IServiceRegistry
    function statusAt(uint64 number, uint32 epoch) external view returns (Status) {
        uint32 first = _services[number].firstEpoch;
        return first == 0 || epoch < first ? Status.None : _status(_stateAt(number, epoch));
    }

    /// @inheritdoc IServiceRegistry
    function statusNow(uint64 number) external view returns (Status) {
        return _exists(number) ? _status(_newest(number)) : Status.None;
    }

    /// @inheritdoc IServiceRegistry
    function firstEpoch(uint64 number) external view returns (uint32) {
        return _services[number].firstEpoch;
    }

    /// @inheritdoc IServiceRegistry
    function reinstatedSince(uint64 number) external view returns (uint32) {
        return _services[number].reinstatedSince;
    }

    /// @inheritdoc IServiceRegistry
    function metadataOf(uint64 number) external view returns (string memory) {
        return _services[number].metadata;
    }

    /// @inheritdoc IServiceRegistry
    function probeAt(
        uint64 number,
        uint32 epoch
    ) external view returns (bytes32 hash, uint64 blockNumber) {
        Service storage service = _services[number];
        return
            epoch >= service.probeSince
                ? (service.probe, service.probeBlock)
                : (service.previousProbe, service.previousProbeBlock);
    }

    /// @inheritdoc IServiceRegistry
    function auditAt(
        uint64 number,
        uint32 epoch
    ) external view returns (Slot slot, bool active, address key) {
        ServiceState state = _stateAt(number, epoch);
        return (state.slot(), state.isActive(), state.key());
    }

    /// @dev Sets the state that counts two epochs later, and updates the service's lane.
    function _setState(
        uint64 number,
        ServiceState state
    ) internal returns (bool wasActive, bool isActive) {
        Service storage service = _services[number];
        wasActive = _newest(number).isActive();
        isActive = state.isActive();
        uint32 since = _since();
        if (isActive && !wasActive) state = state.withSlot(_slotFor(number, state.slot(), since));
        service.state.set(since, ServiceState.unwrap(state));
        if (wasActive == isActive) return (wasActive, isActive);

        // An activation that is revoked before it counts does not extend the time.
        if (wasActive && _stateAt(number, since - 1).isActive()) service.inactiveSince = since;
        _setLane(state.slot(), since, isActive);
        emit ActivityChanged(number, since, isActive);
    }

    /// @dev The slot of a service that becomes active: its own, or another one if it was inactive for `RING` epochs,
    /// which frees its own.
    function _slotFor(uint64 number, Slot slot, uint32 since) private returns (Slot) {
        Service storage service = _services[number];
        if (service.holdsSlot) {
            if (service.inactiveSince + RING > currentEpoch()) return slot;
            _freeSlot(number, slot);
        }
        service.holdsSlot = true;
        return _takeSlot(number, since);
    }

    /// @dev Empty metadata costs no write if there was none before.
    function _setMetadata(uint64 number, string calldata metadata) internal {
        uint256 length = bytes(metadata).length;
        require(length <= MAX_METADATA, RegistryMetadataLength(length, MAX_METADATA));

        _services[number].metadata = metadata;
    }

    /// @dev A second specification in one epoch replaces the first, which never counted.
    function _setProbe(uint64 number, bytes calldata probe, uint32 since) internal {
        require(
            probe.length != 0 && probe.length <= MAX_PROBE,
            RegistryProbeLength(probe.length, MAX_PROBE)
        );

        Service storage service = _services[number];
        // A pending specification of the previous epoch stays: the draw that it affects may be known already.
        require(
            service.probeSince == since || service.probeSince < since - 1,
            RegistryProbePending(number, service.probeSince)
        );
        if (service.probeSince != 0 && service.probeSince != since) {
            service.previousProbe = service.probe;
            service.previousProbeBlock = service.probeBlock;
        }
        service.probe = keccak256(probe);
        service.probeBlock = uint40(block.number);
        service.probeSince = since;
        emit ProbeSet(number, since, probe);
    }

    function _exists(uint64 number) internal view returns (bool) {
        return _services[number].firstEpoch != 0;
    }

    /// @dev The newest state, whether or not it counts yet.
    function _newest(uint64 number) internal view returns (ServiceState) {
        return ServiceState.wrap(_services[number].state.latest());
    }

    function _stateAt(uint64 number, uint32 epoch) private view returns (ServiceState) {
        return ServiceState.wrap(_services[number].state.valueAt(epoch));
    }

    /// @dev The newest state of a service that is not retired.
    function _unretired(uint64 number) internal view returns (ServiceState state) {
        state = _newest(number);
        require(!state.has(ServiceStateLib.RETIRED), RegistryRetired(number));
    }

    function _status(ServiceState state) private pure returns (Status) {
        if (state.has(ServiceStateLib.RETIRED)) return Status.Retired;
        if (state.has(ServiceStateLib.SUSPENDED)) return Status.Suspended;
        if (state.has(ServiceStateLib.MAINTENANCE)) return Status.Maintenance;
        if (state.key() == address(0)) return Status.Keyless;
        return state.has(ServiceStateLib.STAKED) ? Status.Active : Status.Unstaked;
    }
}
