// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @title HeaderLib
/// @notice RLP of block headers with the fields that matter to `tick`; the others are fillers.
library HeaderLib {
    bytes32 private constant FILLER = keccak256("filler");

    /// @notice A header of the fields that every fork since Cancun has.
    function encode(
        bytes32 parentHash,
        uint256 number,
        uint256 timestamp,
        uint256 prevrandao
    ) internal pure returns (bytes memory) {
        bytes memory fillers = abi.encodePacked(hex"a0", FILLER, hex"94", bytes20(FILLER));
        bytes memory roots = abi.encodePacked(hex"a0", FILLER, hex"a0", FILLER, hex"a0", FILLER);
        // Bloom of 256 bytes; difficulty 0.
        bytes memory bloom = abi.encodePacked(hex"b90100", new bytes(256), hex"80");
        bytes memory numbers = abi.encodePacked(
            RLP.encode(number),
            RLP.encode(uint256(30_000_000)),
            RLP.encode(uint256(21_000)),
            RLP.encode(timestamp)
        );
        // Empty extra data; nonce of 8 bytes; base fee; withdrawals root; blob gas twice; beacon root.
        bytes memory tail = abi.encodePacked(
            hex"80a0",
            prevrandao,
            hex"880000000000000000",
            hex"07a0",
            FILLER,
            hex"8080a0",
            FILLER
        );
        bytes memory fields = bytes.concat(
            abi.encodePacked(hex"a0", parentHash),
            fillers,
            roots,
            bloom,
            numbers,
            tail
        );
        return abi.encodePacked(hex"f9", uint16(fields.length), fields);
    }
}
