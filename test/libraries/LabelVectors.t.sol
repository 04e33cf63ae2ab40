// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LabelLib} from "../../contracts/libraries/LabelLib.sol";
import {ServiceLabels} from "../../contracts/registry/ServiceLabels.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev The registry's part that knows labels, without services.
contract LabelsOnly is ServiceLabels(1, 2) {
    function setLabel(uint64 number, string calldata label, bytes32 salt) external {
        _takeLabel(number, label, salt);
    }

    function _heir(string calldata) internal pure override returns (uint64) {
        return 0;
    }
}

contract LabelVectorsTest is Assertions {
    function testLabelVectors() public {
        string memory json = vectors("label");
        LabelsOnly labels = new LabelsOnly();
        bytes[] memory label = vm.parseJsonBytesArray(json, ".label");
        bool[] memory valid = vm.parseJsonBoolArray(json, ".valid");
        address[] memory owner = vm.parseJsonAddressArray(json, ".owner");
        bytes32[] memory salt = words(json, ".salt");
        bytes32[] memory commitment = words(json, ".commitment");
        assertTrue(label.length > 40, "vectors");
        for (uint256 i = 0; i < label.length; ++i) {
            string memory text = string(label[i]);
            assertEq(this.isValid(text), valid[i], item("isValid", i));
            bytes32 got = labels.labelCommitment(text, owner[i], salt[i]);
            assertEq(got, commitment[i], item("commitment", i));
        }
    }

    function isValid(string calldata label) external pure returns (bool) {
        return LabelLib.isValid(label);
    }
}
