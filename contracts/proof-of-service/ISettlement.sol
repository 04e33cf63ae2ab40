// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEpochClock} from "../registry/IEpochClock.sol";
import {ISkippingBatch} from "./ISkippingBatch.sol";

/// @title ISettlement
/// @notice Pays services by their verdicts, and suspends services that are down.
interface ISettlement is IEpochClock, ISkippingBatch {
    /// @notice A service was paid for one epoch.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @param grade The verdict that decided the pay.
    /// @param reward BLOC in wei.
    event Settled(uint64 indexed number, uint32 indexed epoch, uint8 grade, uint256 reward);
    /// @notice A service was suspended for a run of FAILED verdicts.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch.
    event Suspended(uint64 indexed number, uint32 lastEpoch);

    /// @notice Only `ProofOfService` may open an epoch.
    /// @param caller The caller.
    error SettlementNotProofOfService(address caller);
    /// @notice An epoch is final from the second epoch after it on.
    /// @param upTo The last requested epoch.
    /// @param current The current epoch.
    error SettlementNotFinal(uint32 upTo, uint32 current);
    /// @notice The service does not exist.
    /// @param number The given number.
    error SettlementUnknownService(uint64 number);
    /// @notice The run of FAILED verdicts ended too long ago.
    /// @param lastEpoch The run's last epoch.
    /// @param current The current epoch.
    error SettlementRunTooOld(uint32 lastEpoch, uint32 current);
    /// @notice The run begins before the service's last reinstatement, or before epoch 1.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch.
    /// @param since First epoch that may be in the run.
    error SettlementRunTooShort(uint64 number, uint32 lastEpoch, uint32 since);
    /// @notice The service has no FAILED verdict in an epoch of the run.
    /// @param number The service number.
    /// @param epoch That epoch.
    error SettlementNotDown(uint64 number, uint32 epoch);
    /// @notice The service is suspended, or retired for ever.
    /// @param number The service number.
    error SettlementNotSuspendable(uint64 number);

    /// @notice Stores an epoch's budget for services, and returns the unspent budget of the old epoch in the same
    /// ring entry to the pool; only `ProofOfService`.
    /// @param epoch The epoch.
    /// @param budget BLOC in wei, reserved in the pool.
    /// @param activeStake Counted stake of the epoch's active services, BLOC in wei.
    function open(uint32 epoch, uint96 budget, uint96 activeStake) external;

    /// @notice Pays a service for all epochs after the last settled one up to `upTo`, to its payout address. By
    /// anyone.
    /// @param number The service number.
    /// @param upTo The last epoch to settle; final, so at least two before the current one. Epochs after the newest
    /// seed stay unsettled.
    /// @return reward BLOC in wei.
    function settle(uint64 number, uint32 upTo) external returns (uint256 reward);

    /// @notice Suspends a service that was active and FAILED in `DOWN_EPOCHS` consecutive epochs since its last
    /// reinstatement. By anyone; it takes no stake.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch; final for at most `DOWN_FRESH_EPOCHS` epochs.
    function suspend(uint64 number, uint32 lastEpoch) external;

    /// @notice The verdict on a service in an epoch, from the votes that are revealed so far.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return grade 0 FAILED, 1 POOR, 2 GOOD, 3 EXCELLENT.
    /// @return quorate False without a verdict: the service was not active in the epoch, the votes missed the quorum,
    /// or the ring has overwritten them.
    function verdictOf(
        uint64 number,
        uint32 epoch
    ) external view returns (uint8 grade, bool quorate);

    /// @notice An epoch's budget for services.
    /// @param epoch The epoch.
    /// @return budget BLOC in wei; 0 if the ring does not hold the epoch.
    /// @return left The unspent part, BLOC in wei.
    /// @return activeStake Counted stake of the epoch's active services, BLOC in wei.
    function budgetOf(
        uint32 epoch
    ) external view returns (uint256 budget, uint256 left, uint256 activeStake);

    /// @notice The last epoch up to which a service was settled.
    /// @param number The service number.
    /// @return The epoch.
    function settledThrough(uint64 number) external view returns (uint32);

    /// @notice The contract that holds the rounds and the tallies.
    /// @return Its address.
    function proofOfService() external view returns (address);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);

    /// @notice The staking contract.
    /// @return Its address.
    function staking() external view returns (address);

    /// @notice The reward pool.
    /// @return Its address.
    function rewardPool() external view returns (address);
}
