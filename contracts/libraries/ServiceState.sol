// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Slot} from "./Slot.sol";

/// @dev A service's state in an epoch, as a value of an `EpochTrace`: `flags (4) | slot (36) | key (160)`.
type ServiceState is uint200;

using ServiceStateLib for ServiceState global;

/// @title ServiceStateLib
/// @notice Key, slot and flags of a service.
library ServiceStateLib {
    uint200 private constant KEY = type(uint160).max;
    uint256 private constant SLOT_OFFSET = 160;
    uint200 private constant SLOT = 0xfffffffff << 160;
    /// @dev The lowest flag.
    uint200 private constant FLAG = 1 << 196;
    uint200 private constant FLAGS = 0xf << 196;

    /// @notice Its stake reaches the class's minimum.
    uint200 internal constant STAKED = FLAG;
    /// @notice Its owner declared maintenance.
    uint200 internal constant MAINTENANCE = 2 * FLAG;
    /// @notice It is suspended until its owner reinstates it.
    uint200 internal constant SUSPENDED = 4 * FLAG;
    /// @notice Its owner retired it for ever.
    uint200 internal constant RETIRED = 8 * FLAG;

    /// @notice The service key.
    /// @param self The state.
    /// @return The key; 0 for none.
    function key(ServiceState self) internal pure returns (address) {
        return address(uint160(ServiceState.unwrap(self)));
    }

    /// @notice The same state with another key.
    /// @param self The state.
    /// @param key_ The key; 0 for none.
    /// @return The new state.
    function withKey(ServiceState self, address key_) internal pure returns (ServiceState) {
        return ServiceState.wrap((ServiceState.unwrap(self) & ~KEY) | uint160(key_));
    }

    /// @notice The slot that the service took last.
    /// @param self The state.
    /// @return The slot; 0 if it never took one.
    function slot(ServiceState self) internal pure returns (Slot) {
        return Slot.wrap(uint40((ServiceState.unwrap(self) & SLOT) >> SLOT_OFFSET));
    }

    /// @notice The same state with another slot.
    /// @param self The state.
    /// @param slot_ The slot.
    /// @return The new state.
    function withSlot(ServiceState self, Slot slot_) internal pure returns (ServiceState) {
        uint200 bits = uint200(uint256(Slot.unwrap(slot_)) << SLOT_OFFSET);
        return ServiceState.wrap((ServiceState.unwrap(self) & ~SLOT) | bits);
    }

    /// @notice Whether any of the given flags is set.
    /// @param self The state.
    /// @param flags One of the flags above, or several.
    /// @return True if one is.
    function has(ServiceState self, uint200 flags) internal pure returns (bool) {
        return ServiceState.unwrap(self) & flags != 0;
    }

    /// @notice The same state with a flag set or not.
    /// @param self The state.
    /// @param flag One of the flags above.
    /// @param on Whether to set it.
    /// @return The new state.
    function withFlag(
        ServiceState self,
        uint200 flag,
        bool on
    ) internal pure returns (ServiceState) {
        uint200 word = ServiceState.unwrap(self);
        return ServiceState.wrap(on ? word | flag : word & ~flag);
    }

    /// @notice Whether a service in this state is audited and paid.
    /// @param self The state.
    /// @return True if it is active.
    function isActive(ServiceState self) internal pure returns (bool) {
        uint200 word = ServiceState.unwrap(self);
        return word & FLAGS == STAKED && word & KEY != 0;
    }
}
