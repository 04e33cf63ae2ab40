// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeLib} from "../../contracts/libraries/ChallengeLib.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {Assertions} from "../support/Assertions.sol";
import {ILivenessVerifier} from "../support/Interfaces.sol";

/// @dev Replaces the registry; it has only the domain in which answers are signed.
contract DomainOnly {
    bytes32 public immutable domainSeparator;

    constructor(bytes32 separator) {
        domainSeparator = separator;
    }
}

contract ChallengeVectorsTest is Assertions {
    function testAnswerVectors() public {
        string memory json = vectors("challenge");
        bytes32 separator = vm.parseJsonBytes32(json, ".domainSeparator");
        ILivenessVerifier verifier = _verifier(separator);
        uint256[] memory challenge = uints(json, ".challenge");
        bytes32[] memory seed = words(json, ".seed");
        bytes32[] memory question = words(json, ".question");
        bytes32[] memory digest = words(json, ".digest");
        address[] memory key = vm.parseJsonAddressArray(json, ".key");
        bytes[] memory proof = vm.parseJsonBytesArray(json, ".proof");
        assertTrue(digest.length >= 10, "vectors");
        for (uint256 i = 0; i < digest.length; ++i) {
            assertEq(ChallengeLib.nonce(seed[i], challenge[i]), question[i], item("question", i));
            bytes32 response = ChallengeLib.responseHash(challenge[i], question[i]);
            bytes32 got = keccak256(abi.encodePacked(hex"1901", separator, response));
            assertEq(got, digest[i], item("digest", i));
            assertTrue(verifier.verify(7, key[i], question[i], proof[i]), item("proof", i));
            assertEq(
                verifier.verify(7, key[i], question[(i + 1) % question.length], proof[i]),
                false,
                item("another question", i)
            );
        }
    }

    function testRefusedVectors() public {
        string memory json = vectors("challenge");
        ILivenessVerifier verifier = _verifier(vm.parseJsonBytes32(json, ".domainSeparator"));
        bytes32 question = vm.parseJsonBytes32(json, ".badQuestion");
        address[] memory key = vm.parseJsonAddressArray(json, ".badKey");
        bytes[] memory proof = vm.parseJsonBytesArray(json, ".badProof");
        assertTrue(proof.length > 10, "vectors");
        for (uint256 i = 0; i < proof.length; ++i) {
            assertEq(verifier.verify(7, key[i], question, proof[i]), false, item("proof", i));
        }
    }

    function _verifier(bytes32 separator) private returns (ILivenessVerifier) {
        return Artifacts.newVerifier(address(new DomainOnly(separator)));
    }
}
