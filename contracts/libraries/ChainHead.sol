// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev The head of an auditor's hash chain: `element (192) | pending since (32) | epoch (32)`. 192 bits of a hash
/// are secure enough, and a reveal reads and writes one storage slot.
type ChainHead is uint256;

using ChainHeadLib for ChainHead global;

/// @title ChainHeadLib
/// @notice The parts of a {ChainHead}.
library ChainHeadLib {
    uint256 private constant PENDING_OFFSET = 32;
    uint256 private constant PENDING = 0xffffffff << 32;
    uint256 private constant ELEMENT = type(uint256).max << 64;

    /// @notice A head at an element, without a pending tip.
    /// @param element_ The element.
    /// @param epoch_ Its epoch.
    /// @return The head.
    function fresh(bytes32 element_, uint32 epoch_) internal pure returns (ChainHead) {
        return ChainHead.wrap((uint256(element_) & ELEMENT) | epoch_);
    }

    /// @notice The last revealed element.
    /// @param self The head.
    /// @return Its upper 192 bits.
    function element(ChainHead self) internal pure returns (bytes24) {
        return bytes24(bytes32(ChainHead.unwrap(self)));
    }

    /// @notice The epoch of that element.
    /// @param self The head.
    /// @return The epoch; 0 for none.
    function epoch(ChainHead self) internal pure returns (uint32) {
        return uint32(ChainHead.unwrap(self));
    }

    /// @notice The first epoch of a pending tip.
    /// @param self The head.
    /// @return The epoch; 0 for none.
    function pendingSince(ChainHead self) internal pure returns (uint32) {
        return uint32(ChainHead.unwrap(self) >> PENDING_OFFSET);
    }

    /// @notice The same head with another element.
    /// @param self The head.
    /// @param element_ The element.
    /// @param epoch_ Its epoch.
    /// @return The new head.
    function moved(
        ChainHead self,
        bytes32 element_,
        uint32 epoch_
    ) internal pure returns (ChainHead) {
        return
            ChainHead.wrap(
                (uint256(element_) & ELEMENT) | (ChainHead.unwrap(self) & PENDING) | epoch_
            );
    }

    /// @notice The same head with a pending tip.
    /// @param self The head, without a pending tip.
    /// @param since The tip's first epoch.
    /// @return The new head.
    function withPending(ChainHead self, uint32 since) internal pure returns (ChainHead) {
        return ChainHead.wrap(ChainHead.unwrap(self) | (uint256(since) << PENDING_OFFSET));
    }
}
