// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LabelLib} from "../../contracts/libraries/LabelLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract LabelLibTest is Assertions {
    /// @dev Characters of fuzzed labels, so that many labels are valid or nearly valid.
    bytes private constant COMMON = "----aabcdidxnz0189AZ_.`{/: @[";

    function testValidLabels() public view {
        string[9] memory labels = ["a", "7", "oracle", "a-b", "1-2-3", "i", "idd", "a--b", "did"];
        for (uint256 i = 0; i < labels.length; ++i) {
            assertTrue(this.isValid(labels[i]), labels[i]);
        }
    }

    function testInvalidLabels() public view {
        string[14] memory labels = [
            "",
            "id",
            "-a",
            "a-",
            "-",
            "--",
            "xn--caf-dma",
            "ab--c",
            "Oracle",
            "a.b",
            "a_b",
            "a b",
            unicode"café",
            "a\x00"
        ];
        for (uint256 i = 0; i < labels.length; ++i) {
            assertTrue(!this.isValid(labels[i]), labels[i]);
        }
    }

    /// @dev Only two hyphens at these places are reserved.
    function testHyphensAtTheThirdAndFourthPlace() public view {
        assertTrue(this.isValid("ab-c"), "the third alone");
        assertTrue(this.isValid("abc-d"), "the fourth alone");
        assertTrue(this.isValid("abc--d"), "the fourth and the fifth");
        assertTrue(this.isValid("a--b"), "the second and the third");
        assertTrue(!this.isValid("ab--c"), "the third and the fourth");
        assertTrue(!this.isValid("a---b"), "three of them");
    }

    function testEveryLength() public view {
        bytes memory label = "";
        for (uint256 length = 0; length <= 70; ++length) {
            assertEq(
                this.isValid(string(label)),
                length > 0 && length < 64,
                item("length", length)
            );
            label = bytes.concat(label, "x");
        }
    }

    function testEverySingleByte() public view {
        for (uint256 value = 0; value < 256; ++value) {
            bytes memory label = abi.encodePacked("a", uint8(value), "b");
            assertEq(this.isValid(string(label)), _letter(uint8(value)), item("byte", value));
        }
    }

    function testFuzz_AgreesWithTheRulesReadOneByOne(uint256 seed) public view {
        bytes memory label = new bytes(roll(seed, 0, seed % 4 == 0 ? 70 : 8));
        for (uint256 i = 0; i < label.length; ++i) {
            // Mostly hyphens and letters.
            uint256 range = roll(seed, 1, 3) == 0 ? COMMON.length : 18;
            label[i] = COMMON[roll(seed, i + 2, range)];
        }
        assertEq(this.isValid(string(label)), _plain(label), string(label));
    }

    function testFuzz_AgreesOnArbitraryBytes(bytes calldata label) public view {
        assertEq(this.isValid(string(label)), _plain(label), "label");
    }

    function isValid(string calldata label) external pure returns (bool) {
        return LabelLib.isValid(label);
    }

    /// @dev The plain version: RFC 1123 in lower case, RFC 5890's reservation and the reserved label.
    function _plain(bytes memory label) private pure returns (bool) {
        uint256 faults = 0;
        if (label.length < 1) ++faults;
        if (label.length > 63) ++faults;
        for (uint256 i = 0; i < label.length; ++i) {
            bool hyphen = uint8(label[i]) == 0x2d;
            if (!_letter(uint8(label[i]))) ++faults;
            if (hyphen && (i == 0 || i + 1 == label.length)) ++faults;
            if (hyphen && i == 3 && uint8(label[2]) == 0x2d) ++faults;
        }
        if (label.length == 2 && label[0] == "i" && label[1] == "d") ++faults;
        return faults == 0;
    }

    function _letter(uint8 value) private pure returns (bool) {
        return
            value == 0x2d || (value >= 0x30 && value <= 0x39) || (value >= 0x61 && value <= 0x7a);
    }
}
