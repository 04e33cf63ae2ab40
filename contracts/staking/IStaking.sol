// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "../token/PermitLib.sol";
import {UnbondingLib} from "../libraries/UnbondingLib.sol";

/// @title IStaking
/// @notice Stakes of services and of auditors, by epoch. A change counts two epochs later. Stake that is taken out
/// stays in the contract for the unbonding time.
interface IStaking {
    /// @notice The contracts were connected.
    /// @param proofOfService Enrols, lapses and slashes auditors.
    /// @param challengeBook Slashes services.
    event Wired(address indexed proofOfService, address indexed challengeBook);
    /// @notice A service's stake changed.
    /// @param number The service number.
    /// @param since First epoch in which it counts.
    /// @param stake The new stake, BLOC in wei.
    event ServiceStakeChanged(uint64 indexed number, uint32 since, uint96 stake);
    /// @notice An auditor's stake changed.
    /// @param auditor The auditor's owner address.
    /// @param since First epoch in which it counts.
    /// @param stake The new stake, BLOC in wei.
    event AuditorStakeChanged(address indexed auditor, uint32 since, uint96 stake);
    /// @notice An auditor is enrolled from an epoch on.
    /// @param auditor The auditor's owner address.
    /// @param since First epoch in which it counts.
    event AuditorEnrolled(address indexed auditor, uint32 since);
    /// @notice An auditor's enrolment ends: it was idle for too long, or has no stake left.
    /// @param auditor The auditor's owner address.
    /// @param since First epoch in which it does not count.
    event AuditorLapsed(address indexed auditor, uint32 since);
    /// @notice Stake of an auditor was slashed: half went to the prover, half was burned.
    /// @param auditor The auditor's owner address.
    /// @param amount BLOC in wei.
    /// @param prover The account that proved the fault.
    event AuditorSlashed(address indexed auditor, uint96 amount, address indexed prover);
    /// @notice Stake of a service was slashed: 30% to the challenger, 20% to the resolver, the rest burned.
    /// @param number The service number.
    /// @param staker The staker.
    /// @param amount BLOC in wei.
    /// @param challenger The account that opened the challenge.
    /// @param resolver The account that closes the challenge.
    event ServiceSlashed(
        uint64 indexed number,
        address indexed staker,
        uint96 amount,
        address indexed challenger,
        address resolver
    );
    /// @notice Stake began to unbond.
    /// @param beneficiary The receiver.
    /// @param amount BLOC in wei.
    /// @param releaseAt Unix seconds.
    event UnbondingStarted(address indexed beneficiary, uint96 amount, uint64 releaseAt);
    /// @notice Unbonded stake was paid out.
    /// @param beneficiary Receiver.
    /// @param amount BLOC in wei.
    event Withdrawn(address indexed beneficiary, uint96 amount);

    // Deployment

    /// @notice Only the deployer may connect the contracts.
    /// @param caller The caller.
    error StakingNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param proofOfService The connected contract.
    error StakingAlreadyWired(address proofOfService);
    /// @notice A given contract does not name this one as its own.
    /// @param target The given contract.
    error StakingWiringMismatch(address target);
    /// @notice Unbonding must outlast every window in which the stake can still be slashed.
    /// @param unbondingSeconds The time given.
    /// @param minimum The shortest allowed: 11 epochs.
    error StakingUnbondingTooShort(uint256 unbondingSeconds, uint256 minimum);

    // Staking, unstaking, withdrawing

    /// @notice The amount must not be 0.
    error StakingAmountZero();
    /// @notice The amount is larger than the stake.
    /// @param amount Requested BLOC.
    /// @param stake BLOC at stake.
    error StakingInsufficient(uint96 amount, uint96 stake);
    /// @notice The remaining stake must be 0 or at least the minimum.
    /// @param stake BLOC that would be at stake.
    /// @param minimum The minimum stake of an auditor.
    error StakingBelowMinimum(uint96 stake, uint96 minimum);
    /// @notice Only the service's staker may do this.
    /// @param number The service number.
    /// @param caller The caller.
    /// @param staker The staker.
    error StakingNotStaker(uint64 number, address caller, address staker);
    /// @notice The service was retired.
    /// @param number The service number.
    error StakingServiceRetired(uint64 number);
    /// @notice No stake can be withdrawn yet.
    error StakingNothingToWithdraw();

    // Lapsing

    /// @notice The auditor is not enrolled.
    /// @param auditor The auditor's owner address.
    /// @param enrolledSince First epoch in which it will count; 0 for none.
    error StakingNotEnrolled(address auditor, uint32 enrolledSince);

    // Calls between the contracts

    /// @notice Only the registry may do this.
    /// @param caller The caller.
    error StakingNotRegistry(address caller);
    /// @notice Only `ProofOfService` may do this.
    /// @param caller The caller.
    error StakingNotProofOfService(address caller);
    /// @notice Only `ChallengeBook` may do this.
    /// @param caller The caller.
    error StakingNotChallengeBook(address caller);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param proofOfService Must name this contract as its own.
    /// @param challengeBook Must name this contract and `proofOfService` as its own.
    function wire(address proofOfService, address challengeBook) external;

    /// @notice Takes a new service's fee, which is burned, and its first stake; only the registry.
    /// @param number The service number.
    /// @param staker The account that pays, and owns the stake.
    /// @param stake BLOC in wei; may be 0.
    /// @param fee BLOC in wei to burn.
    function openService(uint64 number, address staker, uint96 stake, uint96 fee) external;

    /// @notice Starts to unbond all stake of a service to its staker, and allows another staker; only the registry,
    /// when the service is transferred or retired.
    /// @param number The service number.
    function releaseService(uint64 number) external;

    /// @notice Updates the totals after a service became active or inactive for a reason other than its stake; only
    /// the registry.
    /// @param number The service number.
    /// @param isActive The new state.
    function syncActivity(uint64 number, bool isActive) external;

    /// @notice Slashes a staker of a service: first the stake, then the unbonding entries, the newest first. 30% go
    /// to the challenger and 20% to the resolver, both rounded down; the rest is burned. Only `ChallengeBook`.
    /// @param number The service number.
    /// @param staker The staker to slash.
    /// @param amount BLOC in wei.
    /// @param challenger The account that opened the challenge.
    /// @param resolver The account that closes the challenge.
    /// @return slashed What there was of it, BLOC in wei.
    function slashService(
        uint64 number,
        address staker,
        uint96 amount,
        address challenger,
        address resolver
    ) external returns (uint96 slashed);

    /// @notice Slashes an auditor: first the stake, then the unbonding entries, the newest first. Half goes to the
    /// prover, rounded down, the rest is burned. Only `ProofOfService`.
    /// @param auditor The auditor's owner address.
    /// @param amount BLOC in wei.
    /// @param prover The account that proved the fault.
    /// @return slashed What there was of it, BLOC in wei.
    function slashAuditor(
        address auditor,
        uint96 amount,
        address prover
    ) external returns (uint96 slashed);

    /// @notice Adds to a service's stake; only its staker, or its owner if it has no staker.
    /// @param number The service number.
    /// @param amount BLOC in wei.
    function stakeService(uint64 number, uint96 amount) external;

    /// @notice Like {stakeService}, with a permit for the allowance.
    /// @param number The service number.
    /// @param amount BLOC in wei.
    /// @param permit The caller's permit for this contract; if it fails, the allowance must suffice.
    function stakeServiceWithPermit(uint64 number, uint96 amount, Permit calldata permit) external;

    /// @notice Starts to unbond stake of a service; only its staker.
    /// @param number The service number.
    /// @param amount BLOC in wei.
    function unstakeService(uint64 number, uint96 amount) external;

    /// @notice Pays out matured stake of a service to its staker. By anyone.
    /// @param number The service number.
    /// @param staker The staker.
    function withdrawService(uint64 number, address staker) external;

    /// @notice Adds to the caller's stake as an auditor.
    /// @param amount BLOC in wei; the stake must reach the minimum.
    function stakeAuditor(uint96 amount) external;

    /// @notice Like {stakeAuditor}, with a permit for the allowance.
    /// @param amount BLOC in wei; the stake must reach the minimum.
    /// @param permit The caller's permit for this contract; if it fails, the allowance must suffice.
    function stakeAuditorWithPermit(uint96 amount, Permit calldata permit) external;

    /// @notice Starts to unbond the caller's stake as an auditor.
    /// @param amount BLOC in wei; the remaining stake must be 0 or reach the minimum.
    function unstakeAuditor(uint96 amount) external;

    /// @notice Pays out matured stake of an auditor. By anyone.
    /// @param auditor The auditor's owner address.
    function withdrawAuditor(address auditor) external;

    /// @notice Enrols an auditor two epochs later, unless it is enrolled; only `ProofOfService`.
    /// @param auditor The auditor's owner address; the stake must reach the minimum.
    function enrol(address auditor) external;

    /// @notice Ends the enrolment of an auditor two epochs later; only `ProofOfService`.
    /// @param auditor The auditor's owner address.
    function lapse(address auditor) external;

    /// @notice Stake of a service in an epoch, active or not.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return stake The whole stake, which can be slashed, BLOC in wei.
    /// @return counted The stake that is paid: at most its class's `maximumStake`, BLOC in wei.
    function serviceStakeAt(
        uint64 number,
        uint32 epoch
    ) external view returns (uint96 stake, uint96 counted);

    /// @notice The newest staker of a service, who counts two epochs later.
    /// @param number The service number.
    /// @return The staker; 0 after a transfer or retirement, until the owner stakes.
    function stakerOf(uint64 number) external view returns (address);

    /// @notice The staker of a service in an epoch.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return The staker; 0 for none.
    function stakerAt(uint64 number, uint32 epoch) external view returns (address);

    /// @notice The totals of an epoch.
    /// @param epoch The epoch, at most the next but one.
    /// @return activeStake Counted stake of active services, BLOC in wei.
    /// @return activeServices How many active services there are.
    /// @return enrolledStake Stake of enrolled auditors, BLOC in wei.
    function totalsAt(
        uint32 epoch
    ) external view returns (uint96 activeStake, uint64 activeServices, uint96 enrolledStake);

    /// @notice The newest stake of an auditor, enrolled or not, which counts two epochs later.
    /// @param auditor The auditor's owner address.
    /// @return stake BLOC in wei.
    /// @return enrolledSince First epoch in which it counts; 0 if it is not enrolled.
    function auditorStake(
        address auditor
    ) external view returns (uint96 stake, uint32 enrolledSince);

    /// @notice The stake with which an auditor is drawn in an epoch.
    /// @param auditor The auditor's owner address.
    /// @param epoch The epoch, at most the next but one.
    /// @return BLOC in wei; 0 if it is not enrolled in the epoch.
    function auditorStakeAt(address auditor, uint32 epoch) external view returns (uint96);

    /// @notice Open unbonding entries of a service's staker.
    /// @param number The service number.
    /// @param staker The staker.
    /// @return Entries, oldest first.
    function serviceUnbonding(
        uint64 number,
        address staker
    ) external view returns (UnbondingLib.Entry[] memory);

    /// @notice Open unbonding entries of an auditor.
    /// @param auditor The auditor's owner address.
    /// @return Entries, oldest first.
    function auditorUnbonding(address auditor) external view returns (UnbondingLib.Entry[] memory);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);

    /// @notice The unbonding time.
    /// @return Seconds.
    function unbondingSeconds() external view returns (uint64);

    /// @notice The minimum stake of an auditor.
    /// @return BLOC in wei.
    function minimumAuditorStake() external view returns (uint96);

    /// @notice The contract that enrols, lapses and slashes auditors.
    /// @return Its address; 0 before {wire}.
    function proofOfService() external view returns (address);

    /// @notice The contract that slashes services.
    /// @return Its address; 0 before {wire}.
    function challengeBook() external view returns (address);

    /// @notice BLOC.
    /// @return Its address.
    function token() external view returns (address);
}
