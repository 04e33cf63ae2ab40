// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Round, RoundKit} from "../support/RoundKit.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Attempts of an auditor to be drawn more often, or in chosen shards.
contract AttackSortitionTest is Deployment {
    using SystemLib for System;

    uint256 private constant SEEDS = 4_000;
    address private constant MALLORY = address(0x3a11);
    address private constant OPERATOR = address(0x09e4);

    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = newAuditor("alice", 5_000e18);
    }

    /// @dev Splitting a stake with an expectation above 1 gains nothing: the sum of the parts, compared with the
    /// whole.
    function test_SplittingALargeStakeGivesNoMoreWeight() public pure {
        uint256[3] memory percents = [uint256(15), 33, 60];
        uint256[3] memory parts = [uint256(2), 7, 40];
        uint256 total = 1_000_000e18;
        for (uint256 i = 0; i < 3; ++i) {
            uint256 stake = (total * percents[i]) / 100;
            uint256 whole = SortitionLib.expectedWeight(stake, total);
            vm.assertGt(whole, 1 << 64, "more than a vote in each shard");
            for (uint256 j = 0; j < 3; ++j) {
                uint256 part = SortitionLib.expectedWeight(stake / parts[j], total);
                vm.assertLe(part * parts[j], whole, "the expectation of the parts");
                uint256 drawnWhole = _drawn(1, whole);
                uint256 drawnParts = _drawn(parts[j], part);
                // 4,000 draws: within 5% of the exact mean, 7 times the share, either way.
                uint256 mean = (SEEDS * 7 * percents[i]) / 100;
                vm.assertLe(drawnWhole, (mean * 105) / 100, "whole");
                vm.assertGe(drawnWhole, (mean * 95) / 100, "whole");
                vm.assertLe(drawnParts, (mean * 105) / 100, "in parts");
                vm.assertGe(drawnParts, (mean * 95) / 100, "in parts");
            }
        }
    }

    /// @dev In the contracts: one auditor with 20,000 against four with 5,000 each, over many shards.
    function test_FourIdentitiesDrawWhatOneDoes() public {
        AuditorActor whole = newAuditor("whole", 20_000e18);
        AuditorActor[4] memory parts;
        for (uint256 i = 0; i < 4; ++i) {
            parts[i] = newAuditor(string.concat("part", vm.toString(i)), 5_000e18);
        }
        enterAndTick(2);
        uint256 one;
        uint256 four;
        for (uint256 shard = 0; shard < 60; ++shard) {
            one += whole.weightIn(2, shard);
            for (uint256 i = 0; i < 4; ++i) {
                four += parts[i].weightIn(2, shard);
            }
        }
        // Each expects 7 * 20/45 of a shard: 186.7 in sixty.
        vm.assertTrue(one > 170 && one < 204, "one");
        vm.assertTrue(four > 170 && four < 204, "four");
    }

    /// @dev Mallory registers Alice's tip as her own, to vote with the secret that Alice reveals.
    function test_ACopiedTipComesTooLate() public {
        bytes32 tip = _alice.lastTip();
        _enrolMallory(tip);
        enterAndTick(2);
        _alice.commit(2, 3);
        bytes32 guess = keccak256("she does not know the secret yet");
        vm.prank(OPERATOR);
        pos.commit(MALLORY, 2, guess);
        enterAndTick(3);
        _alice.reveal(2);
        // Now she knows the secret, but it is too late to commit.
        Round memory round = _roundOf(MALLORY, 2, _alice.secret(2));
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotCommitEpoch.selector, 2, 3));
        vm.prank(OPERATOR);
        pos.commit(MALLORY, 2, round.commitment);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosCommitmentMismatch.selector, MALLORY, 2)
        );
        pos.reveal(round.chunks[0]);
    }

    /// @dev One person runs both: the draws are independent, and each has only the weight of its own stake.
    function test_SeveralIdentitiesOnOneTipAreNoMoreThanTheirStake() public {
        _enrolMallory(_alice.lastTip());
        enterAndTick(2);
        bytes32 secret = _alice.secret(2);
        bytes32 y = RoundKit.drawKey(system(), MALLORY, 2, secret);
        vm.assertTrue(y != RoundKit.drawKey(system(), address(_alice), 2, secret), "own draws");
        Round memory round = _roundOf(MALLORY, 2, secret);
        vm.prank(OPERATOR);
        pos.commit(MALLORY, 2, round.commitment);
        _alice.commit(2, 3);
        enter(3);
        _alice.reveal(2);
        pos.reveal(round.chunks[0]);
        uint256 expected = SortitionLib.expectedWeight(5_000e18, 10_000e18);
        uint256 weight = SortitionLib.weight(y, 0, expected) + _alice.weightIn(2, 0);
        vm.assertEq(tallyOf(0, 2) >> 240, weight, "half of the stake each");
    }

    /// @dev The seed is known and the draw is bad: a new tip, another stake and waiting do not help.
    function test_NoSecondDrawForAnEpochThatHasItsSeed() public {
        newAuditor("whale", 50_000e18);
        enterAndTick(4);
        bytes32 draw = _drawsOf(4);
        _alice.enrol();
        vm.assertEq(_drawsOf(4), draw, "a new tip");
        _alice.stake(50_000e18);
        vm.assertEq(_drawsOf(4), draw, "more stake");
        _alice.unstake(55_000e18);
        vm.assertEq(_drawsOf(4), draw, "none");

        // The contract agrees: the new chain, usable from 6 on, does not open epoch 4.
        uint256 snapshot = vm.snapshotState();
        Round memory round = _alice.build(4, 3, _alice.secret(6));
        _alice.commitRound(4, round);
        enter(5);
        _expectWrongSecret(4);
        pos.reveal(round.chunks[0]);
        vm.revertToState(snapshot);
        _alice.commit(4, 3);
        enter(5);
        _alice.reveal(4);
    }

    /// @dev Skipping epochs does not give a better element, because each element belongs to its epoch.
    function test_WaitingGivesNoOtherElement() public {
        uint256 snapshot = vm.snapshotState();
        for (uint32 epoch = 2; epoch < 6; ++epoch) {
            enterAndTick(epoch);
            _alice.commit(epoch, 3);
            enter(epoch + 1);
            _alice.reveal(epoch);
        }
        bytes32 shown = _elementAfter(6);
        vm.revertToState(snapshot);
        snapshot = vm.snapshotState();
        vm.assertEq(_elementAfter(6), shown, "who kept silent shows the same");
        vm.revertToState(snapshot);
        // Only this element opens the epoch.
        for (uint32 other = 4; other <= 8; ++other) {
            if (other == 6) continue;
            snapshot = vm.snapshotState();
            enterAndTick(6);
            Round memory round = _alice.build(6, 3, _alice.secret(other));
            _alice.commitRound(6, round);
            enter(7);
            _expectWrongSecret(6);
            pos.reveal(round.chunks[0]);
            vm.revertToState(snapshot);
        }
    }

    function _expectWrongSecret(uint32 epoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosSecretMismatch.selector,
                address(_alice),
                epoch
            )
        );
    }

    function _elementAfter(uint32 epoch) private returns (bytes32 element) {
        enterAndTick(epoch);
        _alice.commit(epoch, 3);
        enter(epoch + 1);
        _alice.reveal(epoch);
        (, element, , , ) = pos.auditorOf(address(_alice));
    }

    /// @dev The draw of an epoch: the weight in each of 40 shards.
    function _drawsOf(uint32 epoch) private view returns (bytes32 draws) {
        for (uint256 shard = 0; shard < 40; ++shard) {
            draws = keccak256(abi.encode(draws, _alice.weightIn(epoch, shard)));
        }
    }

    function _drawn(uint256 identities, uint256 expected) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < SEEDS; ++i) {
            for (uint256 who = 0; who < identities; ++who) {
                bytes32 y = Hashes.efficientKeccak256(bytes32(i), bytes32(who));
                sum += SortitionLib.weight(y, 0, expected);
            }
        }
    }

    function _enrolMallory(bytes32 tip) private {
        system().fund(MALLORY, 5_000e18);
        vm.startPrank(MALLORY);
        token.approve(address(staking), 5_000e18);
        staking.stakeAuditor(5_000e18);
        pos.enrol(tip, OPERATOR);
        vm.stopPrank();
    }

    function _roundOf(
        address auditor,
        uint32 epoch,
        bytes32 secret
    ) private view returns (Round memory round) {
        round = _alice.build(epoch, 3, secret);
        for (uint256 i = 0; i < round.chunks.length; ++i) {
            round.chunks[i].auditor = auditor;
        }
        return RoundKit.withEvidence(round, round.evidence);
    }
}
