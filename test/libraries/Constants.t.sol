// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RoundLib} from "../../contracts/libraries/RoundLib.sol";
import {EmissionLib} from "../../contracts/libraries/EmissionLib.sol";
import {HORIZON, RING} from "../../contracts/libraries/Epochs.sol";
import {LANES} from "../../contracts/libraries/Slot.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {Assertions} from "../support/Assertions.sol";
import {RawTally} from "../support/RawTally.sol";

/// @dev The constants that workers and contracts share.
contract ConstantsTest is Assertions {
    function testConstantsAreTheWorkers() public view {
        string memory json = vectors("constants");
        assertEq(SortitionLib.K, vm.parseJsonUint(json, ".K"), "K");
        assertEq(SortitionLib.MAX_STEPS, vm.parseJsonUint(json, ".MAX_STEPS"), "MAX_STEPS");
        assertEq(LANES, vm.parseJsonUint(json, ".LANES"), "LANES");
        assertEq(RawTally.MAX_WEIGHT, vm.parseJsonUint(json, ".MAX_WEIGHT"), "MAX_WEIGHT");
        assertEq(RawTally.QUORUM, vm.parseJsonUint(json, ".QUORUM"), "QUORUM");
        assertEq(RoundLib.MAX_WORDS, vm.parseJsonUint(json, ".MAX_WORDS"), "MAX_WORDS");
        assertEq(RoundLib.SAMPLES, vm.parseJsonUint(json, ".SAMPLES"), "SAMPLES");
        assertEq(HORIZON, vm.parseJsonUint(json, ".HORIZON"), "HORIZON");
        assertEq(RING, vm.parseJsonUint(json, ".RING"), "RING");
        assertEq(
            EmissionLib.PROVIDERS_PERCENT,
            vm.parseJsonUint(json, ".PROVIDERS_PERCENT"),
            "PROVIDERS_PERCENT"
        );
        assertEq(
            EmissionLib.AUDITORS_YIELDS,
            vm.parseJsonUint(json, ".AUDITORS_YIELDS"),
            "AUDITORS_YIELDS"
        );
        assertEq(
            EmissionLib.CONTRIBUTION_EPOCHS,
            vm.parseJsonUint(json, ".CONTRIBUTION_EPOCHS"),
            "CONTRIBUTION_EPOCHS"
        );
    }
}
