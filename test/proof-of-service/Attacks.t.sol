// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceSlots} from "../../contracts/registry/IServiceSlots.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Forgery, Round, RoundKit} from "../support/RoundKit.sol";

/// @dev Settles again while it receives a service.
contract GreedyReceiver is IERC721Receiver {
    ISettlement private immutable SETTLEMENT;
    uint256 public gained;

    constructor(ISettlement settlement) {
        SETTLEMENT = settlement;
    }

    function onERC721Received(
        address,
        address,
        uint256 number,
        bytes calldata
    ) external returns (bytes4) {
        gained = SETTLEMENT.settle(uint64(number), 2) + SETTLEMENT.settle(uint64(number), 2);
        return this.onERC721Received.selector;
    }
}

/// @notice Attacks. README.md in this folder lists all attacks and their tests.
contract AttacksTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = newAuditor("alice", 5_000e18);
    }

    function test_NobodySettlesAnEpochAwayBeforeItsSeedCame() public {
        _audit(2);
        // Epoch 3 is over and has no seed yet. If it were settled now, the service would lose the pay that the
        // verdict of epoch 2 gives it once the seed is recorded.
        enter(5);
        vm.prank(STRANGER);
        settlement.settle(1, 3);
        vm.assertEq(settlement.settledThrough(1), 2, "the pointer stays at the newest seed");

        tick(3);
        (uint256 budget, , , ) = budgetOf(3);
        vm.assertEq(settlement.settle(1, 3), budget, "paid after all");
    }

    function test_ACallbackDuringATransferIsPaidOnce() public {
        _audit(2);
        enter(4);
        GreedyReceiver greedy = new GreedyReceiver(settlement);
        vm.prank(PROVIDER);
        registry.safeTransferFrom(PROVIDER, address(greedy), 1);

        (uint256 budget, , , ) = budgetOf(2);
        vm.assertEq(greedy.gained(), budget, "once");
        vm.assertEq(token.balanceOf(address(greedy)), budget, "to the new owner");
    }

    function test_AReceiptFromTheEndOfTimeIsRefusedByName() public {
        enterAndTick(2);
        Forgery memory forgery;
        forgery.issuedAt = type(uint64).max;
        _alice.commitForged(2, _alice.honestWords(2, 3), 512, forgery);
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 4);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosReceiptTime.selector, 1, type(uint64).max)
        );
        pos.claim(chunk, 4, samples);
    }

    function test_AVictimsRoundSentByAnotherChangesNothingForIt() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        vm.prank(STRANGER);
        pos.reveal(chunk);
        enterAndTick(4);
        // A stranger who cannot open the samples cannot spoil the claim either.
        IProofOfService.Sample[] memory none;
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosSampleCount.selector, 0, 2));
        vm.prank(STRANGER);
        pos.claim(chunk, 4, none);
        vm.assertGt(_alice.claim(2, 4), 0, "paid");
    }

    function test_AStolenCommitmentOpensForNobodyElse() public {
        AuditorActor mallory = newAuditor("mallory", 5_000e18);
        address operator = mallory.OPERATOR();
        enterAndTick(2);
        Round memory round = _alice.buildChunks(2, _alice.honestWords(2, 3), 512);
        // Mallory copies Alice's transaction and is faster.
        vm.prank(operator);
        pos.commit(address(mallory), 2, round.commitment);
        _alice.commitRound(2, round);
        enter(3);
        _alice.reveal(2);
        round.chunks[0].auditor = address(mallory);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosCommitmentMismatch.selector,
                address(mallory),
                2
            )
        );
        pos.reveal(round.chunks[0]);
    }

    function test_StakeThatLeavesBeforeTheEpochHasNoVote() public {
        AuditorActor mallory = newAuditor("mallory", 50_000e18);
        enterAndTick(2);
        mallory.unstake(50_000e18);
        enterAndTick(4);
        (uint96 stake, uint96 total) = auditorStakeAt(address(mallory), 4);
        vm.assertEq(stake, 0, "none");
        vm.assertEq(total, 5_000e18, "and none in the total");
        vm.assertEq(_alice.weightIn(4, 0), 7, "the others take its place");
    }

    function test_TheFirstEpochsPayNobody() public {
        enterAndTick(1);
        address operator = _alice.OPERATOR();
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotEnrolled.selector, address(_alice), 1)
        );
        vm.prank(operator);
        pos.commit(address(_alice), 1, keccak256("too early"));
        enterAndTick(2);
        enter(3);
        vm.assertEq(settlement.settle(1, 0), 0, "epoch 0");
        vm.assertEq(settlement.settle(1, 1), 0, "epoch 1");
    }

    function test_AShardBeyondTheTableIsNoWayIn() public {
        // The last word is in range, the one before it is not.
        enterAndTick(2);
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (RoundKit.word(9, 1, 3), RoundKit.word(0, 1, 3));
        IProofOfService.Chunk[] memory list = RoundKit.chunks(new uint256[](0), 512);
        list[0].base = type(uint32).max - 1;
        list[0].words = words;
        Forgery memory forgery;
        forgery.omit = true;
        Round memory round = RoundKit.build(
            system(),
            address(_alice),
            2,
            _alice.secret(2),
            list,
            forgery
        );
        _alice.commitRound(2, round);
        enter(3);
        uint256 shards = type(uint32).max;
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosShardRange.selector, shards + 8, shards)
        );
        pos.reveal(round.chunks[0]);
    }

    function test_NumbersAtTheEndsOfTheirTypesAreRefusedByName() public {
        enterAndTick(4);
        IProofOfService.Chunk memory chunk;
        chunk.epoch = type(uint32).max;
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotRevealEpoch.selector, chunk.epoch, 4)
        );
        pos.reveal(chunk);
        IProofOfService.Sample[] memory none;
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotClaimEpoch.selector, chunk.epoch, 4)
        );
        pos.claim(chunk, 4, none);
        uint256 shards = type(uint32).max;
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosShardRange.selector, shards, shards)
        );
        pos.tallyOf(shards, 4);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceSlots.RegistryShardRange.selector, shards, shards)
        );
        registry.activeLanes(shards, 4);
        uint64 beyond = type(uint64).max;
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.SettlementUnknownService.selector, beyond)
        );
        settlement.settle(beyond, 2);
        uint96 amount = type(uint96).max;
        vm.expectRevert(
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector,
                96,
                uint256(amount) + 5_000e18
            )
        );
        vm.prank(address(_alice));
        staking.stakeAuditor(amount);
    }

    function test_TheLargestChunkFitsATransaction() public {
        uint256 lanes = _slotOfLanes();
        uint256[] memory words = new uint256[](512);
        for (uint256 i = 0; i < 512; ++i) {
            words[i] = RoundKit.word(i, 0x7fff, 3);
            // As if 7,680 services were registered: every lane active since epoch 2.
            vm.store(address(registry), bytes32(lanes + i), bytes32(uint256((2 << 60) | 0x7fff)));
        }
        enterAndTick(2);
        Forgery memory forgery;
        forgery.omit = true;
        _alice.commitForged(2, words, 512, forgery);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        uint256 before = gasleft();
        pos.reveal(chunk);
        // 16.7 million (EIP-7825), less the transaction's own cost for 18 KiB of calldata.
        vm.assertLt(before - gasleft(), 16_000_000, "gas");
    }

    /// @dev Slot of shard 0's activity: one service, active since epoch 2.
    function _slotOfLanes() private view returns (uint256 slot) {
        while (uint256(vm.load(address(registry), bytes32(slot))) != ((2 << 60) | 1)) ++slot;
    }

    function _audit(uint32 epoch) private {
        enterAndTick(epoch);
        _alice.commit(epoch, 3);
        enter(epoch + 1);
        _alice.reveal(epoch);
    }
}
