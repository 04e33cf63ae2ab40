// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ActiveLanesLib} from "../libraries/ActiveLanesLib.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {MAX_SHARDS, TallyLib} from "../libraries/TallyLib.sol";
import {IStaking} from "../staking/IStaking.sol";
import {EpochClock} from "./EpochClock.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";

/// @title ServiceRegistry
/// @notice See {IServiceRegistry}. Holders of privilege: the deployer may call {wire} once; the staking
/// contract reports stakes; a service's owner changes its probe. Nobody else changes anything.
contract ServiceRegistry is ERC721, EIP712, EpochClock, IServiceRegistry {
    using EpochTrace for EpochTrace.Trace;

    /// @notice Longest probe specification in bytes.
    uint256 public constant MAX_PROBE = 1024;
    /// @notice Longest metadata URI in bytes.
    uint256 public constant MAX_METADATA = 256;
    /// @notice Longest encoded endpoint record in bytes.
    uint256 public constant MAX_RECORD = 2048;

    struct Service {
        // slot 0 and 1: `class (16) | staked (8) | key (160)` by epoch
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
    }

    address private immutable DEPLOYER;

    /// @inheritdoc IServiceRegistry
    address public staking;
    /// @inheritdoc IServiceRegistry
    uint64 public serviceCount;
    ServiceClass[] private _classes;
    mapping(uint64 number => Service) private _services;
    /// @dev A plain table instead of a mapping: no hash for each shard of a reveal.
    uint256[MAX_SHARDS] private _lanes;

    /// @notice Sets what never changes afterwards.
    /// @param epochSeconds_ Length of an epoch; the clock starts at this block.
    /// @param classes The launch classes.
    constructor(
        uint32 epochSeconds_,
        ServiceClass[] memory classes
    )
        ERC721("Blockcloud Service", "SERVICE")
        EIP712("Blockcloud", "1")
        EpochClock(uint64(block.timestamp), epochSeconds_)
    {
        DEPLOYER = msg.sender;
        for (uint16 i = 0; i < classes.length; ++i) {
            ServiceClass memory kind = classes[i];
            require(
                kind.excellentMs < kind.goodMs && kind.goodMs < kind.poorMs,
                RegistryClassBounds(kind.excellentMs, kind.goodMs, kind.poorMs)
            );
            _classes.push(kind);
            emit ClassAdded(i, kind.name);
        }
    }

    /// @inheritdoc IServiceRegistry
    function wire(address staking_) external {
        require(msg.sender == DEPLOYER, RegistryNotDeployer(msg.sender));
        require(staking == address(0), RegistryAlreadyWired(staking));
        require(IStaking(staking_).registry() == address(this), RegistryWiringMismatch(staking_));

        staking = staking_;
        emit Wired(staking_);
    }

    /// @inheritdoc IServiceRegistry
    function register(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external returns (uint64 number) {
        require(classId < _classes.length, RegistryUnknownClass(classId, _classes.length));
        require(key != address(0), RegistryKeyZero());
        require(
            bytes(metadata).length <= MAX_METADATA,
            RegistryMetadataLength(bytes(metadata).length, MAX_METADATA)
        );
        number = serviceCount + 1;
        require(number <= MAX_SHARDS * TallyLib.LANES, RegistryFull(number));

        serviceCount = number;
        uint32 since = currentEpoch() + 1;
        Service storage service = _services[number];
        service.firstEpoch = since;
        service.state.set(since, _packState(classId, false, key));
        // Not `_safeMint`: its callback would run foreign code in the middle of a registration.
        _mint(msg.sender, number);
        emit ServiceRegistered(number, msg.sender, classId, key, metadata);
        _setProbe(number, probe, since);

        // Our own staking contract: it takes the fee and the stake, and reports back by {syncStake}.
        IStaking(staking).openService(number, msg.sender, stake, _classes[classId].registrationFee);
    }

    /// @inheritdoc IServiceRegistry
    function setProbe(uint64 number, bytes calldata probe) external {
        require(_ownerOf(number) == msg.sender, RegistryNotOwner(number, msg.sender));

        _setProbe(number, probe, currentEpoch() + 1);
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

        EpochTrace.Trace storage state = _services[number].state;
        (uint16 classId, bool staked, address key) = _unpackState(state.latest());
        wasActive = staked;
        // Nor is a service active without stake where the class asks for none: pay is by stake.
        isActive = stake != 0 && stake >= _classes[classId].minimumStake;
        if (isActive == wasActive) return (wasActive, isActive);

        uint32 since = currentEpoch() + 1;
        state.set(since, _packState(classId, isActive, key));
        uint256 shard = (number - 1) / TallyLib.LANES;
        uint256 lane = (number - 1) % TallyLib.LANES;
        _lanes[shard] = ActiveLanesLib.set(_lanes[shard], since, lane, isActive);
        emit ActivityChanged(number, since, isActive);
    }

    /// @inheritdoc IServiceRegistry
    function classCount() external view returns (uint256) {
        return _classes.length;
    }

    /// @inheritdoc IServiceRegistry
    function classAt(uint16 classId) external view returns (ServiceClass memory) {
        require(classId < _classes.length, RegistryUnknownClass(classId, _classes.length));
        return _classes[classId];
    }

    /// @inheritdoc IServiceRegistry
    function classOf(uint64 number) external view returns (uint16 classId) {
        require(_exists(number), RegistryUnknownService(number));
        (classId, , ) = _unpackState(_services[number].state.latest());
    }

    /// @inheritdoc IServiceRegistry
    function keyAt(uint64 number, uint32 epoch) external view returns (address key) {
        (, , key) = _unpackState(_services[number].state.valueAt(epoch));
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
    function activeMasks(
        uint256 base,
        uint256[] calldata words,
        uint32 epoch
    ) external view returns (uint256[] memory masks) {
        masks = new uint256[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 lanes = _lanesOf(base + (words[i] >> 240));
            masks[i] = ActiveLanesLib.spread(ActiveLanesLib.lanesAt(lanes, epoch));
        }
    }

    /// @inheritdoc IServiceRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
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

    function _lanesOf(uint256 shard) private view returns (uint256) {
        require(shard < MAX_SHARDS, RegistryShardRange(shard, MAX_SHARDS));
        return _lanes[shard];
    }

    function _exists(uint64 number) private view returns (bool) {
        return number != 0 && number <= serviceCount;
    }

    function _status(uint192 state) private pure returns (Status) {
        (, bool staked, address key) = _unpackState(state);
        if (key == address(0)) return Status.None;
        return staked ? Status.Active : Status.Unstaked;
    }

    function _packState(uint16 classId, bool staked, address key) private pure returns (uint192) {
        return (uint192(classId) << 168) | (staked ? uint192(1) << 160 : uint192(0)) | uint160(key);
    }

    function _unpackState(uint192 state) private pure returns (uint16, bool, address) {
        return (uint16(state >> 168), (state >> 160) & 1 == 1, address(uint160(state)));
    }
}
