// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RoundLib
/// @notice Hashes of an auditor's round: chunks, commitment, evidence, samples.
library RoundLib {
    /// @notice Maximum number of words in a chunk.
    uint256 internal constant MAX_WORDS = 512;
    /// @notice Maximum number of chunks in a round: the bits of the claim bitmap.
    uint256 internal constant MAX_CHUNKS = 64;
    /// @notice Number of votes of a chunk that a claim must prove.
    uint256 internal constant SAMPLES = 2;

    /// @notice Hash of a chunk.
    /// @param index Index of the chunk in its round.
    /// @param base Shard to which the words' offsets are added.
    /// @param words Report words, as plain integers.
    /// @return The leaf.
    function chunkHash(
        uint256 index,
        uint256 base,
        uint256[] calldata words
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(index, base, words));
    }

    /// @notice Root of a round's chunks: the hash of all their hashes, in order. It is not a Merkle tree: a tree with
    /// sorted pairs could contain several chunks with the same index, and the auditor could choose one after the
    /// others have revealed. A round has few chunks, so the list costs less than proofs.
    /// @param hashes Hashes of all chunks.
    /// @return The root.
    function chunksRoot(bytes32[] calldata hashes) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hashes));
    }

    /// @notice The commitment to a round.
    /// @param auditor The auditor's owner.
    /// @param epoch The audited epoch.
    /// @param root From {chunksRoot}.
    /// @param chunkCount Number of chunks.
    /// @param evidenceRoot Merkle root (sorted pairs) over the evidence leaves.
    /// @param secret The chain element of the epoch.
    /// @return The hash.
    function commitment(
        address auditor,
        uint32 epoch,
        bytes32 root,
        uint256 chunkCount,
        bytes32 evidenceRoot,
        bytes32 secret
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(auditor, epoch, root, chunkCount, evidenceRoot, secret));
    }

    /// @notice Leaf of the evidence tree, hashed twice as in OpenZeppelin's merkle-tree.
    /// @param number Service number.
    /// @param salt The salt behind the nonce that was sent.
    /// @param channel The receipt's channel.
    /// @param issuedAt The receipt's time in milliseconds.
    /// @param signature The receipt's signature, 65 bytes.
    /// @return The leaf.
    function evidenceLeaf(
        uint64 number,
        bytes32 salt,
        bytes32 channel,
        uint64 issuedAt,
        bytes calldata signature
    ) internal pure returns (bytes32) {
        bytes32 inner = keccak256(abi.encode(number, salt, channel, issuedAt, signature));
        return keccak256(abi.encode(inner));
    }

    /// @notice The nonce that an auditor sends to a service; the provider cannot distinguish it from a user's.
    /// @param y The draw's key.
    /// @param number Service number.
    /// @param salt Random; shown only if the vote is sampled.
    /// @return The nonce.
    function nonce(bytes32 y, uint64 number, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(abi.encode(y, number, salt));
    }

    /// @notice The index of a sampled contact vote of a chunk, in word-then-lane order.
    /// @param seed First seed recorded in an epoch at least two after the audited one.
    /// @param chunk The chunk's hash.
    /// @param sample 0 to `SAMPLES - 1`.
    /// @param contacts Contact votes in the chunk; not 0.
    /// @return The index.
    function sampledVote(
        bytes32 seed,
        bytes32 chunk,
        uint256 sample,
        uint256 contacts
    ) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, chunk, sample))) % contacts;
    }
}
