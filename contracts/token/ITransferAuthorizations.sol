// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";

/// @title ITransferAuthorizations
/// @notice EIP-3009: transfers that the payer signs, and that anyone or only the receiver submits. The three
/// functions of the standard exist twice: with the signature as `v`, `r` and `s`, and as bytes, which a contract
/// wallet (ERC-1271) needs.
interface ITransferAuthorizations is IERC3009, IERC3009Cancel {
    /// @notice The authorization is not valid yet.
    /// @param validAfter It is valid after this second, Unix seconds.
    error TokenAuthorizationTooEarly(uint256 validAfter);
    /// @notice The authorization has expired.
    /// @param validBefore It was valid before this second, Unix seconds.
    error TokenAuthorizationExpired(uint256 validBefore);
    /// @notice The authorization was used or cancelled.
    /// @param authorizer The account that signed it.
    /// @param nonce Its nonce.
    error TokenAuthorizationUsed(address authorizer, bytes32 nonce);
    /// @notice The signature is not by the account's key, and the account's contract does not accept it.
    /// @param authorizer The account that should have signed.
    error TokenAuthorizationSignature(address authorizer);
    /// @notice Only the receiver may submit an authorization to receive, so that a stranger cannot execute the
    /// transfer outside the receiver's own call.
    /// @param to The receiver.
    /// @param caller The caller.
    error TokenNotReceiver(address to, address caller);

    /// @notice Executes a signed transfer; by anyone.
    /// @param from The payer, who signed `TransferWithAuthorization`.
    /// @param to The receiver.
    /// @param value BLOC in wei.
    /// @param validAfter It is valid after this second, Unix seconds.
    /// @param validBefore It is valid before this second, Unix seconds.
    /// @param nonce Any 32 bytes that the payer has not used yet.
    /// @param signature 65 bytes `r | s | v`, or a signature that the payer's contract accepts.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Executes a signed transfer; only by the receiver.
    /// @param from The payer, who signed `ReceiveWithAuthorization`.
    /// @param to The receiver; the caller.
    /// @param value BLOC in wei.
    /// @param validAfter It is valid after this second, Unix seconds.
    /// @param validBefore It is valid before this second, Unix seconds.
    /// @param nonce Any 32 bytes that the payer has not used yet.
    /// @param signature 65 bytes `r | s | v`, or a signature that the payer's contract accepts.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Cancels an unused nonce; by anyone with the payer's signature for this.
    /// @param authorizer The payer, who signed `CancelAuthorization`.
    /// @param nonce The nonce.
    /// @param signature 65 bytes `r | s | v`, or a signature that the payer's contract accepts.
    function cancelAuthorization(
        address authorizer,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
