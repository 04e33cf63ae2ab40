// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IProtocolConstants
/// @notice The constants of the libraries, for readers on chain and off. The other constants are public in their
/// contracts.
interface IProtocolConstants {
    /// @notice Values of docs/protocol.md, section 7.
    struct Constants {
        // epochs after which a change counts
        uint32 horizon;
        // number of epochs in a ring
        uint32 ring;
        // maximum number of shards
        uint32 maxShards;
        // services in a shard
        uint8 lanes;
        // expected weight in a shard, K
        uint8 expectedWeight;
        // maximum number of hash steps of a reveal
        uint16 maxSteps;
        // the largest weight that counts in a shard
        uint8 maxWeight;
        // the minimum weight in a lane for a verdict
        uint8 quorum;
        // maximum number of report words in a chunk
        uint16 maxWords;
        // maximum number of chunks in a round
        uint16 maxChunks;
        // number of votes of a chunk that a claim must prove
        uint8 samples;
    }

    /// @notice The constants.
    /// @return All of them.
    function constants() external pure returns (Constants memory);
}
