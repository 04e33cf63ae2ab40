// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {vm} from "./Cheatcodes.sol";
import {MerkleLib} from "./MerkleLib.sol";
import {System, SystemLib} from "./System.sol";

/// @dev A piece of evidence, before it is sampled.
struct Evidence {
    uint64 number;
    bytes32 salt;
    bytes32 channel;
    uint64 issuedAt;
    bytes signature;
    uint40 slot;
}

/// @dev The changes of a dishonest auditor to all its evidence; zero leaves it honest.
struct Forgery {
    uint256 signingKey;
    uint64 issuedAt;
    bytes32 drawKey;
    bool omit;
}

/// @dev A whole round. The chunks are ready to be revealed.
struct Round {
    bytes32 commitment;
    IProofOfService.Chunk[] chunks;
    Evidence[] evidence;
}

/// @title RoundKit
/// @notice The off-chain work of an auditor: words, chunks, evidence, commitment, samples. Written from the protocol,
/// not with the contracts' libraries, so that it checks them.
library RoundKit {
    uint256 private constant LANES = 15;
    bytes32 private constant RECEIPT = keccak256(
        "ServiceReceipt(bytes32 serviceId,bytes32 nonce,bytes32 channel,uint64 issuedAt)"
    );

    /// @notice A report word: the same grade for every lane in `lanes` (one bit each).
    function word(uint256 offset, uint256 lanes, uint256 grade) internal pure returns (uint256 w) {
        w = offset << 240;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            if ((lanes >> lane) & 1 == 1) w |= vote(lane, grade);
        }
    }

    /// @notice One vote.
    function vote(uint256 lane, uint256 grade) internal pure returns (uint256) {
        return 1 << (lane * 16 + grade * 4);
    }

    /// @notice Splits words (offsets from shard 0) into chunks of at most `perChunk`.
    function chunks(
        uint256[] memory words,
        uint256 perChunk
    ) internal pure returns (IProofOfService.Chunk[] memory list) {
        uint256 count = words.length == 0 ? 1 : (words.length + perChunk - 1) / perChunk;
        list = new IProofOfService.Chunk[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 from = i * perChunk;
            uint256 length = words.length - from < perChunk ? words.length - from : perChunk;
            list[i].words = new uint256[](length);
            if (length != 0) list[i].base = uint32(words[from] >> 240);
            for (uint256 j = 0; j < length; ++j) {
                list[i].words[j] = words[from + j] - (uint256(list[i].base) << 240);
            }
        }
    }

    /// @notice Slots of a chunk on which the votes claim a contact, in word-then-lane order.
    function contacts(
        IProofOfService.Chunk memory chunk
    ) internal pure returns (uint40[] memory slots) {
        uint40[] memory found = new uint40[](chunk.words.length * LANES);
        uint256 count = 0;
        for (uint256 i = 0; i < chunk.words.length; ++i) {
            uint256 packed = chunk.words[i];
            uint256 shard = chunk.base + (packed >> 240);
            for (uint256 lane = 0; lane < LANES; ++lane) {
                if ((packed >> (lane * 16)) & 0xfff0 == 0) continue;
                found[count++] = uint40(shard * LANES + lane + 1);
            }
        }
        slots = new uint40[](count);
        for (uint256 i = 0; i < count; ++i) {
            slots[i] = found[i];
        }
    }

    /// @notice A receipt that the service gave to the auditor, or a forgery of it.
    function receipt(
        System memory s,
        uint64 number,
        uint32 epoch,
        bytes32 y,
        Forgery memory forgery
    ) internal view returns (Evidence memory e) {
        if (forgery.drawKey != 0) y = forgery.drawKey;
        e.number = number;
        e.salt = keccak256(abi.encode("salt", y, number));
        e.channel = keccak256(abi.encode("channel", number));
        e.issuedAt = s.registry.epochStart(epoch) * 1000 + 5_000;
        if (forgery.issuedAt != 0) e.issuedAt = forgery.issuedAt;
        uint256 key = forgery.signingKey;
        if (key == 0) key = SystemLib.serviceKey(number);
        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(key, receiptDigest(s, e, y));
        e.signature = abi.encodePacked(r, ss, v);
    }

    /// @notice The digest that a service signs for an auditor with the draw's key `y`.
    function receiptDigest(
        System memory s,
        Evidence memory e,
        bytes32 y
    ) internal view returns (bytes32) {
        bytes32 id = bytes32(uint256(e.number) << 192);
        bytes32 nonce = keccak256(abi.encode(y, e.number, e.salt));
        bytes32 structHash = keccak256(abi.encode(RECEIPT, id, nonce, e.channel, e.issuedAt));
        return keccak256(abi.encodePacked(hex"1901", s.registry.domainSeparator(), structHash));
    }

    /// @notice Collects evidence for every contact vote, fills the chunks in and computes the commitment.
    function build(
        System memory s,
        address auditor,
        uint32 epoch,
        bytes32 secret,
        IProofOfService.Chunk[] memory list,
        Forgery memory forgery
    ) internal view returns (Round memory round) {
        bytes32 y = drawKey(s, auditor, epoch, secret);
        Evidence[] memory evidence = _collect(s, epoch, y, list, forgery);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i].auditor = auditor;
            list[i].epoch = epoch;
            list[i].index = uint16(i);
            list[i].count = uint16(list.length);
            list[i].secret = secret;
        }
        round.chunks = list;
        return withEvidence(round, evidence);
    }

    /// @notice The same round with other evidence: new roots, proofs and commitment.
    function withEvidence(
        Round memory round,
        Evidence[] memory evidence
    ) internal pure returns (Round memory) {
        IProofOfService.Chunk[] memory list = round.chunks;
        bytes32 evidenceRoot = MerkleLib.root(_leaves(evidence));
        bytes32[] memory hashes = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i].evidenceRoot = evidenceRoot;
            hashes[i] = chunkHash(list[i]);
        }
        for (uint256 i = 0; i < list.length; ++i) {
            list[i].hashes = hashes;
        }
        round.evidence = evidence;
        round.commitment = keccak256(
            abi.encode(
                list[0].auditor,
                list[0].epoch,
                keccak256(abi.encodePacked(hashes)),
                list.length,
                evidenceRoot,
                list[0].secret
            )
        );
        return round;
    }

    /// @notice Opens the evidence that a sample seed selects.
    function samples(
        Round memory round,
        uint256 index,
        bytes32 sampleSeed
    ) internal pure returns (IProofOfService.Sample[] memory list) {
        IProofOfService.Chunk memory chunk = round.chunks[index];
        uint40[] memory slots = contacts(chunk);
        if (slots.length == 0) return list;
        list = new IProofOfService.Sample[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 pick = keccak256(abi.encode(sampleSeed, chunkHash(chunk), i));
            list[i] = sample(round, slots[uint256(pick) % slots.length]);
        }
    }

    /// @notice Opens the evidence for the service in one slot; only its number's place is filled when there is
    /// none.
    function sample(
        Round memory round,
        uint40 slot
    ) internal pure returns (IProofOfService.Sample memory opened) {
        for (uint256 i = 0; i < round.evidence.length; ++i) {
            Evidence memory e = round.evidence[i];
            if (e.slot != slot) continue;
            bytes32[] memory proof = MerkleLib.proof(_leaves(round.evidence), i);
            return
                IProofOfService.Sample(e.number, e.salt, e.channel, e.issuedAt, e.signature, proof);
        }
        opened.number = slot;
    }

    /// @notice Hash of a chunk.
    function chunkHash(IProofOfService.Chunk memory chunk) internal pure returns (bytes32) {
        return keccak256(abi.encode(uint256(chunk.index), uint256(chunk.base), chunk.words));
    }

    /// @notice The auditor's randomness of an epoch, `y`.
    function drawKey(
        System memory s,
        address auditor,
        uint32 epoch,
        bytes32 secret
    ) internal view returns (bytes32) {
        (bytes32 seed, , , ) = s.pos.seedOf(epoch);
        return keccak256(abi.encode(seed, secret, auditor));
    }

    function _collect(
        System memory s,
        uint32 epoch,
        bytes32 y,
        IProofOfService.Chunk[] memory list,
        Forgery memory forgery
    ) private view returns (Evidence[] memory evidence) {
        if (forgery.omit) return evidence;
        uint256 count = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            count += contacts(list[i]).length;
        }
        evidence = new Evidence[](count);
        count = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            uint40[] memory slots = contacts(list[i]);
            for (uint256 j = 0; j < slots.length; ++j) {
                uint64 number = SystemLib.numberIn(s, slots[j]);
                evidence[count] = receipt(s, number == 0 ? slots[j] : number, epoch, y, forgery);
                evidence[count++].slot = slots[j];
            }
        }
    }

    function _leaves(Evidence[] memory evidence) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](evidence.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            Evidence memory e = evidence[i];
            leaves[i] = keccak256(
                abi.encode(
                    keccak256(abi.encode(e.number, e.salt, e.channel, e.issuedAt, e.signature))
                )
            );
        }
    }
}
