// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEpochClock} from "./IEpochClock.sol";

/// @title IServiceRegistry
/// @notice Services as ERC-721 tokens: class, service key, probe specification, whether they are active.
/// What counts in an epoch is fixed before it begins: every change here counts from the next epoch on.
interface IServiceRegistry is IEpochClock {
    /// @notice State of a service.
    /// `None`: no such service. `Active`: audited, paid, routed to. `Unstaked`: stake under the class's
    /// minimum.
    enum Status {
        None,
        Active,
        Unstaked
    }

    /// @notice A kind of service.
    struct ServiceClass {
        // slot 0
        bytes32 name;
        // slot 1
        uint96 minimumStake;
        uint96 registrationFee;
        // slot 2
        uint32 excellentMs;
        uint32 goodMs;
        uint32 poorMs;
    }

    /// @notice A service was registered.
    /// @param number The service number.
    /// @param owner The first owner.
    /// @param classId Index of its class.
    /// @param key The service key.
    /// @param metadata URI of a description.
    event ServiceRegistered(
        uint64 indexed number,
        address indexed owner,
        uint16 indexed classId,
        address key,
        string metadata
    );
    /// @notice A probe specification was set.
    /// @param number The service number.
    /// @param since First epoch in which it counts.
    /// @param probe The specification.
    event ProbeSet(uint64 indexed number, uint32 since, bytes probe);
    /// @notice A service became active or inactive.
    /// @param number The service number.
    /// @param since First epoch in which that counts.
    /// @param active The new state.
    event ActivityChanged(uint64 indexed number, uint32 since, bool active);
    /// @notice A signed endpoint record was published. The contract does not check it: readers do.
    /// @param number The service number.
    /// @param record The encoded record.
    event Announced(uint64 indexed number, bytes record);
    /// @notice A class was added.
    /// @param classId Its index.
    /// @param name Its name.
    event ClassAdded(uint16 indexed classId, bytes32 name);
    /// @notice The contracts were connected.
    /// @param staking The staking contract.
    event Wired(address indexed staking);

    /// @notice Only the deployer connects the contracts.
    /// @param caller Who called.
    error RegistryNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param staking To which.
    error RegistryAlreadyWired(address staking);
    /// @notice The given contract does not point back to this one.
    /// @param staking The contract offered.
    error RegistryWiringMismatch(address staking);
    /// @notice Only the staking contract reports stakes.
    /// @param caller Who called.
    error RegistryNotStaking(address caller);
    /// @notice There is no such class.
    /// @param classId The index given.
    /// @param count How many there are.
    error RegistryUnknownClass(uint16 classId, uint256 count);
    /// @notice There is no such service.
    /// @param number The number given.
    error RegistryUnknownService(uint64 number);
    /// @notice A service needs a key.
    error RegistryKeyZero();
    /// @notice The probe specification is empty or too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryProbeLength(uint256 length, uint256 maximum);
    /// @notice The metadata URI is too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryMetadataLength(uint256 length, uint256 maximum);
    /// @notice The record is empty or too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryRecordLength(uint256 length, uint256 maximum);
    /// @notice Only the owner of the service may do this.
    /// @param number The service number.
    /// @param caller Who called.
    error RegistryNotOwner(uint64 number, address caller);
    /// @notice A shard lies beyond what can exist.
    /// @param shard The shard.
    /// @param bound The first that cannot exist.
    error RegistryShardRange(uint256 shard, uint256 bound);
    /// @notice All service numbers are taken.
    /// @param number The number that would be next.
    error RegistryFull(uint64 number);
    /// @notice A class's bounds must rise: EXCELLENT < GOOD < POOR.
    /// @param excellentMs Bound of EXCELLENT in milliseconds.
    /// @param goodMs Bound of GOOD in milliseconds.
    /// @param poorMs Bound of POOR in milliseconds.
    error RegistryClassBounds(uint32 excellentMs, uint32 goodMs, uint32 poorMs);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param staking Must name this registry as its own.
    function wire(address staking) external;

    /// @notice Registers a service, burns the class's registration fee and stakes; the caller becomes
    /// owner and staker. Needs an allowance of fee and stake for the staking contract. Active from the
    /// next epoch if the stake reaches the class's minimum.
    /// @param classId Index of the class.
    /// @param key Key that signs receipts and records.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    /// @param metadata URI of a description, up to `MAX_METADATA` bytes.
    /// @param stake BLOC in wei; may be 0.
    /// @return number The service number.
    function register(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external returns (uint64 number);

    /// @notice Replaces the probe specification from the next epoch on.
    /// @param number The service number; the caller must own it.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    function setProbe(uint64 number, bytes calldata probe) external;

    /// @notice Publishes a signed endpoint record as an event: the fallback when no peer of the record
    /// network is reachable. Anyone may submit; readers verify the signature.
    /// @param number The service number.
    /// @param record Encoded record, 1 to `MAX_RECORD` bytes.
    function announce(uint64 number, bytes calldata record) external;

    /// @notice Takes note of a service's stake; only the staking contract.
    /// @param number The service number.
    /// @param stake BLOC in wei from the next epoch on.
    /// @return wasActive Whether the service counted as active from the next epoch on before this call.
    /// @return isActive Whether it does now.
    function syncStake(
        uint64 number,
        uint96 stake
    ) external returns (bool wasActive, bool isActive);

    /// @notice How many services were ever registered; numbers run from 1 to this.
    /// @return The count.
    function serviceCount() external view returns (uint64);

    /// @notice How many classes there are.
    /// @return The count.
    function classCount() external view returns (uint256);

    /// @notice A class.
    /// @param classId Its index.
    /// @return The class.
    function classAt(uint16 classId) external view returns (ServiceClass memory);

    /// @notice Class of a service.
    /// @param number The service number.
    /// @return Index of the class.
    function classOf(uint64 number) external view returns (uint16);

    /// @notice The service key that counts in an epoch.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return The key; 0 when the service did not exist.
    function keyAt(uint64 number, uint32 epoch) external view returns (address);

    /// @notice The status that counts in an epoch, for audit and pay.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return The status.
    function statusAt(uint64 number, uint32 epoch) external view returns (Status);

    /// @notice The newest status, for routing.
    /// @param number The service number.
    /// @return The status.
    function statusNow(uint64 number) external view returns (Status);

    /// @notice The first epoch in which a service could be audited.
    /// @param number The service number.
    /// @return The epoch after its registration; 0 for an unknown service.
    function firstEpoch(uint64 number) external view returns (uint32);

    /// @notice The probe specification that counts in an epoch: its hash, and where its bytes are.
    /// @param number The service number.
    /// @param epoch The current epoch or a later one.
    /// @return hash keccak256 of the bytes; 0 when the service does not count yet.
    /// @return blockNumber Block of the `ProbeSet` event.
    function probeAt(
        uint64 number,
        uint32 epoch
    ) external view returns (bytes32 hash, uint64 blockNumber);

    /// @notice Active services of a shard.
    /// @param shard The shard, 15 consecutive numbers.
    /// @param epoch The previous epoch, the current one or the next.
    /// @return Bit `i` is set when service `shard * 15 + i + 1` is active.
    function activeLanes(uint256 shard, uint32 epoch) external view returns (uint256);

    /// @notice Active services of the shards that a chunk's words name, widened to lane masks.
    /// @param base Shard to which the words' offsets (their top 16 bits) are added.
    /// @param words Report words.
    /// @param epoch The previous epoch, the current one or the next.
    /// @return masks 0xffff in each active lane, one mask a word.
    function activeMasks(
        uint256 base,
        uint256[] calldata words,
        uint32 epoch
    ) external view returns (uint256[] memory masks);

    /// @notice EIP-712 domain separator of everything signed off chain.
    /// @return The separator for the current chain ID.
    function domainSeparator() external view returns (bytes32);

    /// @notice The staking contract.
    /// @return Its address; 0 before {wire}.
    function staking() external view returns (address);
}
