// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title FeeLib
/// @notice The Cashier's fee.
library FeeLib {
    /// @notice Percent of what a service earned.
    uint256 internal constant FEE_PERCENT = 2;

    /// @notice The fee of earnings, rounded up: small collections do not avoid it.
    /// @param earned BLOC in wei.
    /// @return BLOC in wei; at most `earned`.
    function feeOf(uint256 earned) internal pure returns (uint256) {
        return (earned * FEE_PERCENT + 99) / 100;
    }

    /// @notice The part of fees that is burned: half, rounded up, as the burned half of a slash.
    /// @param fees BLOC in wei.
    /// @return BLOC in wei.
    function burnedOf(uint256 fees) internal pure returns (uint256) {
        return (fees + 1) / 2;
    }
}
