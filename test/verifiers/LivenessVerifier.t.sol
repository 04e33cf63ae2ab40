// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Artifacts} from "../support/Artifacts.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {ILivenessVerifier, IRegistry} from "../support/Interfaces.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice The verifier alone: true for the key's signature over the question, and false without a revert for all
/// other proofs.
contract LivenessVerifierTest is Deployment {
    using ChallengeKit for System;

    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant NONCE = keccak256("question");
    uint256 private constant KEY = 0xa11ce;

    function test_TheKeysSignatureOverTheQuestionIsAccepted() public view {
        vm.assertEq(verifier.registry(), address(registry), "in whose domain");
        bytes memory proof = system().proof(KEY, 7, NONCE);
        vm.assertEq(proof.length, 97, "a number and a signature");
        vm.assertTrue(verifier.verify(1, vm.addr(KEY), NONCE, proof), "accepted");
        // The question belongs to the challenge, so the numbers do not matter.
        vm.assertTrue(verifier.verify(2, vm.addr(KEY), NONCE, proof), "whatever the service");
    }

    function testFuzz_EveryKeyAnswersEveryQuestion(
        uint256 key,
        uint64 number,
        uint256 challenge,
        bytes32 nonce
    ) public view {
        key = (key % (N - 1)) + 1;
        bytes memory proof = system().proof(key, challenge, nonce);
        vm.assertTrue(verifier.verify(number, vm.addr(key), nonce, proof), "accepted");
    }

    function testFuzz_AnotherKeyOrQuestionIsRefused(
        uint256 key,
        uint256 challenge,
        bytes32 nonce,
        bytes32 other
    ) public view {
        key = (key % (N - 2)) + 1;
        vm.assume(nonce != other);
        bytes memory proof = system().proof(key, challenge, nonce);
        vm.assertFalse(verifier.verify(1, vm.addr(key + 1), nonce, proof), "another key");
        vm.assertFalse(verifier.verify(1, vm.addr(key), other, proof), "another question");
    }

    function testFuzz_EveryBitCounts(uint256 key, uint256 challenge, uint256 bit) public view {
        key = (key % (N - 1)) + 1;
        bit %= 97 * 8;
        bytes memory proof = system().proof(key, challenge, NONCE);
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.assertFalse(verifier.verify(1, vm.addr(key), NONCE, proof), "a flipped bit");
    }

    function testFuzz_TheMalleableTwinIsRefused(uint256 key, uint256 challenge) public view {
        key = (key % (N - 1)) + 1;
        bytes32 digest = system().digest(challenge, NONCE);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes32 high = bytes32(N - uint256(s));
        vm.assertEq(ecrecover(digest, 55 - v, r, high), vm.addr(key), "plain ecrecover takes it");
        _assertRefused(key, abi.encodePacked(challenge, r, high, 55 - v), "high s");
        _assertRefused(key, abi.encodePacked(challenge, r, s, v - 27), "v of 0 or 1");
        bytes32 compact = bytes32(uint256(s) | (uint256(v - 27) << 255));
        _assertRefused(key, abi.encodePacked(challenge, r, compact), "compact");
    }

    function testFuzz_GarbageIsRefusedAndNeverReverts(
        address key,
        bytes32 nonce,
        bytes calldata proof
    ) public view {
        vm.assertFalse(verifier.verify(1, key, nonce, proof), "garbage");
        // A failed recovery returns the zero address, which is not a key.
        vm.assertFalse(verifier.verify(1, address(0), nonce, proof), "no key");
    }

    function testFuzz_GarbageOfTheRightLengthIsRefused(
        address key,
        bytes32 nonce,
        bytes32[3] calldata parts,
        uint8 v
    ) public view {
        bytes memory proof = abi.encodePacked(parts, v);
        vm.assertEq(proof.length, 97, "length");
        vm.assertFalse(verifier.verify(1, key, nonce, proof), "garbage");
        vm.assertFalse(verifier.verify(1, address(0), nonce, proof), "no key");
    }

    function testFuzz_OnlyTheExactLengthIsAccepted(uint16 length) public view {
        bytes memory good = system().proof(KEY, 7, NONCE);
        bytes memory proof = new bytes(length);
        for (uint256 i = 0; i < length && i < 97; ++i) {
            proof[i] = good[i];
        }
        vm.assertEq(verifier.verify(1, vm.addr(KEY), NONCE, proof), length == 97, "97 bytes");
    }

    function test_AnAnswerToAnotherDeploymentIsRefused() public {
        IRegistry other = SystemLib.newRegistry(governance);
        ILivenessVerifier foreign = Artifacts.newVerifier(address(other));
        bytes memory proof = system().proof(KEY, 7, NONCE);
        vm.assertFalse(foreign.verify(1, vm.addr(KEY), NONCE, proof), "another domain");
        vm.assertTrue(verifier.verify(1, vm.addr(KEY), NONCE, proof), "its own");
    }

    function _assertRefused(uint256 key, bytes memory proof, string memory what) private view {
        vm.assertFalse(verifier.verify(1, vm.addr(key), NONCE, proof), what);
    }
}
