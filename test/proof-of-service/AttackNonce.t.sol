// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Evidence, Round, RoundKit} from "../support/RoundKit.sol";
import {SystemLib} from "../support/System.sol";

/// @notice A provider that can identify the auditor among its clients could serve it better than the others. It sees
/// nonces, and later all data of the auditor's round on chain.
contract AttackNonceTest is Deployment {
    uint256 private constant SERVICES = 15;

    AuditorActor private _alice;
    bytes32 private _y;

    function setUp() public override {
        super.setUp();
        registerServices(SERVICES);
        _alice = newAuditor("alice", 5_000e18);
        enterAndTick(2);
        _y = RoundKit.drawKey(system(), address(_alice), 2, _alice.secret(2));
    }

    function test_WhatIsPublishedLinksNoNonceButTheSampledOnes() public {
        Round memory round = _roundWithRandomSalts();
        _alice.commitRound(2, round);
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 4);
        vm.assertGt(pos.claim(round.chunks[0], 4, samples), 0, "paid");

        bytes memory published = abi.encode(round.commitment, round.chunks, samples);
        uint256 shown = 0;
        for (uint256 i = 0; i < SERVICES; ++i) {
            Evidence memory e = round.evidence[i];
            bool sampled = e.salt == samples[0].salt || e.salt == samples[1].salt;
            vm.assertEq(_holds(published, e.salt), sampled, "the salt of a sample only");
            vm.assertEq(_holds(published, bytes32(e.signature)), sampled, "and its receipt");
            // Not even a sampled nonce appears literally.
            vm.assertFalse(_holds(published, _nonce(e.number, e.salt)), "a nonce");
            if (sampled) ++shown;
        }
        vm.assertTrue(shown == 1 || shown == 2, "two samples, with replacement");
    }

    /// @dev Two services combine their data with the published data: the draw's key, and a salt.
    function test_OneServicesSaltDoesNotGiveAnothersNonce() public view {
        Round memory round = _roundWithRandomSalts();
        Evidence memory known = round.evidence[0];
        for (uint256 i = 1; i < SERVICES; ++i) {
            Evidence memory e = round.evidence[i];
            bytes32 nonce = _nonce(e.number, e.salt);
            vm.assertTrue(nonce != _nonce(e.number, known.salt), "with the salt of another");
            vm.assertTrue(nonce != _nonce(e.number, 0), "with none");
            vm.assertTrue(nonce != keccak256(abi.encode(_y, e.number)), "from the draw alone");
        }
    }

    /// @dev The receipts of a round with underived salts.
    function _roundWithRandomSalts() private view returns (Round memory round) {
        round = _alice.buildChunks(2, _alice.honestWords(2, 3), 512);
        vm.assertEq(round.evidence.length, SERVICES, "a receipt of each");
        for (uint256 i = 0; i < SERVICES; ++i) {
            Evidence memory e = round.evidence[i];
            e.salt = keccak256(abi.encode("drawn by the auditor's machine", i));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(
                SystemLib.serviceKey(e.number),
                RoundKit.receiptDigest(system(), e, _y)
            );
            e.signature = abi.encodePacked(r, s, v);
        }
        return RoundKit.withEvidence(round, round.evidence);
    }

    function _nonce(uint64 number, bytes32 salt) private view returns (bytes32) {
        return keccak256(abi.encode(_y, number, salt));
    }

    /// @dev Whether bytes contain a word at any position.
    function _holds(bytes memory data, bytes32 word) private pure returns (bool) {
        for (uint256 i = 0; i + 32 <= data.length; ++i) {
            bytes32 here;
            assembly ("memory-safe") {
                here := mload(add(add(data, 32), i))
            }
            if (here == word) return true;
        }
        return false;
    }
}
