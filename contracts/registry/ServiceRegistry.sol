// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IChallengeBook} from "../challenges/IChallengeBook.sol";
import {RING} from "../libraries/Epochs.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {ServiceState, ServiceStateLib} from "../libraries/ServiceState.sol";
import {LANES, MAX_SHARDS, NO_SLOT, Slot} from "../libraries/Slot.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {ISettlement} from "../proof-of-service/ISettlement.sol";
import {IStaking} from "../staking/IStaking.sol";
import {EpochClock} from "./EpochClock.sol";
import {IServiceLabels} from "./IServiceLabels.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";
import {IServiceSlots} from "./IServiceSlots.sol";
import {ServiceClasses} from "./ServiceClasses.sol";
import {ServiceLabels} from "./ServiceLabels.sol";
import {ServiceSlots} from "./ServiceSlots.sol";

/// @title ServiceRegistry
/// @notice See {IServiceRegistry}. Holders of privilege: the deployer may call {wire} once; governance adds,
/// opens and closes classes; the staking contract reports stakes; `Settlement` and `ChallengeBook`
/// suspend by their rules; all else about a service is its owner's. Nobody else changes anything.
contract ServiceRegistry is
    ERC721,
    EIP712,
    EpochClock,
    ServiceClasses,
    ServiceLabels,
    ServiceSlots,
    IServiceRegistry
{
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
        // slot 3: the specification of before `probeSince`, if there was one
        bytes32 previousProbe;
        // slot 4: a block number fits 40 bits for 8,000 years of quarter seconds
        uint40 probeBlock;
        uint40 previousProbeBlock;
        uint32 probeSince;
        uint32 firstEpoch;
        uint32 reinstatedSince;
        // the first epoch since its activity ended last
        uint32 inactiveSince;
        uint16 classId;
        // whether the slot in its state is still its own
        bool holdsSlot;
        // slot 5
        bytes32 metadata;
        // slot 6: 0 for the owner
        address payout;
    }

    address private immutable DEPLOYER;
    /// @inheritdoc IServiceRegistry
    address public immutable predecessor;
    /// @inheritdoc IServiceRegistry
    uint64 public immutable inherited;

    /// @inheritdoc IServiceRegistry
    address public staking;
    /// @inheritdoc IServiceRegistry
    address public proofOfService;
    /// @inheritdoc IServiceRegistry
    address public settlement;
    /// @inheritdoc IServiceRegistry
    address public challengeBook;
    mapping(uint64 number => Service) private _services;

    modifier onlyOwnerOf(uint64 number) {
        require(_ownerOf(number) == msg.sender, RegistryNotOwner(number, msg.sender));
        _;
    }

    /// @notice Sets what never changes afterwards.
    /// @param epochSeconds_ Length of an epoch; the clock starts at this block.
    /// @param governance Access manager that says who adds, opens and closes classes.
    /// @param labelMinimumAge_ How old a commitment to a label must be, seconds.
    /// @param labelMaximumAge_ How old it may be, seconds.
    /// @param predecessor_ The earlier version whose services may be taken over; 0 for none.
    constructor(
        uint32 epochSeconds_,
        address governance,
        uint64 labelMinimumAge_,
        uint64 labelMaximumAge_,
        address predecessor_
    )
        ERC721("Blockcloud Service", "SERVICE")
        EIP712("Blockcloud", "1")
        EpochClock(uint64(block.timestamp), epochSeconds_)
        AccessManaged(governance)
        ServiceLabels(labelMinimumAge_, labelMaximumAge_)
    {
        DEPLOYER = msg.sender;
        predecessor = predecessor_;
        if (predecessor_ == address(0)) return;
        inherited = IServiceRegistry(predecessor_).serviceCount();
        _counters.services = inherited;
    }

    /// @inheritdoc IServiceRegistry
    function wire(
        address staking_,
        address proofOfService_,
        address settlement_,
        address challengeBook_
    ) external {
        require(msg.sender == DEPLOYER, RegistryNotDeployer(msg.sender));
        require(staking == address(0), RegistryAlreadyWired(staking));
        require(IStaking(staking_).registry() == address(this), RegistryWiringMismatch(staking_));
        IProofOfService rounds = IProofOfService(proofOfService_);
        require(
            rounds.registry() == address(this) && rounds.staking() == staking_,
            RegistryWiringMismatch(proofOfService_)
        );
        require(
            rounds.settlement() == settlement_ &&
                ISettlement(settlement_).proofOfService() == proofOfService_,
            RegistryWiringMismatch(settlement_)
        );
        IChallengeBook book = IChallengeBook(challengeBook_);
        require(
            book.registry() == address(this) && book.proofOfService() == proofOfService_,
            RegistryWiringMismatch(challengeBook_)
        );

        staking = staking_;
        proofOfService = proofOfService_;
        settlement = settlement_;
        challengeBook = challengeBook_;
        emit Wired(staking_, proofOfService_, settlement_, challengeBook_);
    }

    /// @inheritdoc IServiceRegistry
    function register(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external returns (uint64 number) {
        number = _counters.services + 1;
        require(number <= MAX_SHARDS * LANES, RegistryFull(number));

        _counters.services = number;
        uint96 fee = _open(number, classId, key, probe, metadata);

        // Our own staking contract: it takes the fee and the stake, and reports back by {syncStake}.
        IStaking(staking).openService(number, msg.sender, stake, fee);
    }

    /// @inheritdoc IServiceRegistry
    function takeOver(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external {
        require(
            number != 0 && number <= inherited && !_exists(number),
            RegistryNotInherited(number)
        );
        // Views of an earlier version of this contract, which whoever deployed this one named.
        require(
            IERC721(predecessor).ownerOf(number) == msg.sender,
            RegistryNotOwner(number, msg.sender)
        );
        require(
            IServiceRegistry(predecessor).statusNow(number) == Status.Retired,
            RegistryNotRetired(number)
        );

        _open(number, classId, key, probe, metadata);
        string memory label = IServiceLabels(predecessor).labelOf(number);
        if (bytes(label).length != 0) _setLabel(number, label);

        // Our own staking contract, as in {register}; no fee: the number's was burned with the predecessor.
        IStaking(staking).openService(number, msg.sender, stake, 0);
    }

    /// @inheritdoc IServiceRegistry
    function setProbe(uint64 number, bytes calldata probe) external onlyOwnerOf(number) {
        _unretired(number);

        _setProbe(number, probe, _since());
    }

    /// @inheritdoc IServiceRegistry
    function setKey(uint64 number, address key) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(key != address(0), RegistryKeyZero());

        emit KeySet(number, _since(), key);
        _changeState(number, state.withKey(key));
    }

    /// @inheritdoc IServiceRegistry
    function setMetadata(uint64 number, string calldata metadata) external onlyOwnerOf(number) {
        _unretired(number);

        _setMetadata(number, metadata);
        emit MetadataSet(number, metadata);
    }

    /// @inheritdoc IServiceRegistry
    function setPayout(uint64 number, address payout) external onlyOwnerOf(number) {
        _services[number].payout = payout;
        emit PayoutSet(number, payout);
    }

    /// @inheritdoc IServiceRegistry
    function setMaintenance(uint64 number, bool on) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(
            state.has(ServiceStateLib.MAINTENANCE) != on,
            RegistryMaintenanceUnchanged(number, on)
        );

        emit MaintenanceSet(number, _since(), on);
        _changeState(number, state.withFlag(ServiceStateLib.MAINTENANCE, on));
    }

    /// @inheritdoc IServiceRegistry
    function reinstate(uint64 number) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(state.has(ServiceStateLib.SUSPENDED), RegistryNotSuspended(number));

        uint32 since = _since();
        _services[number].reinstatedSince = since;
        emit ServiceReinstated(number, since);
        _changeState(number, state.withFlag(ServiceStateLib.SUSPENDED, false));
    }

    /// @inheritdoc IServiceRegistry
    function retire(uint64 number) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);

        emit ServiceRetired(number, _since());
        _changeState(number, state.withFlag(ServiceStateLib.RETIRED, true));

        // Our own staking contract: it starts to unbond the stake, and reports back by {syncStake}.
        IStaking(staking).releaseService(number);
    }

    /// @inheritdoc IServiceRegistry
    function suspend(uint64 number) external {
        require(
            msg.sender == settlement || msg.sender == challengeBook,
            RegistryNotSuspender(msg.sender)
        );
        ServiceState state = _newest(number);
        if (state.has(ServiceStateLib.SUSPENDED | ServiceStateLib.RETIRED)) return;

        emit ServiceSuspended(number, _since());
        _changeState(number, state.withFlag(ServiceStateLib.SUSPENDED, true));
    }

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

    /// @inheritdoc IServiceLabels
    function setLabel(
        uint64 number,
        string calldata label,
        bytes32 salt
    ) external onlyOwnerOf(number) {
        _unretired(number);
        _takeLabel(number, label, salt);
    }

    /// @inheritdoc IServiceRegistry
    function announce(uint64 number, bytes calldata record) external {
        require(_exists(number), RegistryUnknownService(number));
        require(
            record.length != 0 && record.length <= MAX_RECORD,
            RegistryRecordLength(record.length, MAX_RECORD)
        );

        emit Announced(number, record);
    }

    /// @inheritdoc IServiceRegistry
    function syncStake(
        uint64 number,
        uint96 stake
    ) external returns (bool wasActive, bool isActive, uint96 counted) {
        require(msg.sender == staking, RegistryNotStaking(msg.sender));

        ServiceState state = _newest(number);
        ServiceClass storage kind = _class(_services[number].classId);
        uint96 maximum = kind.maximumStake;
        counted = stake < maximum ? stake : maximum;
        // Nor is a service active without stake where the class asks for none: pay is by stake.
        bool enough = stake != 0 && stake >= kind.minimumStake;
        (wasActive, isActive) = _setState(number, state.withFlag(ServiceStateLib.STAKED, enough));
    }

    /// @inheritdoc IServiceRegistry
    function serviceCount() external view returns (uint64) {
        return _counters.services;
    }

    /// @inheritdoc IServiceSlots
    function slotOf(uint64 number) external view returns (Slot) {
        return _services[number].holdsSlot ? _newest(number).slot() : NO_SLOT;
    }

    /// @inheritdoc IServiceRegistry
    function auditAt(
        uint64 number,
        uint32 epoch
    ) external view returns (Slot slot, bool active, address key) {
        ServiceState state = _stateAt(number, epoch);
        return (state.slot(), state.isActive(), state.key());
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
    function payoutOf(uint64 number) external view returns (address) {
        address payout = _services[number].payout;
        return payout == address(0) ? ownerOf(number) : payout;
    }

    /// @inheritdoc IServiceRegistry
    function metadataHash(uint64 number) external view returns (bytes32) {
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
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev The hook of every transfer: what the seller set must not bind the buyer. The key, a pending
    /// one too, is gone from the next epoch but one on, pay goes to the new owner, and the old stake unbonds to
    /// whoever staked it.
    function _update(
        address to,
        uint256 tokenId,
        address auth
    ) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from == address(0) || from == to) return from;

        uint64 number = uint64(tokenId);
        Service storage service = _services[number];
        if (service.payout != address(0)) {
            service.payout = address(0);
            emit PayoutSet(number, address(0));
        }
        emit KeySet(number, _since(), address(0));
        _changeState(number, _newest(number).withKey(address(0)));

        // Our own staking contract: it reports back by {syncStake}.
        IStaking(staking).releaseService(number);
    }

    /// @dev Writes a new service of the caller.
    function _open(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata
    ) private returns (uint96 fee) {
        ServiceClass storage kind = _class(classId);
        require(kind.open, RegistryClassClosed(classId));
        require(key != address(0), RegistryKeyZero());

        uint32 since = _since();
        Service storage service = _services[number];
        service.firstEpoch = since;
        service.classId = classId;
        ServiceState empty;
        service.state.set(since, ServiceState.unwrap(empty.withKey(key)));
        // Not `_safeMint`: its callback would run foreign code in the middle of a registration.
        _mint(msg.sender, number);
        emit ServiceRegistered(number, msg.sender, classId, key, metadata);
        _setMetadata(number, metadata);
        _setProbe(number, probe, since);
        return kind.registrationFee;
    }

    /// @dev Sets the state, and tells the staking contract where that makes the service active or inactive:
    /// our own contract, which calls nothing back here.
    function _changeState(uint64 number, ServiceState state) private {
        (bool wasActive, bool isActive) = _setState(number, state);
        if (wasActive != isActive) IStaking(staking).syncActivity(number, isActive);
    }

    /// @dev Sets the state from the next epoch but one on, and the service's lane with it.
    function _setState(
        uint64 number,
        ServiceState state
    ) private returns (bool wasActive, bool isActive) {
        Service storage service = _services[number];
        wasActive = _newest(number).isActive();
        isActive = state.isActive();
        uint32 since = _since();
        if (isActive && !wasActive) state = state.withSlot(_slotFor(number, state.slot(), since));
        service.state.set(since, ServiceState.unwrap(state));
        if (wasActive == isActive) return (wasActive, isActive);

        // What was to become active in the same epoch never was, and renews nothing.
        if (wasActive && _stateAt(number, since - 1).isActive()) service.inactiveSince = since;
        _setLane(state.slot(), since, isActive);
        emit ActivityChanged(number, since, isActive);
    }

    /// @dev The slot of a service that becomes active: its own, or another one if it has been inactive for so
    /// long that its own is free.
    function _slotFor(uint64 number, Slot slot, uint32 since) private returns (Slot) {
        Service storage service = _services[number];
        if (service.holdsSlot) {
            if (service.inactiveSince + RING > currentEpoch()) return slot;
            _freeSlot(number, slot);
        }
        service.holdsSlot = true;
        return _takeSlot(number, since);
    }

    /// @dev Empty metadata writes nothing where there was none.
    function _setMetadata(uint64 number, string calldata metadata) private {
        uint256 length = bytes(metadata).length;
        require(length <= MAX_METADATA, RegistryMetadataLength(length, MAX_METADATA));

        _services[number].metadata = length == 0 ? bytes32(0) : keccak256(bytes(metadata));
    }

    /// @dev A specification set twice in one epoch replaces the one that never counted.
    function _setProbe(uint64 number, bytes calldata probe, uint32 since) private {
        require(
            probe.length != 0 && probe.length <= MAX_PROBE,
            RegistryProbeLength(probe.length, MAX_PROBE)
        );

        Service storage service = _services[number];
        // Another one that waits was announced: to take it back for a draw that may be known would be a choice.
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

    /// @dev A label stays reserved for the predecessor's service, whoever comes first.
    function _heir(string calldata label) internal view override returns (uint64 number) {
        if (predecessor == address(0)) return 0;
        // A view of an earlier version of this contract. Labels of later services are not kept.
        number = IServiceLabels(predecessor).numberOf(label);
        return number <= inherited ? number : 0;
    }

    function _exists(uint64 number) private view returns (bool) {
        return _services[number].firstEpoch != 0;
    }

    /// @dev The newest state, whether or not it counts yet.
    function _newest(uint64 number) private view returns (ServiceState) {
        return ServiceState.wrap(_services[number].state.latest());
    }

    function _stateAt(uint64 number, uint32 epoch) private view returns (ServiceState) {
        return ServiceState.wrap(_services[number].state.valueAt(epoch));
    }

    /// @dev The newest state of a service that is not retired.
    function _unretired(uint64 number) private view returns (ServiceState state) {
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
