// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "../token/PermitLib.sol";

/// @title ICashierAccounts
/// @notice Escrow accounts of payers: one for all services. The part that no tab reserves can be withdrawn at once.
interface ICashierAccounts {
    /// @notice BLOC was credited to an account.
    /// @param payer The account.
    /// @param from The account that gave the BLOC.
    /// @param amount BLOC in wei.
    event Deposited(address indexed payer, address indexed from, uint256 amount);
    /// @notice BLOC left an account.
    /// @param payer The account, and the receiver.
    /// @param amount BLOC in wei.
    event Withdrawn(address indexed payer, uint256 amount);

    /// @notice A deposit must not be 0.
    error CashierDepositZero();
    /// @notice The zero address has no account.
    error CashierPayerZero();
    /// @notice The free part of the account is smaller than the needed amount.
    /// @param payer The account.
    /// @param amount The needed amount, BLOC in wei.
    /// @param free The free part, BLOC in wei.
    error CashierNotFree(address payer, uint256 amount, uint256 free);

    /// @notice Deposits BLOC of the caller for the caller. Needs an allowance for this contract.
    /// @param amount BLOC in wei.
    function deposit(uint96 amount) external;

    /// @notice Deposits BLOC of the caller for another account. Needs an allowance of the caller for this contract.
    /// @param payer The credited account.
    /// @param amount BLOC in wei.
    function depositFor(address payer, uint96 amount) external;

    /// @notice Like {deposit}, with a permit for the allowance.
    /// @param amount BLOC in wei.
    /// @param permit The caller's permit for this contract; if it fails, the allowance must suffice.
    function depositWithPermit(uint96 amount, Permit calldata permit) external;

    /// @notice Deposits BLOC by an EIP-3009 authorization; by anyone, who thereby pays the gas. It credits the
    /// account that signed, and no other.
    /// @param payer The signer, who signed `ReceiveWithAuthorization` to this contract.
    /// @param amount BLOC in wei, as signed.
    /// @param validAfter Unix seconds, exclusive.
    /// @param validBefore Unix seconds, exclusive.
    /// @param nonce The nonce.
    /// @param signature 65 bytes `r | s | v`, or a signature that the payer's contract accepts.
    function depositWithAuthorization(
        address payer,
        uint96 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Withdraws BLOC from the free part of the caller's account, at once.
    /// @param amount BLOC in wei.
    function withdraw(uint96 amount) external;

    /// @notice An escrow account.
    /// @param payer The account.
    /// @return balance Sum of the next two, BLOC in wei.
    /// @return reserved Sum of the limits of open tabs, including what was redeemed of them, BLOC in wei.
    /// @return free The part that can be withdrawn or reserved, BLOC in wei.
    function accountOf(
        address payer
    ) external view returns (uint256 balance, uint256 reserved, uint256 free);

    /// @notice BLOC.
    /// @return Its address.
    function token() external view returns (address);
}
