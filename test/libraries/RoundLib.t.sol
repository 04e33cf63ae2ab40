// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {RoundLib} from "../../contracts/libraries/RoundLib.sol";
import {Assertions} from "../support/Assertions.sol";
import {RawTally} from "../support/RawTally.sol";

contract RoundLibTest is Assertions {
    uint256 private constant LANES = 15;

    function testChunkVectors() public view {
        string memory json = vectors("round");
        uint256[] memory base = uints(json, ".base");
        uint256[] memory length = uints(json, ".length");
        uint256[] memory all = uints(json, ".words");
        bytes32[] memory hash = words(json, ".chunkHash");
        assertTrue(hash.length > 2, "vectors");
        uint256 word = 0;
        for (uint256 i = 0; i < hash.length; ++i) {
            uint256[] memory chunk = _slice(all, word, length[i]);
            assertEq(this.chunkHash(i, base[i], chunk), hash[i], item("chunkHash", i));
            word += length[i];
        }
        assertEq(this.chunksRoot(hash), vm.parseJsonBytes32(json, ".chunksRoot"), "chunksRoot");
        assertEq(
            this.chunkHash(0, 0, new uint256[](0)),
            vm.parseJsonBytes32(json, ".emptyChunkHash"),
            "empty chunk"
        );
    }

    function testCommitmentVector() public view {
        string memory json = vectors("round");
        bytes32 got = RoundLib.commitment(
            vm.parseJsonAddress(json, ".auditor"),
            uint32(vm.parseJsonUint(json, ".epoch")),
            vm.parseJsonBytes32(json, ".chunksRoot"),
            vm.parseJsonUint(json, ".chunkCount"),
            vm.parseJsonBytes32(json, ".evidenceRoot"),
            vm.parseJsonBytes32(json, ".secret")
        );
        assertEq(got, vm.parseJsonBytes32(json, ".commitment"), "commitment");
    }

    function testEvidenceVectors() public view {
        string memory json = vectors("round");
        uint256[] memory number = uints(json, ".evidenceNumber");
        bytes32[] memory salt = words(json, ".evidenceSalt");
        bytes32[] memory channel = words(json, ".evidenceChannel");
        uint256[] memory issuedAt = uints(json, ".evidenceIssuedAt");
        bytes[] memory signature = vm.parseJsonBytesArray(json, ".evidenceSignature");
        bytes32[] memory leaf = words(json, ".evidenceLeaf");
        uint256[] memory proofLength = uints(json, ".evidenceProofLength");
        bytes32[] memory proofs = words(json, ".evidenceProof");
        bytes32 root = vm.parseJsonBytes32(json, ".evidenceRoot");
        assertTrue(leaf.length > 2, "vectors");
        uint256 node = 0;
        for (uint256 i = 0; i < leaf.length; ++i) {
            bytes32 got = this.evidenceLeaf(
                uint64(number[i]),
                salt[i],
                channel[i],
                uint64(issuedAt[i]),
                signature[i]
            );
            assertEq(got, leaf[i], item("evidenceLeaf", i));
            bytes32[] memory proof = _slice(proofs, node, proofLength[i]);
            assertTrue(MerkleProof.verify(proof, root, leaf[i]), item("evidenceProof", i));
            node += proofLength[i];
        }
    }

    function testNonceVectors() public view {
        string memory json = vectors("nonce");
        bytes32[] memory y = words(json, ".y");
        uint256[] memory number = uints(json, ".number");
        bytes32[] memory salt = words(json, ".salt");
        bytes32[] memory nonce = words(json, ".nonce");
        assertTrue(nonce.length > 3, "vectors");
        for (uint256 i = 0; i < nonce.length; ++i) {
            assertEq(RoundLib.nonce(y[i], uint64(number[i]), salt[i]), nonce[i], item("nonce", i));
        }
    }

    /// @dev The services that a claim must prove, computed from the chunk's words.
    function testSampleVectors() public view {
        string memory json = vectors("round");
        bytes32 sampleSeed = vm.parseJsonBytes32(json, ".sampleSeed");
        uint256[] memory base = uints(json, ".base");
        uint256[] memory length = uints(json, ".length");
        uint256[] memory all = uints(json, ".words");
        bytes32[] memory hash = words(json, ".chunkHash");
        uint256[] memory contactCount = uints(json, ".contactCount");
        uint256[] memory contacts = uints(json, ".contacts");
        uint256[] memory sampled = uints(json, ".sampled");
        assertEq(sampled.length, hash.length * RoundLib.SAMPLES, "vectors");
        uint256 word = 0;
        uint256 contact = 0;
        for (uint256 i = 0; i < hash.length; ++i) {
            uint256[] memory found = _contacts(base[i], _slice(all, word, length[i]));
            assertEq(found.length, contactCount[i], item("contactCount", i));
            for (uint256 k = 0; k < found.length; ++k) {
                assertEq(found[k], contacts[contact + k], item("contacts", contact + k));
            }
            for (uint256 k = 0; k < RoundLib.SAMPLES; ++k) {
                uint256 place = RoundLib.sampledVote(sampleSeed, hash[i], k, found.length);
                assertEq(found[place], sampled[i * 2 + k], item("sampled", i * 2 + k));
            }
            word += length[i];
            contact += found.length;
        }
    }

    function testFuzzSampledVoteIsAPlace(
        bytes32 seed,
        bytes32 chunk,
        uint256 sample,
        uint256 contacts
    ) public pure {
        vm.assume(contacts != 0);
        uint256 place = RoundLib.sampledVote(seed, chunk, sample, contacts);
        assertTrue(place < contacts, "a place among the contacts");
    }

    function testSampleOfOneContact() public pure {
        assertEq(RoundLib.sampledVote(bytes32("seed"), bytes32("chunk"), 1, 1), 0, "place");
    }

    /// @dev Each field changes the commitment.
    function testFuzzCommitmentBindsEveryField(uint256 seed, uint8 field) public pure {
        uint256[6] memory values;
        for (uint256 i = 0; i < 6; ++i) {
            values[i] = uint256(keccak256(abi.encode(seed, i))) >> 224;
        }
        bytes32 before = _commitment(values);
        values[field % 6] ^= 1;
        assertTrue(_commitment(values) != before, "another commitment");
    }

    function chunksRoot(bytes32[] calldata hashes) external pure returns (bytes32) {
        return RoundLib.chunksRoot(hashes);
    }

    function chunkHash(
        uint256 index,
        uint256 base,
        uint256[] calldata chunk
    ) external pure returns (bytes32) {
        return RoundLib.chunkHash(index, base, chunk);
    }

    function evidenceLeaf(
        uint64 number,
        bytes32 salt,
        bytes32 channel,
        uint64 issuedAt,
        bytes calldata signature
    ) external pure returns (bytes32) {
        return RoundLib.evidenceLeaf(number, salt, channel, issuedAt, signature);
    }

    function _commitment(uint256[6] memory values) private pure returns (bytes32) {
        return
            RoundLib.commitment(
                address(uint160(values[0])),
                uint32(values[1]),
                bytes32(values[2]),
                values[3],
                bytes32(values[4]),
                bytes32(values[5])
            );
    }

    /// @dev Word by word, lane by lane: a vote that is not FAILED claims a contact.
    function _contacts(
        uint256 base,
        uint256[] memory chunk
    ) private pure returns (uint256[] memory found) {
        uint256 count = 0;
        for (uint256 i = 0; i < chunk.length; ++i) {
            count += RawTally.sum(RawTally.contactsIn(chunk[i]));
        }
        found = new uint256[](count);
        count = 0;
        for (uint256 i = 0; i < chunk.length; ++i) {
            for (uint256 lane = 0; lane < LANES; ++lane) {
                if ((chunk[i] >> (lane * 16)) & 0x1110 == 0) continue;
                found[count++] = (base + (chunk[i] >> 240)) * LANES + lane + 1;
            }
        }
        assertEq(count, found.length, "contacts");
    }

    function _slice(
        uint256[] memory values,
        uint256 start,
        uint256 length
    ) private pure returns (uint256[] memory part) {
        part = new uint256[](length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = values[start + i];
        }
    }

    function _slice(
        bytes32[] memory values,
        uint256 start,
        uint256 length
    ) private pure returns (bytes32[] memory part) {
        part = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = values[start + i];
        }
    }
}
