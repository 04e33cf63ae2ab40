// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AuditRounds} from "./AuditRounds.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {SkippingBatch} from "./SkippingBatch.sol";

/// @title ProofOfService
/// @notice See {IProofOfService}. Holder of privilege: the deployer may call {wire} once. A commitment needs the
/// auditor's operator, everything else is permissionless and pays only whom the rules name.
contract ProofOfService is AuditRounds, SkippingBatch {
    /// @notice Sets what never changes afterwards.
    /// @param registry_ The registry, whose clock is taken over.
    /// @param staking_ Staking on that registry.
    /// @param rewardPool_ Pays rewards.
    constructor(
        address registry_,
        address staking_,
        address rewardPool_
    ) EpochLedger(registry_, staking_, rewardPool_) {}
}
