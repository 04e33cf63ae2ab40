// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title LabelLib
/// @notice The valid labels: a label of a host name in lower case (RFC 1123) that is not reserved (RFC 5890,
/// section 2.3.1: `??--` is for internationalised names).
library LabelLib {
    /// @notice Longest label in bytes (RFC 1035).
    uint256 internal constant MAX_LENGTH = 63;

    bytes32 private constant ID = keccak256("id");

    /// @notice Whether a label may be taken.
    /// @param label The label.
    /// @return True for 1 to 63 of `a` to `z`, `0` to `9` and `-`, without a hyphen first, last, or at the
    /// third and fourth place together; and not `id`, under which raw service IDs are named.
    function isValid(string calldata label) internal pure returns (bool) {
        bytes calldata text = bytes(label);
        uint256 length = text.length;
        if (length == 0 || length > MAX_LENGTH) return false;
        if (text[0] == "-" || text[length - 1] == "-") return false;
        if (length > 3 && text[2] == "-" && text[3] == "-") return false;
        for (uint256 i = 0; i < length; ++i) {
            bytes1 c = text[i];
            bool allowed = (c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "-";
            if (!allowed) return false;
        }
        return keccak256(text) != ID;
    }
}
