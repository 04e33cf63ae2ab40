// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {LabelLib} from "../../contracts/libraries/LabelLib.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {Assertions} from "../support/Assertions.sol";

contract LabelVectorsTest is Assertions {
    function testLabelVectors() public {
        string memory json = vectors("label");
        address registry = address(Artifacts.newRegistry(12, address(this), address(0), 1));
        uint256[5] memory prices;
        IServiceLabels labels = Artifacts.newLabels(registry, address(0), 1, 2, prices);
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
