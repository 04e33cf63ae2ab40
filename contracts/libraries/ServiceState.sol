// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev What counts of a service in an epoch, in a value of an `EpochTrace`: `class (16) | flags (8) | key
/// (160)`. The zero value is that of no service.
type ServiceState is uint192;

using ServiceStateLib for ServiceState global;

/// @title ServiceStateLib
/// @notice Class, key and flags of a service.
library ServiceStateLib {
    uint256 private constant CLASS_OFFSET = 168;
    uint192 private constant KEY = type(uint160).max;
    /// @dev The lowest flag, right above the key.
    uint192 private constant FLAG = 1 << 160;
    uint192 private constant FLAGS = 0xff * FLAG;

    /// @notice There is such a service.
    uint192 internal constant EXISTS = FLAG;
    /// @notice Its stake reaches the class's minimum.
    uint192 internal constant STAKED = 2 * FLAG;
    /// @notice Its owner took it out for a while.
    uint192 internal constant MAINTENANCE = 4 * FLAG;
    /// @notice The rules took it out until its owner reinstates it.
    uint192 internal constant SUSPENDED = 8 * FLAG;
    /// @notice Its owner took it out for ever.
    uint192 internal constant RETIRED = 16 * FLAG;

    /// @notice The state of a new service, which has no stake yet.
    /// @param class Index of its class.
    /// @param key_ The service key.
    /// @return The state.
    function create(uint16 class, address key_) internal pure returns (ServiceState) {
        return
            ServiceState.wrap((uint192(uint256(class) << CLASS_OFFSET)) | EXISTS | uint160(key_));
    }

    /// @notice Index of the class.
    /// @param self The state.
    /// @return The class.
    function classId(ServiceState self) internal pure returns (uint16) {
        return uint16(ServiceState.unwrap(self) >> CLASS_OFFSET);
    }

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

    /// @notice Whether any of some flags is set.
    /// @param self The state.
    /// @param flags One of the flags above, or several.
    /// @return True if one is.
    function has(ServiceState self, uint192 flags) internal pure returns (bool) {
        return ServiceState.unwrap(self) & flags != 0;
    }

    /// @notice The same state with a flag set or not.
    /// @param self The state.
    /// @param flag One of the flags above.
    /// @param on Whether it is to be set.
    /// @return The new state.
    function withFlag(
        ServiceState self,
        uint192 flag,
        bool on
    ) internal pure returns (ServiceState) {
        uint192 word = ServiceState.unwrap(self);
        return ServiceState.wrap(on ? word | flag : word & ~flag);
    }

    /// @notice Whether a service in this state is audited and paid.
    /// @param self The state.
    /// @return True if it is active.
    function isActive(ServiceState self) internal pure returns (bool) {
        uint192 word = ServiceState.unwrap(self);
        return word & FLAGS == (EXISTS | STAKED) && word & KEY != 0;
    }
}
