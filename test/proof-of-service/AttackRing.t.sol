// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice Epochs `e` and `e + 256` share an entry in each ring. They are never confused.
contract AttackRingTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerService();
        // Alone she has weight 7, so her vote is the verdict.
        _alice = newAuditor("alice", 5_000e18);
    }

    function test_ATallyIsThatOfOneEpoch() public {
        _audit(2, 3);
        vm.assertEq(tallyOf(0, 258), 0, "not the later one's");
        enterAndTick(258);
        _assertNoVerdict(258);
        _alice.commit(258, 0);
        enter(259);
        _alice.reveal(258);
        vm.assertEq(tallyOf(0, 258) >> 240, (1 << 4) | 7, "tag 1 and a weight of 7, not of 14");
        (uint8 grade, bool quorate) = settlement.verdictOf(1, 258);
        vm.assertTrue(quorate && grade == 0, "its own verdict");
        vm.assertEq(tallyOf(0, 2), 0, "the earlier one is forgotten");
        _assertNoVerdict(2);
    }

    function test_ASeedIsThatOfOneEpoch() public {
        enterAndTick(2);
        (bytes32 seed, , , ) = pos.seedOf(258);
        vm.assertEq(seed, bytes32(0), "not the later one's");
        enterAndTick(258);
        (seed, , , ) = pos.seedOf(2);
        vm.assertEq(seed, bytes32(0), "nor the earlier one's");
        (uint256 budget, , , ) = budgetOf(2);
        vm.assertEq(budget, 0, "nor its budget");
        // A round cannot be revealed with the other epoch's seed.
        enter(514);
        _alice.commitWords(514, new uint256[](0), 512);
        enter(515);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(514, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 514));
        pos.reveal(chunk);
    }

    function test_TheSamplesAreNotPickedByAnEpochThatIsNotThereYet() public {
        _audit(130, 3);
        enterAndTick(132);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(130, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(130, 0, 132);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 132 + 256));
        pos.claim(chunk, 132 + 256, samples);
        vm.assertGt(_alice.claim(130, 132), 0, "by its own");
    }

    function test_ARevealIsThatOfOneRound() public {
        _audit(2, 0);
        enterAndTick(258);
        _alice.commit(258, 0);
        (bool committed, uint8 revealed, uint64 claimed) = pos.roundOf(address(_alice), 258);
        vm.assertTrue(committed && revealed == 0 && claimed == 0, "not revealed");
        enter(260);
        // The old round's reveal does not make the new one claimable.
        IProofOfService.Chunk memory chunk = _alice.chunkAt(258, 0);
        IProofOfService.Sample[] memory none;
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotClaimable.selector,
                address(_alice),
                258,
                0
            )
        );
        pos.claim(chunk, 260, none);
    }

    function test_AClaimIsThatOfOneRound() public {
        _audit(2, 0);
        enter(4);
        IProofOfService.Chunk memory old = _alice.chunkAt(2, 0);
        vm.assertGt(_alice.claim(2, 4), 0, "claimed");
        _audit(258, 0);
        enter(260);
        vm.assertGt(_alice.claim(258, 4), 0, "the old round's mark does not bar the new one");
        // The old round cannot be claimed from the new epoch's budget either.
        IProofOfService.Sample[] memory none;
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotClaimEpoch.selector, 2, 260));
        pos.claim(old, 4, none);
        old.epoch = 258;
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosCommitmentMismatch.selector,
                address(_alice),
                258
            )
        );
        pos.claim(old, 4, none);
    }

    function test_OldVerdictsDoNotSuspend() public {
        for (uint32 epoch = 2; epoch <= 9; ++epoch) {
            _audit(epoch, 0);
        }
        enter(267);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SettlementNotDown.selector, 1, 258));
        settlement.suspend(1, 265);
        vm.assertEq(settlement.settle(1, 9), 0, "nor do they pay");
    }

    function _audit(uint32 epoch, uint256 grade) private {
        enterAndTick(epoch);
        _alice.commit(epoch, grade);
        enter(epoch + 1);
        _alice.reveal(epoch);
    }

    function _assertNoVerdict(uint32 epoch) private view {
        (, bool quorate) = settlement.verdictOf(1, epoch);
        vm.assertFalse(quorate, "no verdict");
    }
}
