// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A 256-bit service ID: `prefix (64) | group (32) | self (160)`. Its own type, so that an ID
/// is never mistaken for another bytes32.
type ServiceId is bytes32;

/// @title ServiceIdLib
/// @notice Packs and reads service IDs. Layout after Serval (Nordström et al., NSDI 2012): a prefix
/// assigned by the registry, followed by a self-certifying part.
library ServiceIdLib {
    /// @notice ID of the root service with a number.
    /// @param number Service number that the registry assigned, from 1.
    /// @return The ID with group and self zero.
    function root(uint64 number) internal pure returns (ServiceId) {
        return ServiceId.wrap(bytes32(uint256(number) << 192));
    }

    /// @notice ID of a sub-service.
    /// @param number Number of the root service.
    /// @param group_ Chosen by the provider.
    /// @param self_ Address of the key that signs for the sub-service.
    /// @return The packed ID.
    function sub(uint64 number, uint32 group_, address self_) internal pure returns (ServiceId) {
        return
            ServiceId.wrap(
                bytes32((uint256(number) << 192) | (uint256(group_) << 160) | uint160(self_))
            );
    }

    /// @notice The service number.
    /// @param id Any ID.
    /// @return Bits 255..192.
    function prefix(ServiceId id) internal pure returns (uint64) {
        return uint64(uint256(ServiceId.unwrap(id)) >> 192);
    }

    /// @notice The provider's own grouping.
    /// @param id Any ID.
    /// @return Bits 191..160.
    function group(ServiceId id) internal pure returns (uint32) {
        return uint32(uint256(ServiceId.unwrap(id)) >> 160);
    }

    /// @notice The signer of a sub-service; zero for a root service.
    /// @param id Any ID.
    /// @return Bits 159..0.
    function self(ServiceId id) internal pure returns (address) {
        return address(uint160(uint256(ServiceId.unwrap(id))));
    }

    /// @notice Whether the ID is valid: its prefix is above 0, and it has no group without a signer.
    /// @param id Any ID.
    /// @return True if it is valid.
    function isValid(ServiceId id) internal pure returns (bool) {
        return prefix(id) != 0 && (group(id) == 0 || self(id) != address(0));
    }
}
