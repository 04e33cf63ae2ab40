// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Evidence, Forgery, Round, RoundKit} from "../support/RoundKit.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Attacks with votes: more weight than counts, more pay than the budget, a manipulated verdict or sample.
contract AttackTallyTest is Deployment {
    using SystemLib for System;

    /// @dev Sixteen auditors with a weight of 1 each; the stakes are mocked, because such a draw is rare.
    function test_TheSixteenthReportCountsNothingAndOverrunsNothing() public {
        registerServices(15);
        AuditorActor[] memory actors = _crowd(16);
        enterAndTick(2);
        enterAndTick(3);
        for (uint256 i = 0; i < 16; ++i) {
            _giveWeight(actors[i], 3, 1);
            actors[i].commit(3, i < 15 ? 3 : 0);
        }
        enterAndTick(4);
        for (uint256 i = 0; i < 15; ++i) {
            actors[i].reveal(3);
        }
        uint256 full = (15 << 240) | (RoundKit.word(0, 0x7fff, 3) * 15) | _tag(3);
        vm.assertEq(tallyOf(0, 3), full, "fifteen");
        actors[15].reveal(3);
        vm.assertEq(tallyOf(0, 3), full, "the sixteenth adds nothing, and does not revert");

        enterAndTick(5);
        (, , uint256 budget, ) = budgetOf(3);
        uint256 paid;
        for (uint256 i = 0; i < 16; ++i) {
            paid += actors[i].claim(3, 5);
        }
        vm.assertEq(paid, (budget / (4 * 15 * 15)) * 4 * 15 * 15, "the budget, rounded down");
    }

    /// @dev Three auditors with weight 7 claim 21 fifteenths of a shard.
    function test_WeightBeyondFifteenIsPaidOutOfItsOwnEpochOnly() public {
        registerServices(4);
        AuditorActor[] memory actors = _crowd(3);
        enterAndTick(2);
        enterAndTick(3);
        for (uint256 i = 0; i < 3; ++i) {
            _giveWeight(actors[i], 3, 7);
            actors[i].commit(3, 3);
        }
        enterAndTick(4);
        for (uint256 i = 0; i < 3; ++i) {
            actors[i].reveal(3);
        }
        enterAndTick(5);
        (, , uint256 budget, ) = budgetOf(3);
        (, uint256 providers, , ) = budgetOf(3);
        uint256 reserved = setAside();
        uint256 paid;
        for (uint256 i = 0; i < 3; ++i) {
            paid += actors[i].claim(3, 5);
        }
        vm.assertEq(paid, budget, "all of the epoch's budget and no more");
        vm.assertEq(setAside(), reserved, "credited, not paid yet");
        for (uint256 i = 0; i < 3; ++i) {
            pos.collect(address(actors[i]));
        }
        vm.assertEq(reserved - setAside(), budget, "nothing of what others hold");
        (, uint256 left, , ) = budgetOf(3);
        vm.assertEq(left, providers, "nor of the providers' part");
        (, , uint256 other, uint256 otherLeft) = budgetOf(2);
        vm.assertEq(otherLeft, other, "nor of another epoch");
    }

    /// @dev FAILED needs no evidence, so an auditor can vote FAILED on all services without work.
    function test_WhoCriesFailedEarnsAQuarterAtMost() public {
        registerServices(15);
        AuditorActor mallory = newAuditor("mallory", 15_000e18);
        AuditorActor alice = newAuditor("alice", 30_000e18);
        uint256[2] memory earned;
        for (uint32 i = 0; i < 2; ++i) {
            uint32 epoch = 2 + 3 * i;
            enterAndTick(epoch);
            mallory.commit(epoch, 0);
            // First the services are up, and then they are down.
            alice.commit(epoch, i == 0 ? 3 : 0);
            enter(epoch + 1);
            mallory.reveal(epoch);
            alice.reveal(epoch);
            enterAndTick(epoch + 2);
            earned[i] = mallory.claim(epoch, epoch + 2);
            (, , uint256 budget, ) = budgetOf(epoch);
            vm.assertLe(
                earned[i],
                (budget * mallory.weightIn(epoch, 0)) / (4 * 7),
                "a quarter of its share"
            );
        }
        vm.assertEq(earned[0], 0, "nothing against the others");
        vm.assertGt(earned[1], 0, "something where it was true");
    }

    function test_AVoteCostsNobodyStake() public {
        registerServices(2);
        AuditorActor mallory = newAuditor("mallory", 30_000e18);
        AuditorActor alice = newAuditor("alice", 15_000e18);
        // Mallory has the majority and votes FAILED on all services, for long enough to suspend.
        for (uint32 epoch = 2; epoch <= 9; ++epoch) {
            enterAndTick(epoch);
            mallory.commit(epoch, 0);
            alice.commit(epoch, 3);
            enter(epoch + 1);
            mallory.reveal(epoch);
            alice.reveal(epoch);
        }
        enter(11);
        for (uint64 number = 1; number <= 2; ++number) {
            // A majority can suspend them; their owners reinstate them.
            settlement.suspend(number, 9);
            vm.assertEq(serviceStakeAt(number, 12), 1_000e18, "no stake moves");
        }
        (uint96 stake, ) = staking.auditorStake(address(alice));
        vm.assertEq(stake, 15_000e18, "nor the minority's");
        vm.assertEq(token.balanceOf(address(staking)), 47_000e18, "not a wei");
    }

    /// @dev She votes EXCELLENT on a service that she never contacted, and tries to steer her samples to ten of her
    /// own services, registered without stake, which sign any receipt.
    function test_SamplesAreNotDilutedByOnesOwnIdleServices() public {
        registerService();
        for (uint256 i = 0; i < 10; ++i) {
            system().register(STRANGER, 0);
        }
        AuditorActor mallory = newAuditor("mallory", 5_000e18);
        enterAndTick(2);
        uint256[] memory words = new uint256[](1);
        words[0] = RoundKit.word(0, 0x7ff, 3);
        Round memory round = mallory.buildChunks(2, words, 512);
        Evidence[] memory own = new Evidence[](10);
        for (uint256 i = 0; i < 10; ++i) {
            own[i] = round.evidence[i + 1];
        }
        mallory.commitRound(2, RoundKit.withEvidence(round, own));
        enter(3);
        IProofOfService.Chunk memory chunk = mallory.chunkAt(2, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosInactiveLane.selector,
                0,
                RoundKit.word(0, 0x7fe, 3)
            )
        );
        pos.reveal(chunk);
        enter(4);
        vm.assertGt(pos.report(address(mallory), 2), 0, "and she cannot leave it at that");
    }

    /// @dev The same with her retired services, which keep their keys but do not count.
    function test_VotesOnRetiredServicesAreRefused() public {
        registerServices(2);
        AuditorActor mallory = newAuditor("mallory", 5_000e18);
        enter(1);
        vm.prank(PROVIDER);
        registry.retire(2);
        vm.assertTrue(registry.keyAt(2, 3) != address(0), "its key could sign");
        enterAndTick(3);
        uint256[] memory words = new uint256[](1);
        words[0] = RoundKit.word(0, 3, 3);
        mallory.commitWords(3, words, 512);
        enter(4);
        IProofOfService.Chunk memory chunk = mallory.chunkAt(3, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosInactiveLane.selector, 0, RoundKit.vote(1, 3))
        );
        pos.reveal(chunk);
    }

    /// @dev A later chunk over the same shard would count its votes twice.
    function test_TwoChunksDoNotCountAShardTwice() public {
        registerService();
        AuditorActor mallory = newAuditor("mallory", 5_000e18);
        enterAndTick(2);
        uint256[] memory words = new uint256[](2);
        words[0] = words[1] = RoundKit.word(0, 1, 3);
        Forgery memory honest;
        Round memory round = RoundKit.build(
            system(),
            address(mallory),
            2,
            mallory.secret(2),
            RoundKit.chunks(words, 1),
            honest
        );
        mallory.commitRound(2, round);
        enter(3);
        pos.reveal(round.chunks[0]);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosShardOrder.selector, 0, 1));
        pos.reveal(round.chunks[1]);
        vm.assertEq(tallyOf(0, 2) >> 240, 7, "once");
    }

    function _crowd(uint256 count) private returns (AuditorActor[] memory actors) {
        actors = new AuditorActor[](count);
        for (uint256 i = 0; i < count; ++i) {
            actors[i] = newAuditor(string.concat("auditor", vm.toString(i)), 5_000e18);
        }
    }

    function _giveWeight(AuditorActor actor, uint32 epoch, uint96 weight) private {
        (, , uint96 total) = staking.totalsAt(epoch);
        vm.mockCall(
            address(staking),
            abi.encodeCall(IStaking.auditorStakeAt, (address(actor), epoch)),
            abi.encode((total * weight) / 7)
        );
    }

    function _tag(uint32 epoch) private pure returns (uint256) {
        return uint256((epoch / 256) & 0xfff) << 244;
    }
}
