// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IProtocolConstants
/// @notice The constants that the libraries keep, for readers on chain and off. The other constants are public
/// where they are used.
interface IProtocolConstants {
    /// @notice Figures of docs/protocol.md, section 7.
    struct Constants {
        // epochs after which a change counts
        uint32 horizon;
        // epochs that storage remembers
        uint32 ring;
        // shards that can exist
        uint32 maxShards;
        // services in a shard
        uint8 lanes;
        // weight that is drawn in a shard on average, K
        uint8 expectedWeight;
        // hash steps that a reveal may take
        uint16 maxSteps;
        // the largest weight that counts in a shard
        uint8 maxWeight;
        // the least weight in a lane that gives a verdict
        uint8 quorum;
        // report words that a chunk may hold
        uint16 maxWords;
        // chunks that a round may hold
        uint16 maxChunks;
        // votes of a chunk that a claim must prove
        uint8 samples;
    }

    /// @notice The constants.
    /// @return All of them.
    function constants() external pure returns (Constants memory);
}
