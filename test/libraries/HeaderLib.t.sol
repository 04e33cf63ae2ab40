// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Header, HeaderLib} from "../../contracts/libraries/HeaderLib.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev Headers of public chains, and bytes that are not headers, compared with OpenZeppelin's parser.
contract HeaderLibTest is Assertions {
    /// @dev The list's head, five hashes, an address and the bloom.
    uint256 private constant FIXED = 3 + 5 * 33 + 21 + 259;

    function testPublicHeaders() public view {
        string memory json = vectors("seed");
        bytes[] memory rlp = vm.parseJsonBytesArray(json, ".rlp");
        bytes32[] memory parentHash = words(json, ".parentHash");
        uint256[] memory number = uints(json, ".number");
        uint256[] memory timestamp = uints(json, ".timestamp");
        bytes32[] memory prevrandao = words(json, ".prevrandao");
        assertTrue(rlp.length >= 2, "vectors");
        for (uint256 i = 0; i < rlp.length; ++i) {
            Header memory header = this.parse(rlp[i]);
            assertEq(header.parentHash, parentHash[i], item("parentHash", i));
            assertEq(header.number, number[i], item("number", i));
            assertEq(header.timestamp, timestamp[i], item("timestamp", i));
            assertEq(bytes32(header.prevrandao), prevrandao[i], item("prevrandao", i));
            assertEq(BlockHeader.getNumber(rlp[i]), header.number, item("oracle", i));
        }
    }

    /// @dev Truncated bytes, or bytes after the header, are refused.
    function testFuzzEveryOtherLengthIsRefused(uint256 which, uint256 length) public {
        bytes[] memory rlp = vm.parseJsonBytesArray(vectors("seed"), ".rlp");
        bytes memory header = rlp[which % rlp.length];
        length = bound(length, 0, header.length + 40);
        vm.assume(length != header.length);
        bytes memory other = new bytes(length);
        for (uint256 i = 0; i < length && i < header.length; ++i) {
            other[i] = header[i];
        }
        vm.expectRevert(HeaderLib.HeaderMalformed.selector);
        this.parse(other);
    }

    /// @dev Changes any byte after the fields of fixed length: the result equals that of OpenZeppelin's parser, or
    /// the bytes are refused. Of the earlier bytes only the parent's hash and the bloom's prefix are checked, because
    /// other changes give a hash that is not a block's.
    function testFuzzOneByteChanged(uint256 which, uint256 place, uint8 value) public view {
        bytes[] memory rlp = vm.parseJsonBytesArray(vectors("seed"), ".rlp");
        bytes memory header = rlp[which % rlp.length];
        header[bound(place, FIXED, header.length - 1)] = bytes1(value);
        Header memory ours;
        try this.parse(header) returns (Header memory found) {
            ours = found;
        } catch {
            return;
        }
        try this.oracle(header) returns (Header memory theirs) {
            assertEq(ours.parentHash, theirs.parentHash, "parentHash");
            assertEq(ours.number, theirs.number, "number");
            assertEq(ours.timestamp, theirs.timestamp, "timestamp");
            assertEq(ours.prevrandao, theirs.prevrandao, "prevrandao");
        } catch {
            // Unused fields are not checked here; the hash of such bytes is not a block's.
        }
    }

    function parse(bytes calldata rlp) external pure returns (Header memory) {
        return HeaderLib.parse(rlp);
    }

    function oracle(bytes memory rlp) external pure returns (Header memory header) {
        header.parentHash = BlockHeader.getParentHash(rlp);
        header.number = BlockHeader.getNumber(rlp);
        header.timestamp = BlockHeader.getTimestamp(rlp);
        header.prevrandao = uint256(BlockHeader.getPrevRandao(rlp));
    }
}
