// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title FeeLib
/// @notice The Cashier's fee.
library FeeLib {
    /// @notice Percent of what a service earned.
    uint256 internal constant FEE_PERCENT = 2;

    /// @notice Divides earnings. The fee is rounded up, and its burned half is rounded up: both in favour of all
    /// holders of BLOC. The three parts add up to the earnings.
    /// @param earned BLOC in wei.
    /// @return paid To the service, BLOC in wei.
    /// @return burned BLOC in wei.
    /// @return contributed To the auditors' budgets, BLOC in wei.
    function divide(
        uint256 earned
    ) internal pure returns (uint256 paid, uint256 burned, uint256 contributed) {
        uint256 fee = (earned * FEE_PERCENT + 99) / 100;
        burned = (fee + 1) / 2;
        contributed = fee - burned;
        paid = earned - fee;
    }
}
