// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HORIZON, RING} from "../libraries/Epochs.sol";
import {RoundLib} from "../libraries/RoundLib.sol";
import {LANES, MAX_SHARDS} from "../libraries/Slot.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {TallyLib} from "../libraries/Tally.sol";
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

    /// @notice The protocol's constants that no contract states by itself.
    /// @return horizon Epochs after which a change counts.
    /// @return ring Epochs that storage remembers.
    /// @return maxShards Shards that can exist.
    /// @return lanes Services in a shard.
    /// @return expectedWeight Weight that is drawn in a shard on average.
    /// @return maxSteps Hash steps that a reveal may take.
    /// @return maxWeight The largest weight that counts in a shard.
    /// @return quorum The least weight that gives a verdict.
    /// @return maxWords Report words that a chunk may hold.
    /// @return maxChunks Chunks that a round may hold.
    /// @return samples Votes of a chunk that a claim must prove.
    function constants()
        external
        pure
        returns (
            uint256 horizon,
            uint256 ring,
            uint256 maxShards,
            uint256 lanes,
            uint256 expectedWeight,
            uint256 maxSteps,
            uint256 maxWeight,
            uint256 quorum,
            uint256 maxWords,
            uint256 maxChunks,
            uint256 samples
        )
    {
        return (
            HORIZON,
            RING,
            MAX_SHARDS,
            LANES,
            SortitionLib.K,
            SortitionLib.MAX_STEPS,
            TallyLib.MAX_WEIGHT,
            TallyLib.QUORUM,
            RoundLib.MAX_WORDS,
            RoundLib.MAX_CHUNKS,
            RoundLib.SAMPLES
        );
    }
}
