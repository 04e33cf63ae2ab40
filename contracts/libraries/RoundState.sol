// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev The progress of a round: `expected (72) | claimed (64) | count (8) | revealed (8) | next shard (32) | epoch
/// (32)`. It is one value instead of a struct, so that a reveal writes it in one store and a claim reads it in one
/// load.
type RoundState is uint256;

using RoundStateLib for RoundState global;

/// @title RoundStateLib
/// @notice The parts of a {RoundState}.
library RoundStateLib {
    uint256 private constant SHARD_OFFSET = 32;
    uint256 private constant REVEALED_OFFSET = 64;
    uint256 private constant COUNT_OFFSET = 72;
    uint256 private constant CLAIMED_OFFSET = 80;
    uint256 private constant EXPECTED_OFFSET = 144;

    /// @notice The state after a reveal. All parts must fit: chunks are at most 64, and an expected weight is
    /// at most 15 in 64.64.
    /// @param epoch The audited epoch.
    /// @param shard The first shard that the next chunk may have.
    /// @param shown Number of revealed chunks.
    /// @param chunks Chunks of the round.
    /// @param claims Bit `i` for chunk `i`.
    /// @param weight See `SortitionLib.expectedWeight`.
    /// @return The state.
    function pack(
        uint256 epoch,
        uint256 shard,
        uint256 shown,
        uint256 chunks,
        uint256 claims,
        uint256 weight
    ) internal pure returns (RoundState) {
        return
            RoundState.wrap(
                epoch |
                    (shard << SHARD_OFFSET) |
                    (shown << REVEALED_OFFSET) |
                    (chunks << COUNT_OFFSET) |
                    (claims << CLAIMED_OFFSET) |
                    (weight << EXPECTED_OFFSET)
            );
    }

    /// @notice Whether a chunk of an epoch's round was revealed.
    /// @param self The state.
    /// @param epoch_ The epoch.
    /// @return False for a ring entry of another epoch.
    function isOf(RoundState self, uint32 epoch_) internal pure returns (bool) {
        return uint32(RoundState.unwrap(self)) == epoch_;
    }

    /// @notice The first shard that the next chunk may have.
    /// @param self The state.
    /// @return The shard.
    function nextShard(RoundState self) internal pure returns (uint256) {
        return uint32(RoundState.unwrap(self) >> SHARD_OFFSET);
    }

    /// @notice Number of revealed chunks.
    /// @param self The state.
    /// @return Their number.
    function revealed(RoundState self) internal pure returns (uint256) {
        return uint8(RoundState.unwrap(self) >> REVEALED_OFFSET);
    }

    /// @notice Whether all chunks are revealed.
    /// @param self The state.
    /// @return True if they are.
    function isComplete(RoundState self) internal pure returns (bool) {
        return uint8(RoundState.unwrap(self) >> COUNT_OFFSET) == revealed(self);
    }

    /// @notice The chunks that are claimed.
    /// @param self The state.
    /// @return Bit `i` for chunk `i`.
    function claimed(RoundState self) internal pure returns (uint64) {
        return uint64(RoundState.unwrap(self) >> CLAIMED_OFFSET);
    }

    /// @notice The same state with another chunk claimed.
    /// @param self The state.
    /// @param index The chunk.
    /// @return The new state.
    function withClaim(RoundState self, uint256 index) internal pure returns (RoundState) {
        return RoundState.wrap(RoundState.unwrap(self) | (1 << (CLAIMED_OFFSET + index)));
    }

    /// @notice The weight that the auditor expects in a shard.
    /// @param self The state.
    /// @return 64.64 fixed point.
    function expected(RoundState self) internal pure returns (uint256) {
        return RoundState.unwrap(self) >> EXPECTED_OFFSET;
    }
}
