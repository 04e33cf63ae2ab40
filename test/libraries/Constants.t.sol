// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RoundLib} from "../../contracts/libraries/RoundLib.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {TallyLib} from "../../contracts/libraries/TallyLib.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev The figures that workers must share with the contracts.
contract ConstantsTest is Assertions {
    function testConstantsAreTheWorkers() public view {
        string memory json = vectors("constants");
        assertEq(SortitionLib.K, vm.parseJsonUint(json, ".K"), "K");
        assertEq(SortitionLib.MAX_STEPS, vm.parseJsonUint(json, ".MAX_STEPS"), "MAX_STEPS");
        assertEq(TallyLib.LANES, vm.parseJsonUint(json, ".LANES"), "LANES");
        assertEq(TallyLib.MAX_WEIGHT, vm.parseJsonUint(json, ".MAX_WEIGHT"), "MAX_WEIGHT");
        assertEq(TallyLib.QUORUM, vm.parseJsonUint(json, ".QUORUM"), "QUORUM");
        assertEq(RoundLib.MAX_WORDS, vm.parseJsonUint(json, ".MAX_WORDS"), "MAX_WORDS");
        assertEq(RoundLib.SAMPLES, vm.parseJsonUint(json, ".SAMPLES"), "SAMPLES");
    }
}
