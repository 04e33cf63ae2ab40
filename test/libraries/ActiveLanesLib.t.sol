// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ActiveLanesLib} from "../../contracts/libraries/ActiveLanesLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract ActiveLanesLibTest is Assertions {
    uint32 private constant HORIZON = 64;
    uint256 private constant LANES = 15;

    function testActiveLanesVectors() public view {
        string memory json = vectors("activeLanes");
        uint256[] memory lanes = uints(json, ".lanes");
        uint256[] memory word = uints(json, ".word");
        uint256[] memory kept = uints(json, ".kept");
        assertTrue(kept.length > 10, "vectors");
        for (uint256 i = 0; i < kept.length; ++i) {
            assertEq(word[i] & ActiveLanesLib.spread(lanes[i]), kept[i], item("kept", i));
        }
    }

    function testSpreadOfEverySet() public pure {
        for (uint256 lanes = 0; lanes < 1 << LANES; ++lanes) {
            uint256 mask = 0;
            for (uint256 rest = lanes; rest != 0; rest &= rest - 1) {
                // The lowest bit's index times 16 is its power of two to the 16th.
                uint256 lowest = rest & (~rest + 1);
                mask |= 0xffff * _pow16(lowest);
            }
            if (ActiveLanesLib.spread(lanes) != mask) {
                assertEq(ActiveLanesLib.spread(lanes), mask, item("spread", lanes));
            }
        }
    }

    function testEmptyWord() public pure {
        assertEq(ActiveLanesLib.lanesAt(0, 0), 0, "epoch 0");
        assertEq(ActiveLanesLib.lanesAt(0, type(uint32).max), 0, "last epoch");
    }

    function testWindowOfFourEpochs() public {
        uint256 word = ActiveLanesLib.set(0, 5, 0, true);
        word = ActiveLanesLib.set(word, 6, 14, true);
        word = ActiveLanesLib.set(word, 7, 0, false);
        word = ActiveLanesLib.set(word, 8, 7, true);
        assertEq(this.lanesAt(word, 5), 1, "since - 3");
        assertEq(this.lanesAt(word, 6), 0x4001, "since - 2");
        assertEq(this.lanesAt(word, 7), 0x4000, "since - 1");
        assertEq(this.lanesAt(word, 8), 0x4080, "since");
        assertEq(this.lanesAt(word, type(uint32).max), 0x4080, "later");
        vm.expectRevert(abi.encodeWithSelector(ActiveLanesLib.ActiveLanesForgotten.selector, 4, 5));
        this.lanesAt(word, 4);
    }

    /// @dev A read before the first change.
    function testTheFirstEpochsAreNeverForgotten() public view {
        uint256 word = ActiveLanesLib.set(0, 2, 3, true);
        assertEq(this.lanesAt(word, 0), 0, "epoch 0");
        assertEq(this.lanesAt(word, 1), 0, "epoch 1");
        assertEq(this.lanesAt(word, 2), 8, "epoch 2");
    }

    function testForgottenCarriesBothEpochs() public {
        uint256 word = ActiveLanesLib.set(0, type(uint32).max, 3, true);
        vm.expectRevert(
            abi.encodeWithSelector(
                ActiveLanesLib.ActiveLanesForgotten.selector,
                0,
                type(uint32).max - 3
            )
        );
        this.lanesAt(word, 0);
    }

    /// @dev Random changes in randomly advancing epochs, compared with the whole history. The word must return all
    /// epochs from `since - 3` on, and revert for older ones.
    function testFuzzAgainstHistory(uint256 seed) public {
        uint256[HORIZON] memory plain;
        uint256 word = 0;
        uint32 since = uint32(1 + roll(seed, 0, 4));
        for (uint256 i = 1; i < 40; ++i) {
            since += uint32(roll(seed, 4 * i, 2) * roll(seed, 4 * i + 1, 5));
            if (since >= HORIZON) break;
            uint256 lane = roll(seed, 4 * i + 2, LANES);
            bool active = roll(seed, 4 * i + 3, 3) != 0;
            word = ActiveLanesLib.set(word, since, lane, active);
            for (uint32 epoch = since; epoch < HORIZON; ++epoch) {
                plain[epoch] =
                    active ? plain[epoch] | (1 << lane) : plain[epoch] & ~(uint256(1) << lane);
            }
            uint32 oldest = since > 3 ? since - 3 : 0;
            for (uint32 epoch = oldest; epoch < HORIZON; ++epoch) {
                assertEq(this.lanesAt(word, epoch), plain[epoch], item("lanesAt", epoch));
            }
            if (oldest == 0) continue;
            vm.expectRevert(
                abi.encodeWithSelector(
                    ActiveLanesLib.ActiveLanesForgotten.selector,
                    oldest - 1,
                    oldest
                )
            );
            this.lanesAt(word, oldest - 1);
        }
    }

    function lanesAt(uint256 word, uint32 epoch) external pure returns (uint256) {
        return ActiveLanesLib.lanesAt(word, epoch);
    }

    function _pow16(uint256 value) private pure returns (uint256) {
        for (uint256 i = 0; i < 4; ++i) {
            value *= value;
        }
        return value;
    }
}
