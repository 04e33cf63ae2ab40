// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {RoundKit} from "../support/RoundKit.sol";

contract ClaimTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerServices(4);
        _alice = newAuditor("alice", 15_000e18);
    }

    function test_AClaimCreditsTheOwnerWhoeverSendsIt() public {
        _revealAlone(2, 3);
        enterAndTick(4);
        (, , uint256 budget, ) = budgetOf(2);
        // Alone she has weight 7 in each of four lanes: the whole budget, rounded down.
        uint256 expected = (budget / (4 * 4 * 7)) * 4 * 4 * 7;
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 4);
        vm.expectEmit(address(pos));
        emit IProofOfService.Claimed(address(_alice), 2, 0, 4, expected);
        vm.prank(STRANGER);
        uint256 reward = pos.claim(chunk, 4, samples);

        vm.assertEq(reward, expected, "reward");
        vm.assertEq(pos.earnedOf(address(_alice)), expected, "credited to the owner");
        vm.assertEq(pos.earnedOf(STRANGER), 0, "not to the sender");
        vm.assertEq(token.balanceOf(address(_alice)), 0, "paid when it is collected");
        (, , , uint256 left) = budgetOf(2);
        vm.assertEq(left, budget - expected, "less is left");
        (, , uint64 claimed) = pos.roundOf(address(_alice), 2);
        vm.assertEq(claimed, 1, "noted");
    }

    function test_PayFollowsTheDistanceFromTheVerdict() public {
        AuditorActor bob = newAuditor("bob", 5_000e18);
        // Bob votes FAILED, POOR, GOOD and EXCELLENT on services 1 to 4; Alice's stake decides.
        uint256 word =
            RoundKit.vote(0, 0) | RoundKit.vote(1, 1) | RoundKit.vote(2, 2) | RoundKit.vote(3, 3);
        uint256[4] memory quarters = [uint256(1), 4 + 2, 2 + 4 + 2, 2 + 4];
        for (uint32 grade = 0; grade < 4; ++grade) {
            uint32 epoch = 2 + grade * 3;
            enterAndTick(epoch);
            _alice.commit(epoch, grade);
            bob.commitWords(epoch, _words(word), 512);
            enter(epoch + 1);
            _alice.reveal(epoch);
            bob.reveal(epoch);
            enterAndTick(epoch + 2);
            uint256 rate = _rate(epoch);
            vm.assertEq(
                bob.claim(epoch, epoch + 2),
                rate * quarters[grade] * bob.weightIn(epoch, 0),
                "by distance"
            );
            // If both are FAILED the pay is a quarter, because it needs no evidence.
            vm.assertEq(
                _alice.claim(epoch, epoch + 2),
                rate * (grade == 0 ? 4 : 16) * _alice.weightIn(epoch, 0),
                "with the verdict"
            );
        }
    }

    function test_WithoutAQuorumNothingIsPaid() public {
        // A large auditor that skips the epoch leaves Alice an expected weight of 7/4.
        newAuditor("whale", 45_000e18);
        _revealAlone(2, 3);
        enterAndTick(4);
        vm.assertLt(_alice.weightIn(2, 0), 3, "below the quorum");
        vm.assertEq(_alice.claim(2, 4), 0, "unpaid");
    }

    function test_PayIsBoundedByWhatIsLeft() public {
        AuditorActor[3] memory actors = [
            _alice,
            newAuditor("bob", 15_000e18),
            newAuditor("carol", 15_000e18)
        ];
        enterAndTick(2);
        for (uint256 i = 0; i < 3; ++i) {
            // A draw of 21, of which 15 count, is rare, so the stakes are mocked.
            (, , uint96 total) = staking.totalsAt(2);
            vm.mockCall(
                address(staking),
                abi.encodeCall(IStaking.auditorStakeAt, (address(actors[i]), 2)),
                abi.encode(total)
            );
            actors[i].commit(2, 3);
        }
        enter(3);
        for (uint256 i = 0; i < 3; ++i) {
            actors[i].reveal(2);
        }
        enterAndTick(4);
        (, , uint256 budget, ) = budgetOf(2);
        uint256 full = (budget / (4 * 4 * 15)) * 4 * 4 * 7;
        vm.assertEq(actors[0].claim(2, 4), full, "7 of 15");
        vm.assertEq(actors[1].claim(2, 4), full, "7 of 15");
        vm.assertEq(actors[2].claim(2, 4), budget - 2 * full, "what is left");
        (, , , uint256 left) = budgetOf(2);
        vm.assertEq(left, 0, "nothing more");
    }

    function test_ChunksAreClaimedInAnyOrder() public {
        registerServices(27);
        enterAndTick(2);
        _alice.commitWords(2, _alice.honestWords(2, 3), 1);
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
        for (uint16 i = 3; i > 0; --i) {
            vm.assertGt(_claim(2, i - 1, 4), 0, "paid");
        }
        (, uint8 revealed, uint64 claimed) = pos.roundOf(address(_alice), 2);
        vm.assertTrue(revealed == 3 && claimed == 7, "all three");
    }

    function test_TheLastEpochOfTheWindow() public {
        _revealAlone(2, 3);
        enterAndTick(4);
        enter(2 + 2 + 127);
        vm.assertGt(_claim(2, 0, 4), 0, "paid");
    }

    function test_RevertsWhen_OutsideTheWindow() public {
        _revealAlone(2, 0);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory none;
        _expectWindow(2, 3);
        pos.claim(chunk, 4, none);
        enter(2 + 2 + 128);
        _expectWindow(2, 132);
        pos.claim(chunk, 4, none);
    }

    function test_RevertsWhen_ClaimedTwice() public {
        _revealAlone(2, 0);
        enter(4);
        _claim(2, 0, 4);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory none;
        _expectNotClaimable(2, 0);
        pos.claim(chunk, 4, none);
    }

    function test_RevertsWhen_TheChunkWasNotRevealed() public {
        registerServices(12);
        enterAndTick(2);
        _alice.commitWords(2, _alice.honestWords(2, 0), 1);
        enter(3);
        pos.reveal(_alice.chunkAt(2, 0));
        enter(4);
        IProofOfService.Chunk memory second = _alice.chunkAt(2, 1);
        IProofOfService.Sample[] memory none;
        _expectNotClaimable(2, 1);
        pos.claim(second, 4, none);
        vm.assertGt(_claim(2, 0, 4), 0, "the revealed one is paid");
    }

    function test_RevertsWhen_NothingWasRevealed() public {
        enterAndTick(2);
        _alice.commit(2, 0);
        enter(4);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory none;
        _expectNotClaimable(2, 0);
        pos.claim(chunk, 4, none);
    }

    function test_RevertsWhen_TheChunkIsNotTheRevealedOne() public {
        _revealAlone(2, 0);
        enter(4);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory none;
        chunk.words[0] = RoundKit.word(0, 0xf, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosCommitmentMismatch.selector,
                address(_alice),
                2
            )
        );
        pos.claim(chunk, 4, none);
    }

    function test_RevertsWhen_TheEpochHasNoSeed() public {
        _revealAlone(2, 0);
        enter(6);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory none;
        chunk.epoch = 3;
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 3));
        pos.claim(chunk, 6, none);
    }

    function test_RevertsWhen_ThatRoundsEntryBelongsToAnotherEpoch() public {
        _revealAlone(2, 0);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        enterAndTick(258);
        _alice.commit(258, 0);
        enter(259);
        _alice.reveal(258);
        enter(260);
        // Neither the old commitment nor its bitmap can serve the new epoch.
        chunk.epoch = 258;
        IProofOfService.Sample[] memory none;
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosCommitmentMismatch.selector,
                address(_alice),
                258
            )
        );
        pos.claim(chunk, 260, none);
        vm.assertGt(_claim(258, 0, 260), 0, "its own is paid");
    }

    function _revealAlone(uint32 epoch, uint256 grade) private {
        enterAndTick(epoch);
        _alice.commit(epoch, grade);
        enter(epoch + 1);
        _alice.reveal(epoch);
    }

    function _claim(uint32 epoch, uint16 index, uint32 sampleEpoch) private returns (uint256) {
        return
            pos.claim(
                _alice.chunkAt(epoch, index),
                sampleEpoch,
                _alice.samplesAt(epoch, index, sampleEpoch)
            );
    }

    /// @dev Pay of a quarter vote: the budget divided by four services and the counted weight, at least 7.
    function _rate(uint32 epoch) private view returns (uint256) {
        (, , uint256 budget, ) = budgetOf(epoch);
        uint256 counted = (tallyOf(0, epoch) >> 240) & 0xf;
        return budget / (4 * 4 * (counted < 7 ? 7 : counted));
    }

    function _words(uint256 word) private pure returns (uint256[] memory words) {
        words = new uint256[](1);
        words[0] = word;
    }

    function _expectWindow(uint32 epoch, uint32 current) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotClaimEpoch.selector, epoch, current)
        );
    }

    function _expectNotClaimable(uint32 epoch, uint16 index) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotClaimable.selector,
                address(_alice),
                epoch,
                index
            )
        );
    }
}
