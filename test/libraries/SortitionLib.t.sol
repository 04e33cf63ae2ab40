// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract SortitionLibTest is Assertions {
    uint256 private constant ONE = 1 << 64;

    function testSeedVectors() public view {
        string memory json = vectors("seed");
        address proofOfService = vm.parseJsonAddress(json, ".proofOfService");
        bytes[] memory rlp = vm.parseJsonBytesArray(json, ".rlp");
        bytes32[] memory hash = words(json, ".hash");
        bytes32[] memory parentHash = words(json, ".parentHash");
        bytes32[] memory prevrandao = words(json, ".prevrandao");
        bytes32[] memory seed = words(json, ".seed");
        uint256[] memory number = uints(json, ".number");
        uint256[] memory timestamp = uints(json, ".timestamp");
        uint256[] memory epoch = uints(json, ".epoch");
        uint256[] memory chainId = uints(json, ".chainId");
        assertTrue(rlp.length >= 2, "vectors");
        for (uint256 i = 0; i < rlp.length; ++i) {
            assertEq(keccak256(rlp[i]), hash[i], item("hash", i));
            assertEq(BlockHeader.getParentHash(rlp[i]), parentHash[i], item("parentHash", i));
            assertEq(BlockHeader.getNumber(rlp[i]), number[i], item("number", i));
            assertEq(BlockHeader.getTimestamp(rlp[i]), timestamp[i], item("timestamp", i));
            assertEq(BlockHeader.getPrevRandao(rlp[i]), prevrandao[i], item("prevrandao", i));
            bytes32 got = SortitionLib.seed(
                uint256(prevrandao[i]),
                uint32(epoch[i]),
                chainId[i],
                proofOfService
            );
            assertEq(got, seed[i], item("seed", i));
        }
    }

    function testHashChainVectors() public view {
        string memory json = vectors("hashChain");
        bytes32 tip = vm.parseJsonBytes32(json, ".tip");
        uint256 anchor = vm.parseJsonUint(json, ".anchor");
        bytes32[] memory secret = words(json, ".secret");
        uint256[] memory steps = uints(json, ".steps");
        uint256[] memory epoch = uints(json, ".epoch");
        assertTrue(secret.length > 5, "vectors");
        for (uint256 i = 0; i < secret.length; ++i) {
            assertEq(epoch[i] - anchor, steps[i], item("steps", i));
            assertEq(SortitionLib.advance(secret[i], steps[i]), tip, item("advance", i));
        }
    }

    function testSortitionVectors() public view {
        string memory json = vectors("sortition");
        bytes32[] memory seed = words(json, ".seed");
        bytes32[] memory secret = words(json, ".secret");
        address[] memory auditor = vm.parseJsonAddressArray(json, ".auditor");
        bytes32[] memory y = words(json, ".y");
        uint256[] memory stake = uints(json, ".stake");
        uint256[] memory total = uints(json, ".total");
        uint256[] memory expected = uints(json, ".expected");
        uint256[] memory shard = uints(json, ".shard");
        uint256[] memory weight = uints(json, ".weight");
        assertTrue(weight.length == y.length * shard.length && weight.length > 100, "vectors");
        for (uint256 i = 0; i < y.length; ++i) {
            bytes32 gotY = SortitionLib.drawKey(seed[i], secret[i], auditor[i]);
            assertEq(gotY, y[i], item("y", i));
            uint256 gotExpected = SortitionLib.expectedWeight(stake[i], total[i]);
            assertEq(gotExpected, expected[i], item("expected", i));
            for (uint256 k = 0; k < shard.length; ++k) {
                uint256 place = i * shard.length + k;
                uint256 got = SortitionLib.weight(y[i], shard[k], expected[i]);
                assertEq(got, weight[place], item("weight", place));
            }
        }
    }

    function testAdvanceByNothing() public pure {
        assertEq(SortitionLib.advance(bytes32(uint256(1)), 0), bytes32(uint256(1)), "0 steps");
    }

    function testFuzzAdvanceIsAdditive(bytes32 element, uint8 first, uint8 second) public pure {
        assertEq(
            SortitionLib.advance(SortitionLib.advance(element, first), second),
            SortitionLib.advance(element, uint256(first) + second),
            "advance"
        );
    }

    /// @dev `x <= K * stake / total < x + 2^-64`, in whole numbers, and never above 15.
    function testFuzzExpectedWeight(uint96 stake, uint96 total) public pure {
        vm.assume(total != 0);
        uint256 x = SortitionLib.expectedWeight(stake, total);
        uint256 exact = 7 * uint256(stake) * ONE;
        if (7 * uint256(stake) >= 15 * uint256(total)) {
            assertEq(x, 15 * ONE, "the cap");
        } else {
            assertLe(x * total, exact, "rounded down");
            assertTrue(exact < (x + 1) * total, "by less than one unit");
        }
    }

    /// @dev The expected weights of parts of a stake never sum to more than that of the whole.
    function testFuzzSplittingGainsNothing(uint96 a, uint96 b, uint96 others) public pure {
        uint256 total = uint256(a) + b + others;
        vm.assume(total != 0 && total * 15 >= 7 * (uint256(a) + b));
        uint256 whole = SortitionLib.expectedWeight(uint256(a) + b, total);
        uint256 parts =
            SortitionLib.expectedWeight(a, total) + SortitionLib.expectedWeight(b, total);
        assertLe(parts, whole, "parts");
        assertLe(whole, parts + 1, "whole");
    }

    /// @dev The whole part is certain; one more is drawn exactly if the ticket is below the fraction.
    function testFuzzWeight(bytes32 y, uint32 shard, uint256 dice) public pure {
        uint256 expected = bound(dice, 0, 15 * ONE);
        uint256 ticket = uint256(keccak256(abi.encode(y, shard))) >> 192;
        uint256 extra = ticket < expected % ONE ? 1 : 0;
        uint256 weight = SortitionLib.weight(y, shard, expected);
        assertEq(weight, expected / ONE + extra, "weight");
        assertLe(weight, 15, "cap");
    }

    function testWeightAtTheTicket(bytes32 y, uint32 shard) public pure {
        uint256 ticket = uint256(keccak256(abi.encode(y, shard))) >> 192;
        assertEq(SortitionLib.weight(y, shard, ticket), 0, "ticket equal to the fraction");
        if (ticket + 1 == ONE) return;
        assertEq(SortitionLib.weight(y, shard, ticket + 1), 1, "ticket below the fraction");
    }

    function testNoStakeIsNeverDrawn(bytes32 y, uint32 shard) public pure {
        assertEq(SortitionLib.weight(y, shard, 0), 0, "weight");
    }
}
