// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Forgery, Round, RoundKit} from "../support/RoundKit.sol";

/// @notice A commitment is to exactly one round.
contract EquivocationTest is Deployment {
    AuditorActor private _alice;
    AuditorActor private _mallory;

    function setUp() public override {
        super.setUp();
        registerServices(15);
        _alice = newAuditor("alice", 50_000e18);
        _mallory = newAuditor("mallory", 50_000e18);
    }

    /// @dev Mallory commits to one chunk for each grade, all with index 0, contacts service 1 only, and
    /// decides after she has seen the verdict and the samples.
    function test_ARoundIsNotChosenAfterTheVerdict() public {
        enterAndTick(2);
        _alice.commit(2, 2);
        Round[4] memory variants;
        bytes32[] memory hashes = new bytes32[](4);
        for (uint256 grade = 0; grade < 4; ++grade) {
            variants[grade] = _mallory.buildChunks(2, _mallory.honestWords(2, grade), 512);
            hashes[grade] = RoundKit.chunkHash(variants[grade].chunks[0]);
        }
        bytes32 evidenceRoot = variants[2].chunks[0].evidenceRoot;
        bytes32 commitment = keccak256(
            abi.encode(
                address(_mallory),
                uint32(2),
                keccak256(abi.encodePacked(hashes)),
                uint256(1),
                evidenceRoot,
                _mallory.secret(2)
            )
        );
        address operator = _mallory.OPERATOR();
        vm.prank(operator);
        pos.commit(address(_mallory), 2, commitment);
        enter(3);
        _alice.reveal(2);
        IProofOfService.Chunk memory failed = variants[0].chunks[0];
        failed.evidenceRoot = evidenceRoot;
        failed.hashes = hashes;
        (bool revealed, ) = address(pos).call(abi.encodeCall(pos.reveal, (failed)));
        vm.assertFalse(revealed, "revealed one of many");

        enterAndTick(4);
        IProofOfService.Chunk memory good = variants[2].chunks[0];
        good.hashes = hashes;
        (bytes32 seed, , , ) = pos.seedOf(4);
        IProofOfService.Sample[] memory samples = RoundKit.samples(variants[2], 0, seed);
        (bool claimed, ) = address(pos).call(abi.encodeCall(pos.claim, (good, 4, samples)));
        vm.assertFalse(claimed, "claimed another than was revealed");
    }
}
