// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {RoundKit} from "../support/RoundKit.sol";

contract RevealTest is Deployment {
    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerServices(17);
        // Alone she has weight 7 in every shard.
        _alice = newAuditor("alice", 5_000e18);
        enterAndTick(2);
    }

    function test_ARevealAddsWeightedVotes() public {
        _alice.commit(2, 3);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        vm.expectEmit(address(pos));
        emit IProofOfService.Revealed(address(_alice), 2, 0, 17);
        // Anyone may send it, because it names its auditor.
        vm.prank(STRANGER);
        pos.reveal(chunk);

        uint256 excellent = RoundKit.word(0, 0x7fff, 3) * 7;
        vm.assertEq(tallyOf(0, 2), (7 << 240) | excellent, "tally: weight 7, 7 votes a lane");
        vm.assertEq(tallyOf(1, 2), (7 << 240) | (RoundKit.word(0, 3, 3) * 7), "two lanes");
        (bool committed, uint8 revealed, ) = pos.roundOf(address(_alice), 2);
        vm.assertTrue(committed && revealed == 1, "one chunk");
        (uint8 grade, bool quorate) = settlement.verdictOf(17, 2);
        vm.assertTrue(quorate && grade == 3, "verdict");
    }

    function test_AnEmptyRoundKeepsTheChainMoving() public {
        _alice.commitWords(2, new uint256[](0), 512);
        enter(3);
        vm.expectEmit(address(pos));
        emit IProofOfService.Revealed(address(_alice), 2, 0, 0);
        _alice.reveal(2);
    }

    function test_AFullShardTakesNoMoreWeightAndNobodyReverts() public {
        AuditorActor[4] memory actors = [
            _alice,
            newAuditor("bob", 5_000e18),
            newAuditor("carol", 5_000e18),
            newAuditor("dave", 5_000e18)
        ];
        enterAndTick(4);
        for (uint256 i = 0; i < 4; ++i) {
            _giveWeightSeven(actors[i], 4);
            actors[i].commit(4, i < 2 ? 3 : 0);
        }
        enter(5);
        for (uint256 i = 0; i < 3; ++i) {
            actors[i].reveal(4);
        }
        uint256 full =
            (15 << 240) | (RoundKit.word(0, 0x7fff, 3) * 14) | RoundKit.word(0, 0x7fff, 0);
        vm.assertEq(tallyOf(0, 4), full, "one of carol's seven fits");
        actors[3].reveal(4);
        vm.assertEq(tallyOf(0, 4), full, "nothing of dave's");
    }

    function test_ChunksRevealOneByOne() public {
        _alice.commitWords(2, _alice.honestWords(2, 3), 1);
        enter(3);
        IProofOfService.Chunk memory second = _alice.chunkAt(2, 1);
        _expectOutOfOrder(1, 0);
        pos.reveal(second);

        pos.reveal(_alice.chunkAt(2, 0));
        vm.assertEq(tallyOf(1, 2), 0, "the second waits");
        IProofOfService.Chunk memory first = _alice.chunkAt(2, 0);
        _expectOutOfOrder(0, 1);
        pos.reveal(first);

        pos.reveal(second);
        vm.assertEq(second.base, 1, "a base of its own");
        vm.assertEq(tallyOf(1, 2) >> 240, 7, "counted");
        _expectOutOfOrder(1, 2);
        pos.reveal(second);
    }

    function test_RevertsWhen_NotInTheEpochAfter() public {
        _alice.commit(2, 3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        _expectEpoch(2, 2);
        pos.reveal(chunk);
        enter(4);
        _expectEpoch(2, 4);
        pos.reveal(chunk);
    }

    function test_RevertsWhen_TheEpochHasNoSeed() public {
        enter(3);
        _alice.commitWords(3, new uint256[](0), 512);
        enter(4);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(3, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 3));
        pos.reveal(chunk);
        // Epoch 0 never has one.
        chunk.epoch = 0;
        enter(1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 0));
        pos.reveal(chunk);
    }

    function test_RevertsWhen_TheChunkIsNotTheCommittedOne() public {
        _alice.commit(2, 3);
        enter(3);
        for (uint256 field = 0; field < 7; ++field) {
            IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
            if (field == 0) chunk.words[0] ^= 1;
            if (field == 1) chunk.base = 1;
            if (field == 2) chunk.count = 2;
            if (field == 3) chunk.evidenceRoot = keccak256("other");
            if (field == 4) chunk.secret = keccak256("other");
            if (field == 5) chunk.hashes = new bytes32[](1);
            if (field == 6) chunk.hashes = new bytes32[](0);
            _expectMismatch(address(_alice), 2);
            pos.reveal(chunk);
        }
    }

    function test_RevertsWhen_AnotherAuditorTakesTheRoundAsItsOwn() public {
        AuditorActor bob = newAuditor("bob", 5_000e18);
        enterAndTick(4);
        _alice.commit(4, 3);
        bytes32 seen = _alice.roundAt(4).commitment;
        address operator = bob.OPERATOR();
        vm.prank(operator);
        pos.commit(address(bob), 4, seen);
        enter(5);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(4, 0);
        chunk.auditor = address(bob);
        _expectMismatch(address(bob), 4);
        pos.reveal(chunk);
    }

    function test_RevertsWhen_ChunkIndexOrCountIsOutOfRange() public {
        _alice.commit(2, 3);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        chunk.index = 1;
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosChunkRange.selector, 1, 1));
        pos.reveal(chunk);
        chunk.count = 129;
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosChunkRange.selector, 1, 129));
        pos.reveal(chunk);
    }

    function test_RevertsWhen_AChunkHoldsTooManyWords() public {
        _alice.commit(2, 3);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        chunk.words = new uint256[](513);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosChunkTooLarge.selector, 513, 512)
        );
        pos.reveal(chunk);
    }

    function test_RevertsWhen_AShardCannotExist() public {
        _alice.commit(2, 3);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        chunk.base = type(uint32).max;
        chunk.words = _words(RoundKit.word(2, 1, 3));
        _expectShardRange(uint256(type(uint32).max) + 2);
        pos.reveal(chunk);
        chunk.words = new uint256[](0);
        _expectShardRange(type(uint32).max);
        pos.reveal(chunk);
    }

    function test_RevertsWhen_AVoteIsOnAnInactiveLane() public {
        // Services 18 and 19 do not exist; 17 loses its stake now, which counts only from epoch 3 on.
        vm.prank(PROVIDER);
        staking.unstakeService(17, 1e18);
        _alice.commitWords(2, _words(RoundKit.word(1, 0xf, 2)), 512);
        enter(3);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosInactiveLane.selector,
                1,
                RoundKit.word(0, 0xc, 2)
            )
        );
        pos.reveal(chunk);
        vm.assertEq(tallyOf(1, 2), 0, "nothing of it counts");

        enterAndTick(4);
        _alice.commitWords(4, _words(RoundKit.word(1, 3, 2)), 512);
        enter(5);
        chunk = _alice.chunkAt(4, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosInactiveLane.selector, 1, RoundKit.vote(1, 2))
        );
        pos.reveal(chunk);
    }

    function test_RevertsWhen_ShardsDoNotRise() public {
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (RoundKit.word(1, 1, 3), RoundKit.word(1, 2, 3));
        _commitAndExpect(2, words, 512, IProofOfService.PosShardOrder.selector, 1, 2);

        // Also not between chunks, because the last shard is stored.
        enterAndTick(4);
        _alice.commitWords(4, words, 1);
        enter(5);
        pos.reveal(_alice.chunkAt(4, 0));
        IProofOfService.Chunk memory second = _alice.chunkAt(4, 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosShardOrder.selector, 1, 2));
        pos.reveal(second);
    }

    function test_RevertsWhen_AWordIsMalformed() public {
        uint256 twoVotes = RoundKit.vote(3, 1) | RoundKit.vote(3, 2);
        _commitAndExpectWord(2, twoVotes);
        uint256 heavyVote = RoundKit.vote(3, 1) << 1;
        _commitAndExpectWord(4, heavyVote);
    }

    function test_RevertsWhen_TheShardIsNotDrawn() public {
        // Bob's expected weight is 7/16 in a shard, so he misses about half of them.
        newAuditor("whale", 70_000e18);
        AuditorActor bob = newAuditor("bob", 5_000e18);
        enterAndTick(4);
        uint256 missed = 0;
        while (bob.weightIn(4, missed) != 0) ++missed;
        bob.commitWords(4, _words(RoundKit.word(missed, 1, 3)), 512);
        enter(5);
        IProofOfService.Chunk memory chunk = bob.chunkAt(4, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotDrawn.selector, missed));
        pos.reveal(chunk);
    }

    function test_RevertsWhen_TheStakeDoesNotCountInTheEpoch() public {
        newAuditor("bob", 5_000e18);
        _alice.unstake(5_000e18);
        enterAndTick(4);
        _alice.commitWords(4, _words(RoundKit.word(0, 1, 3)), 512);
        enter(5);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(4, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotDrawn.selector, 0));
        pos.reveal(chunk);
    }

    function _words(uint256 word) private pure returns (uint256[] memory words) {
        words = new uint256[](1);
        words[0] = word;
    }

    /// @dev Two auditors rarely draw 15 together, so the stakes are mocked.
    function _giveWeightSeven(AuditorActor actor, uint32 epoch) private {
        (, , uint96 total) = staking.totalsAt(epoch);
        vm.mockCall(
            address(staking),
            abi.encodeCall(IStaking.auditorStakeAt, (address(actor), epoch)),
            abi.encode(total)
        );
    }

    function _commitAndExpect(
        uint32 epoch,
        uint256[] memory words,
        uint256 perChunk,
        bytes4 selector,
        uint256 a,
        uint256 b
    ) private {
        enterAndTick(epoch);
        _alice.commitWords(epoch, words, perChunk);
        enter(epoch + 1);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(selector, a, b));
        pos.reveal(chunk);
    }

    function _commitAndExpectWord(uint32 epoch, uint256 word) private {
        enterAndTick(epoch);
        _alice.commitWords(epoch, _words(word), 512);
        enter(epoch + 1);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosMalformedWord.selector, word));
        pos.reveal(chunk);
    }

    function _expectEpoch(uint32 epoch, uint32 current) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotRevealEpoch.selector, epoch, current)
        );
    }

    function _expectMismatch(address auditor, uint32 epoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosCommitmentMismatch.selector, auditor, epoch)
        );
    }

    function _expectOutOfOrder(uint16 index, uint16 next) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosChunkOutOfOrder.selector, index, next)
        );
    }

    function _expectShardRange(uint256 shard) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosShardRange.selector, shard, type(uint32).max)
        );
    }
}
