// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev The fields of a block header that a tick needs.
struct Header {
    bytes32 parentHash;
    uint256 number;
    uint256 timestamp;
    uint256 prevrandao;
}

/// @title HeaderLib
/// @notice Reads the RLP of a block header. Only the four fields above are decoded. Bytes that are not a header of
/// Ethereum are refused here, or their hash is not that of a block.
/// @dev Fields in order: parentHash, ommersHash, beneficiary, stateRoot, transactionsRoot, receiptsRoot,
/// logsBloom (all of fixed length), difficulty, number, gasLimit, gasUsed, timestamp, extraData, prevrandao,
/// and later ones.
library HeaderLib {
    /// @notice The bytes are not the RLP of a block header.
    error HeaderMalformed();

    uint256 private constant WORD_PREFIX = 0xa0;
    /// @dev Prefix of a list with a two-byte length: a header has more than 255 bytes, because its bloom has 256.
    uint256 private constant LIST_PREFIX = 0xf9;
    uint256 private constant LIST_HEAD = 3;
    uint256 private constant BLOOM_AT = LIST_HEAD + 5 * 33 + 21;
    uint256 private constant BLOOM_PREFIX = 0xb90100;
    uint256 private constant BLOOM_BYTES = 3 + 256;

    /// @notice Reads a header.
    /// @param rlp The encoded header.
    /// @return header Its fields.
    function parse(bytes calldata rlp) internal pure returns (Header memory header) {
        require(
            rlp.length > BLOOM_AT + BLOOM_BYTES &&
                _byteAt(rlp, 0) == LIST_PREFIX &&
                uint16(bytes2(rlp[1:LIST_HEAD])) == rlp.length - LIST_HEAD &&
                uint24(bytes3(rlp[BLOOM_AT:BLOOM_AT + 3])) == BLOOM_PREFIX,
            HeaderMalformed()
        );
        header.parentHash = _word(rlp, LIST_HEAD);
        uint256 start = _skip(rlp, BLOOM_AT + BLOOM_BYTES);
        (header.number, start) = _integer(rlp, start);
        start = _skip(rlp, _skip(rlp, start));
        (header.timestamp, start) = _integer(rlp, start);
        header.prevrandao = uint256(_word(rlp, _skip(rlp, start)));
    }

    /// @notice The time of a header.
    /// @param rlp The encoded header.
    /// @return Unix seconds.
    function timestampOf(bytes calldata rlp) internal pure returns (uint256) {
        return parse(rlp).timestamp;
    }

    /// @dev A string of 32 bytes.
    function _word(bytes calldata rlp, uint256 start) private pure returns (bytes32) {
        require(start + 33 <= rlp.length && _byteAt(rlp, start) == WORD_PREFIX, HeaderMalformed());
        return bytes32(rlp[start + 1:start + 33]);
    }

    /// @dev An unsigned integer of at most 32 bytes, and the start of the next field.
    function _integer(
        bytes calldata rlp,
        uint256 start
    ) private pure returns (uint256 value, uint256 next) {
        next = _skip(rlp, start);
        uint256 length = next - start - 1;
        if (length == 0) return (_byteAt(rlp, start) & 0x7f, next);
        require(length <= 32 && next <= rlp.length, HeaderMalformed());
        value = uint256(bytes32(rlp[start + 1:])) >> (256 - 8 * length);
    }

    /// @dev The start of the field after a string of at most 255 bytes.
    function _skip(bytes calldata rlp, uint256 start) private pure returns (uint256) {
        uint256 prefix = _byteAt(rlp, start);
        if (prefix < 0x80) return start + 1;
        if (prefix < 0xb8) return start + 1 + prefix - 0x80;
        require(prefix == 0xb8, HeaderMalformed());
        return start + 2 + _byteAt(rlp, start + 1);
    }

    function _byteAt(bytes calldata rlp, uint256 start) private pure returns (uint256) {
        require(start < rlp.length, HeaderMalformed());
        return uint8(rlp[start]);
    }
}
