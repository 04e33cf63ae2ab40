// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChainHead, ChainHeadLib} from "../../contracts/libraries/ChainHead.sol";
import {EpochTagLib} from "../../contracts/libraries/Epochs.sol";
import {RoundState, RoundStateLib} from "../../contracts/libraries/RoundState.sol";
import {ServiceState, ServiceStateLib} from "../../contracts/libraries/ServiceState.sol";
import {MAX_SHARDS, NO_SLOT, Slot, SlotLib} from "../../contracts/libraries/Slot.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev Slots, states and tags, compared with their words.
contract ValueTypesTest is Assertions {
    function testSlotsRunLaneByLane() public pure {
        assertTrue(NO_SLOT.isNone(), "none");
        for (uint64 n = 1; n <= 45; ++n) {
            Slot slot = SlotLib.nth(n);
            assertTrue(!slot.isNone(), "a slot");
            assertEq(slot.shard(), (n - 1) / 15, item("shard", n));
            assertEq(slot.lane(), (n - 1) % 15, item("lane", n));
        }
        Slot last = SlotLib.place(MAX_SHARDS - 1, 14);
        assertEq(last.shard(), MAX_SHARDS - 1, "the last shard");
        assertEq(last.lane(), 14, "its last lane");
        assertEq(uint256(Slot.unwrap(last)), MAX_SHARDS * 15, "36 bits");
    }

    function testFuzzAPlaceIsItsSlot(uint32 shard, uint8 lane) public pure {
        uint256 a = bound(shard, 0, MAX_SHARDS - 1);
        uint256 b = bound(lane, 0, 14);
        Slot slot = SlotLib.place(a, b);
        assertEq(slot.shard(), a, "shard");
        assertEq(slot.lane(), b, "lane");
        assertTrue(slot.equals(SlotLib.nth(uint64(Slot.unwrap(slot)))), "the n-th");
    }

    /// @dev Each part changes alone.
    function testFuzzAStateKeepsItsParts(address key, uint64 index, uint8 flags) public pure {
        Slot slot = SlotLib.nth(uint64(bound(index, 1, MAX_SHARDS * 15)));
        ServiceState state;
        state = state.withKey(address(0xdead)).withSlot(SlotLib.nth(7));
        uint200[4] memory all = [
            ServiceStateLib.STAKED,
            ServiceStateLib.MAINTENANCE,
            ServiceStateLib.SUSPENDED,
            ServiceStateLib.RETIRED
        ];
        for (uint256 i = 0; i < 4; ++i) {
            state = state.withFlag(all[i], true).withFlag(all[i], (flags >> i) & 1 == 1);
        }
        state = state.withSlot(slot).withKey(key);
        assertEq(state.key(), key, "key");
        assertTrue(state.slot().equals(slot), "slot");
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(state.has(all[i]), (flags >> i) & 1 == 1, item("flag", i));
        }
        bool active = flags & 0xf == 1 && key != address(0);
        assertEq(state.isActive(), active, "active: staked, with a key, and nothing else");
    }

    function testFuzzATagTellsEpochsOfAnEntryApart(bytes32 hash, uint32 epoch) public pure {
        uint256 word = EpochTagLib.tagged(hash, epoch);
        assertEq(word >> 12, uint256(hash) >> 12, "244 bits of the hash");
        assertTrue(word == 0 || EpochTagLib.carries(word, epoch), "its own epoch");
        uint32 other = epoch ^ 256;
        assertTrue(!EpochTagLib.carries(word, other), "not another of the entry");
        assertTrue(!EpochTagLib.carries(0, epoch), "an empty entry carries none");
    }

    function testFuzzARoundKeepsItsParts(
        uint32 epoch,
        uint32 shard,
        uint64 claims,
        uint72 expected
    ) public pure {
        for (uint256 shown = 0; shown <= 64; shown += 16) {
            RoundState state = RoundStateLib.pack(epoch, shard, shown, 64, claims, expected);
            assertTrue(state.isOf(epoch), "epoch");
            assertTrue(!state.isOf(epoch ^ 1), "no other");
            assertEq(state.nextShard(), shard, "shard");
            assertEq(state.revealed(), shown, "revealed");
            assertEq(state.isComplete(), shown == 64, "complete");
            assertEq(state.claimed(), claims, "claimed");
            assertEq(state.expected(), expected, "expected");
            for (uint256 i = 0; i < 64; i += 63) {
                RoundState more = state.withClaim(i);
                assertEq(more.claimed(), claims | (uint256(1) << i), item("claim", i));
                assertEq(more.expected(), expected, "nothing else");
                assertEq(more.revealed(), shown, "nothing else");
            }
        }
    }

    function testFuzzAHeadKeepsItsParts(
        bytes32 element,
        uint32 epoch,
        uint32 pending,
        bytes32 next,
        uint32 later
    ) public pure {
        ChainHead head = ChainHeadLib.fresh(element, epoch);
        assertEq(head.pendingSince(), 0, "nothing waits");
        head = head.withPending(pending);
        assertTrue(head.element() == bytes24(element), "element");
        assertEq(head.epoch(), epoch, "epoch");
        assertEq(head.pendingSince(), pending, "waits");
        head = head.moved(next, later);
        assertTrue(head.element() == bytes24(next), "the next element");
        assertEq(head.epoch(), later, "its epoch");
        assertEq(head.pendingSince(), pending, "still waits");
    }
}
