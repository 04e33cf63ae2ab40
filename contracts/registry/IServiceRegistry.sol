// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Slot} from "../libraries/Slot.sol";
import {Permit} from "../token/PermitLib.sol";
import {IEpochClock} from "./IEpochClock.sol";
import {IServiceClasses} from "./IServiceClasses.sol";
import {IServiceSlots} from "./IServiceSlots.sol";
import {ISuccession} from "./ISuccession.sol";

/// @title IServiceRegistry
/// @notice Services as ERC-721 tokens: class, service key, probe specification, status. The state of an epoch is
/// fixed before it begins: every change counts two epochs later, because the seed of the next epoch can be known
/// before the current one is over.
interface IServiceRegistry is IEpochClock, IServiceClasses, IServiceSlots, ISuccession {
    /// @notice Status of a service; only `Active` services are audited, paid and resolved. If several apply, it is
    /// the first of Retired, Suspended, Maintenance, Keyless, Unstaked.
    /// `None`: the service does not exist. `Unstaked`: its stake is below the class's minimum. `Maintenance`: its
    /// owner declared maintenance. `Suspended`: it is suspended until its owner reinstates it. `Retired`: its owner
    /// retired it for ever. `Keyless`: it was transferred, and its new owner has not set a key.
    enum Status {
        None,
        Active,
        Unstaked,
        Maintenance,
        Suspended,
        Retired,
        Keyless
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
    /// @param since First epoch in which the change counts.
    /// @param active The new state.
    event ActivityChanged(uint64 indexed number, uint32 since, bool active);
    /// @notice A signed endpoint record was published. The contract does not check it: readers do.
    /// @param number The service number.
    /// @param record The encoded record.
    event Announced(uint64 indexed number, bytes record);
    /// @notice A service got another key.
    /// @param number The service number.
    /// @param since First epoch in which it counts.
    /// @param key The key; 0 after a transfer.
    event KeySet(uint64 indexed number, uint32 since, address key);
    /// @notice A service got another description.
    /// @param number The service number.
    /// @param metadata URI of a description.
    event MetadataSet(uint64 indexed number, string metadata);
    /// @notice A service got another payout address.
    /// @param number The service number.
    /// @param payout The receiver; 0 for the owner.
    event PayoutSet(uint64 indexed number, address payout);
    /// @notice A service's owner declared or ended maintenance.
    /// @param number The service number.
    /// @param since First epoch in which the change counts.
    /// @param on The new state.
    event MaintenanceSet(uint64 indexed number, uint32 since, bool on);
    /// @notice A service was suspended.
    /// @param number The service number.
    /// @param since First epoch in which the change counts.
    event ServiceSuspended(uint64 indexed number, uint32 since);
    /// @notice A service's owner ended its suspension.
    /// @param number The service number.
    /// @param since First epoch in which the change counts.
    event ServiceReinstated(uint64 indexed number, uint32 since);
    /// @notice A service was retired.
    /// @param number The service number.
    /// @param since First epoch in which the change counts.
    event ServiceRetired(uint64 indexed number, uint32 since);
    /// @notice The contracts were connected.
    /// @param staking The staking contract.
    /// @param proofOfService The contract that holds the rounds.
    /// @param settlement May suspend.
    /// @param challengeBook May suspend.
    /// @param labels Holds the labels.
    event Wired(
        address indexed staking,
        address indexed proofOfService,
        address settlement,
        address indexed challengeBook,
        address labels
    );

    // Deployment

    /// @notice Only the deployer may connect the contracts.
    /// @param caller The caller.
    error RegistryNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param staking The connected contract.
    error RegistryAlreadyWired(address staking);
    /// @notice A given contract does not name this one as its own.
    /// @param target The given contract.
    error RegistryWiringMismatch(address target);

    // Registering and taking over

    /// @notice All service numbers are used.
    /// @param number The next number.
    error RegistryFull(uint64 number);
    /// @notice The service key must not be 0.
    error RegistryKeyZero();
    /// @notice The probe specification is empty or too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryProbeLength(uint256 length, uint256 maximum);
    /// @notice The metadata URI is too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryMetadataLength(uint256 length, uint256 maximum);
    /// @notice The number is not one of the predecessor's, or was taken over already.
    /// @param number The given number.
    error RegistryNotInherited(uint64 number);
    /// @notice The service must be retired in the predecessor first.
    /// @param number The service number.
    error RegistryNotRetired(uint64 number);

    // The owner's calls

    /// @notice Only the owner of the service may do this.
    /// @param number The service number.
    /// @param caller The caller.
    error RegistryNotOwner(uint64 number, address caller);
    /// @notice The service was retired: only its owner and its payout address can still change.
    /// @param number The service number.
    error RegistryRetired(uint64 number);
    /// @notice A specification that was set in the previous epoch is still pending.
    /// @param number The service number.
    /// @param since First epoch in which it counts, and in which another can be set.
    error RegistryProbePending(uint64 number, uint32 since);
    /// @notice The service is in this state already.
    /// @param number The service number.
    /// @param on The requested state.
    error RegistryMaintenanceUnchanged(uint64 number, bool on);
    /// @notice The service is not suspended.
    /// @param number The service number.
    error RegistryNotSuspended(uint64 number);

    // Announcing and reading

    /// @notice The service does not exist.
    /// @param number The given number.
    error RegistryUnknownService(uint64 number);
    /// @notice The record is empty or too long.
    /// @param length Its length in bytes.
    /// @param maximum The longest allowed.
    error RegistryRecordLength(uint256 length, uint256 maximum);

    // Calls between the contracts

    /// @notice Only the staking contract may report stakes.
    /// @param caller The caller.
    error RegistryNotStaking(address caller);
    /// @notice Only `Settlement` and `ChallengeBook` may suspend.
    /// @param caller The caller.
    error RegistryNotSuspender(address caller);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param staking Must name this registry as its own.
    /// @param proofOfService Must name this registry, `staking` and `settlement` as its own.
    /// @param settlement Must name `proofOfService` as its own.
    /// @param challengeBook Must name this registry and `proofOfService` as its own.
    /// @param labels Must name this registry and the token of `staking` as its own.
    function wire(
        address staking,
        address proofOfService,
        address settlement,
        address challengeBook,
        address labels
    ) external;

    /// @notice Registers a service, burns the class's registration fee and stakes; the caller becomes owner and
    /// staker. Needs an allowance of fee and stake for the staking contract. The service is active two epochs later
    /// if the stake reaches the class's minimum.
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

    /// @notice Like {register}, with a permit for the allowance.
    /// @param classId Index of the class.
    /// @param key Key that signs receipts and records.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    /// @param metadata URI of a description, up to `MAX_METADATA` bytes.
    /// @param stake BLOC in wei; may be 0.
    /// @param permit The caller's permit for the staking contract; if it fails, the allowance must suffice.
    /// @return number The service number.
    function registerWithPermit(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake,
        Permit calldata permit
    ) external returns (uint64 number);

    /// @notice Registers a service of an earlier version under its number and label, without the class's fee, which
    /// was paid there; counts two epochs later. Only for the owner of the service in its home ({homeOf} of the
    /// predecessor), who must have retired it there first, so that it is never active twice. Its stake there unbonds,
    /// and its pay is settled, in that version.
    /// @param number The service number, at most {inherited}.
    /// @param classId Index of the class; it must be open.
    /// @param key Key that signs receipts and records.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    /// @param metadata URI of a description, up to `MAX_METADATA` bytes.
    /// @param stake BLOC in wei; may be 0.
    function takeOver(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) external;

    /// @notice Like {takeOver}, with a permit for the allowance.
    /// @param number The service number, at most {inherited}.
    /// @param classId Index of the class; it must be open.
    /// @param key Key that signs receipts and records.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    /// @param metadata URI of a description, up to `MAX_METADATA` bytes.
    /// @param stake BLOC in wei; may be 0.
    /// @param permit The caller's permit for the staking contract; if it fails, the allowance must suffice.
    function takeOverWithPermit(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake,
        Permit calldata permit
    ) external;

    /// @notice Replaces the probe specification; counts two epochs later.
    /// @param number The service number; the caller must own it.
    /// @param probe Probe specification, 1 to `MAX_PROBE` bytes.
    function setProbe(uint64 number, bytes calldata probe) external;

    /// @notice Replaces the service key; counts two epochs later. The old key still answers challenges that froze it:
    /// keep it until they are closed.
    /// @param number The service number; the caller must own it.
    /// @param key Key that signs receipts and records.
    function setKey(uint64 number, address key) external;

    /// @notice Replaces the description, at once.
    /// @param number The service number; the caller must own it.
    /// @param metadata URI of a description, up to `MAX_METADATA` bytes.
    function setMetadata(uint64 number, string calldata metadata) external;

    /// @notice Sets the receiver of the service's pay, at once, for all epochs that are not settled yet.
    /// @param number The service number; the caller must own it.
    /// @param payout The receiver; 0 for the owner.
    function setPayout(uint64 number, address payout) external;

    /// @notice Declares or ends maintenance; counts two epochs later.
    /// @param number The service number; the caller must own it.
    /// @param on The new state.
    function setMaintenance(uint64 number, bool on) external;

    /// @notice Ends a suspension; counts two epochs later.
    /// @param number The service number; the caller must own it.
    function reinstate(uint64 number) external;

    /// @notice Retires a service for ever; counts two epochs later. Its stake starts to unbond. The number and the
    /// label are never given out again.
    /// @param number The service number; the caller must own it.
    function retire(uint64 number) external;

    /// @notice Suspends a service; counts two epochs later. No effect on a service that is suspended or retired. Only
    /// `Settlement` and `ChallengeBook`.
    /// @param number The service number.
    function suspend(uint64 number) external;

    /// @notice Publishes a signed endpoint record as an event, for readers that reach no peer of the record network.
    /// Anyone may submit; readers verify the signature.
    /// @param number The service number.
    /// @param record Encoded record, 1 to `MAX_RECORD` bytes.
    function announce(uint64 number, bytes calldata record) external;

    /// @notice Updates a service's stake; only the staking contract.
    /// @param number The service number.
    /// @param stake The stake that counts two epochs later, BLOC in wei.
    /// @return wasActive Whether the service would have been active in that epoch before this call.
    /// @return isActive Whether it is now.
    /// @return counted The stake that is paid: at most the class's `maximumStake`.
    function syncStake(
        uint64 number,
        uint96 stake
    ) external returns (bool wasActive, bool isActive, uint96 counted);

    /// @notice The highest service number. Numbers run from 1 to this, except those up to {inherited} that were not
    /// taken over.
    /// @return The number.
    function serviceCount() external view returns (uint64);

    /// @notice Class of a service.
    /// @param number The service number.
    /// @return Index of the class.
    function classOf(uint64 number) external view returns (uint16);

    /// @notice The service key that counts in an epoch.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return The key; 0 if the service did not exist.
    function keyAt(uint64 number, uint32 epoch) external view returns (address);

    /// @notice The status that counts in an epoch, for audit and pay.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return The status.
    function statusAt(uint64 number, uint32 epoch) external view returns (Status);

    /// @notice The data of a service that a claim and a settlement need.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return slot The slot in which it was audited, if it was active.
    /// @return active Whether it was active in the epoch.
    /// @return key The service key that counts in the epoch.
    function auditAt(
        uint64 number,
        uint32 epoch
    ) external view returns (Slot slot, bool active, address key);

    /// @notice The newest status, for resolvers.
    /// @param number The service number.
    /// @return The status.
    function statusNow(uint64 number) external view returns (Status);

    /// @notice The first epoch in which a service could be audited.
    /// @param number The service number.
    /// @return The second epoch after that of its registration; 0 for an unknown service.
    function firstEpoch(uint64 number) external view returns (uint32);

    /// @notice First epoch since the last reinstatement.
    /// @param number The service number.
    /// @return The epoch; 0 if the service was never reinstated.
    function reinstatedSince(uint64 number) external view returns (uint32);

    /// @notice The receiver of a service's pay.
    /// @param number The service number.
    /// @return The payout address, or the owner if none is set.
    function payoutOf(uint64 number) external view returns (address);

    /// @notice The description that a service's owner set.
    /// @param number The service number.
    /// @return A URI; empty for none.
    function metadataOf(uint64 number) external view returns (string memory);

    /// @notice The probe specification that counts in an epoch: its hash, and the block with its bytes.
    /// @param number The service number.
    /// @param epoch The current epoch or a later one.
    /// @return hash keccak256 of the bytes; 0 if the service does not count yet.
    /// @return blockNumber Block of the `ProbeSet` event.
    function probeAt(
        uint64 number,
        uint32 epoch
    ) external view returns (bytes32 hash, uint64 blockNumber);

    /// @notice EIP-712 domain separator of off-chain signatures.
    /// @return The separator for the current chain ID.
    function domainSeparator() external view returns (bytes32);

    /// @notice The staking contract.
    /// @return Its address; 0 before {wire}.
    function staking() external view returns (address);

    /// @notice The contract that holds the rounds and the verdicts.
    /// @return Its address; 0 before {wire}.
    function proofOfService() external view returns (address);

    /// @notice The contract that pays services, and suspends those that are down.
    /// @return Its address; 0 before {wire}.
    function settlement() external view returns (address);

    /// @notice The contract that holds the challenges.
    /// @return Its address; 0 before {wire}.
    function challengeBook() external view returns (address);

    /// @notice The contract that holds the labels.
    /// @return Its address; 0 before {wire}.
    function labels() external view returns (address);
}
