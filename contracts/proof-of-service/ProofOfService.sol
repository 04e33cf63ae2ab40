// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AuditRounds} from "./AuditRounds.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {SkippingBatch} from "./SkippingBatch.sol";

/// @title ProofOfService
/// @notice See {IProofOfService}. Holder of privilege: the deployer may call {wire} once. A commitment needs the
/// auditor's operator. All other functions are permissionless and pay only the accounts that the rules name.
contract ProofOfService is AuditRounds, SkippingBatch {
    /// @notice Sets the values that never change.
    /// @param registry_ The registry, from which the clock is copied.
    /// @param staking_ Staking on that registry.
    /// @param rewardPool_ Pays rewards.
    constructor(
        address registry_,
        address staking_,
        address rewardPool_
    ) EpochLedger(registry_, staking_, rewardPool_) {}
}
