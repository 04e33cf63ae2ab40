// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IChallengeBook} from "../challenges/IChallengeBook.sol";
import {ActiveLanesLib} from "../libraries/ActiveLanesLib.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {MAX_SHARDS, TallyLib} from "../libraries/TallyLib.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {IStaking} from "../staking/IStaking.sol";
import {EpochClock} from "./EpochClock.sol";
import {IServiceLabels} from "./IServiceLabels.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";
import {ServiceClasses} from "./ServiceClasses.sol";
import {ServiceLabels} from "./ServiceLabels.sol";

/// @title ServiceRegistry
/// @notice See {IServiceRegistry}. Holders of privilege: the deployer may call {wire} once; governance adds,
/// opens and closes classes; the staking contract reports stakes; `ProofOfService` and `ChallengeBook`
/// suspend by their rules; all else about a service is its owner's. Nobody else changes anything.
contract ServiceRegistry is
    ERC721,
    EIP712,
    EpochClock,
    ServiceClasses,
    ServiceLabels,
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
        // slot 0 and 1: `class (16) | flags (8) | key (160)` by epoch
        EpochTrace.Trace state;
        // slot 2
        bytes32 probe;
        // slot 3: the specification of before `probeSince`, if there was one
        bytes32 previousProbe;
        // slot 4
        uint64 probeBlock;
        uint64 previousProbeBlock;
        uint32 probeSince;
        uint32 firstEpoch;
        uint32 reinstatedSince;
        // slot 5
        bytes32 metadata;
        // slot 6: 0 for the owner
        address payout;
    }

    uint192 private constant KEY = type(uint160).max;
    uint192 private constant EXISTS = 1 << 160;
    uint192 private constant STAKED = 2 << 160;
    uint192 private constant MAINTENANCE = 4 << 160;
    uint192 private constant SUSPENDED = 8 << 160;
    uint192 private constant RETIRED = 16 << 160;
    uint192 private constant FLAGS = 0xff << 160;
    uint192 private constant CLASS_SHIFT = 168;

    address private immutable DEPLOYER;
    /// @inheritdoc IServiceRegistry
    address public immutable predecessor;
    /// @inheritdoc IServiceRegistry
    uint64 public immutable inherited;

    /// @inheritdoc IServiceRegistry
    address public staking;
    /// @inheritdoc IServiceRegistry
    uint64 public serviceCount;
    /// @inheritdoc IServiceRegistry
    address public proofOfService;
    /// @inheritdoc IServiceRegistry
    address public challengeBook;
    mapping(uint64 number => Service) private _services;
    /// @dev A plain table instead of a mapping: no hash for each shard of a reveal.
    uint256[MAX_SHARDS] private _lanes;

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
        serviceCount = inherited;
    }

    /// @inheritdoc IServiceRegistry
    function wire(address staking_, address proofOfService_, address challengeBook_) external {
        require(msg.sender == DEPLOYER, RegistryNotDeployer(msg.sender));
        require(staking == address(0), RegistryAlreadyWired(staking));
        require(IStaking(staking_).registry() == address(this), RegistryWiringMismatch(staking_));
        IProofOfService rounds = IProofOfService(proofOfService_);
        require(
            rounds.registry() == address(this) && rounds.staking() == staking_,
            RegistryWiringMismatch(proofOfService_)
        );
        IChallengeBook book = IChallengeBook(challengeBook_);
        require(
            book.registry() == address(this) && book.proofOfService() == proofOfService_,
            RegistryWiringMismatch(challengeBook_)
        );

        staking = staking_;
        proofOfService = proofOfService_;
        challengeBook = challengeBook_;
        emit Wired(staking_, proofOfService_, challengeBook_);
    }

    /// @inheritdoc IServiceRegistry
    function register(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external returns (uint64 number) {
        number = serviceCount + 1;
        require(number <= MAX_SHARDS * TallyLib.LANES, RegistryFull(number));

        serviceCount = number;
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

        _setProbe(number, probe, currentEpoch() + 1);
    }

    /// @inheritdoc IServiceRegistry
    function setKey(uint64 number, address key) external onlyOwnerOf(number) {
        uint192 state = _unretired(number);
        require(key != address(0), RegistryKeyZero());

        emit KeySet(number, currentEpoch() + 1, key);
        _changeState(number, (state & ~KEY) | uint160(key));
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
        uint192 state = _unretired(number);
        require((state & MAINTENANCE != 0) != on, RegistryMaintenanceUnchanged(number, on));

        emit MaintenanceSet(number, currentEpoch() + 1, on);
        _changeState(number, state ^ MAINTENANCE);
    }

    /// @inheritdoc IServiceRegistry
    function reinstate(uint64 number) external onlyOwnerOf(number) {
        uint192 state = _unretired(number);
        require(state & SUSPENDED != 0, RegistryNotSuspended(number));

        uint32 since = currentEpoch() + 1;
        _services[number].reinstatedSince = since;
        emit ServiceReinstated(number, since);
        _changeState(number, state & ~SUSPENDED);
    }

    /// @inheritdoc IServiceRegistry
    function retire(uint64 number) external onlyOwnerOf(number) {
        uint192 state = _unretired(number);

        emit ServiceRetired(number, currentEpoch() + 1);
        _changeState(number, state | RETIRED);

        // Our own staking contract: it starts to unbond the stake, and reports back by {syncStake}.
        IStaking(staking).releaseService(number);
    }

    /// @inheritdoc IServiceRegistry
    function suspend(uint64 number) external {
        require(
            msg.sender == proofOfService || msg.sender == challengeBook,
            RegistryNotSuspender(msg.sender)
        );
        uint192 state = _services[number].state.latest();
        if (state & (SUSPENDED | RETIRED) != 0) return;

        emit ServiceSuspended(number, currentEpoch() + 1);
        _changeState(number, state | SUSPENDED);
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
    ) external returns (bool wasActive, bool isActive) {
        require(msg.sender == staking, RegistryNotStaking(msg.sender));

        uint192 state = _services[number].state.latest();
        // Nor is a service active without stake where the class asks for none: pay is by stake.
        bool enough = stake != 0 && stake >= _class(uint16(state >> CLASS_SHIFT)).minimumStake;
        return _setState(number, enough ? state | STAKED : state & ~STAKED);
    }

    /// @inheritdoc IServiceRegistry
    function classOf(uint64 number) external view returns (uint16 classId) {
        require(_exists(number), RegistryUnknownService(number));
        return uint16(_services[number].state.latest() >> CLASS_SHIFT);
    }

    /// @inheritdoc IServiceRegistry
    function keyAt(uint64 number, uint32 epoch) external view returns (address key) {
        return address(uint160(_services[number].state.valueAt(epoch)));
    }

    /// @inheritdoc IServiceRegistry
    function statusAt(uint64 number, uint32 epoch) external view returns (Status) {
        return _status(_services[number].state.valueAt(epoch));
    }

    /// @inheritdoc IServiceRegistry
    function statusNow(uint64 number) external view returns (Status) {
        return _status(_services[number].state.latest());
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
    function activeLanes(uint256 shard, uint32 epoch) external view returns (uint256) {
        return ActiveLanesLib.lanesAt(_lanesOf(shard), epoch);
    }

    /// @inheritdoc IServiceRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev The hook of every transfer: what the seller set must not bind the buyer. The key, a pending
    /// one too, is gone from the next epoch on, pay goes to the new owner, and the old stake unbonds to
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
        emit KeySet(number, currentEpoch() + 1, address(0));
        _changeState(number, service.state.latest() & ~KEY);

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

        uint32 since = currentEpoch() + 1;
        Service storage service = _services[number];
        service.firstEpoch = since;
        service.state.set(since, (uint192(classId) << CLASS_SHIFT) | EXISTS | uint160(key));
        // Not `_safeMint`: its callback would run foreign code in the middle of a registration.
        _mint(msg.sender, number);
        emit ServiceRegistered(number, msg.sender, classId, key, metadata);
        _setMetadata(number, metadata);
        _setProbe(number, probe, since);
        return kind.registrationFee;
    }

    /// @dev Sets the state from the next epoch on, and tells the staking contract where that makes the
    /// service active or inactive: our own contract, which calls nothing back here.
    function _changeState(uint64 number, uint192 state) private {
        (bool wasActive, bool isActive) = _setState(number, state);
        if (wasActive != isActive) IStaking(staking).syncActivity(number, isActive);
    }

    /// @dev Sets the state from the next epoch on, and the service's lane with it.
    function _setState(
        uint64 number,
        uint192 state
    ) private returns (bool wasActive, bool isActive) {
        EpochTrace.Trace storage trace = _services[number].state;
        uint192 before = trace.latest();
        wasActive = _isActive(before);
        isActive = _isActive(state);
        if (state == before) return (wasActive, isActive);

        uint32 since = currentEpoch() + 1;
        trace.set(since, state);
        if (wasActive == isActive) return (wasActive, isActive);
        uint256 shard = (number - 1) / TallyLib.LANES;
        uint256 lane = (number - 1) % TallyLib.LANES;
        _lanes[shard] = ActiveLanesLib.set(_lanes[shard], since, lane, isActive);
        emit ActivityChanged(number, since, isActive);
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
        if (service.probeSince != 0 && service.probeSince != since) {
            service.previousProbe = service.probe;
            service.previousProbeBlock = service.probeBlock;
        }
        service.probe = keccak256(probe);
        service.probeBlock = uint64(block.number);
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

    function _lanesOf(uint256 shard) private view returns (uint256) {
        require(shard < MAX_SHARDS, RegistryShardRange(shard, MAX_SHARDS));
        return _lanes[shard];
    }

    function _exists(uint64 number) private view returns (bool) {
        return _services[number].firstEpoch != 0;
    }

    /// @dev The newest state of a service that is not retired.
    function _unretired(uint64 number) private view returns (uint192 state) {
        state = _services[number].state.latest();
        require(state & RETIRED == 0, RegistryRetired(number));
    }

    function _isActive(uint192 state) private pure returns (bool) {
        return state & FLAGS == (EXISTS | STAKED) && state & KEY != 0;
    }

    function _status(uint192 state) private pure returns (Status) {
        if (state & EXISTS == 0) return Status.None;
        if (state & RETIRED != 0) return Status.Retired;
        if (state & SUSPENDED != 0) return Status.Suspended;
        if (state & MAINTENANCE != 0) return Status.Maintenance;
        if (state & KEY == 0) return Status.Keyless;
        return state & STAKED == 0 ? Status.Unstaked : Status.Active;
    }
}
