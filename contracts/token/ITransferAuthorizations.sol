// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";

/// @title ITransferAuthorizations
/// @notice EIP-3009: transfers that their payer signs and anyone, or the receiver alone, submits. The three
/// functions of the standard exist twice: with the signature as `v`, `r` and `s`, and as bytes, which a
/// contract wallet (ERC-1271) needs.
interface ITransferAuthorizations is IERC3009, IERC3009Cancel {
    /// @notice The authorization does not hold yet.
    /// @param validAfter It holds after this second, Unix seconds.
    error TokenAuthorizationTooEarly(uint256 validAfter);
    /// @notice The authorization does not hold any more.
    /// @param validBefore It held before this second, Unix seconds.
    error TokenAuthorizationExpired(uint256 validBefore);
    /// @notice The authorization was used or cancelled.
    /// @param authorizer Who signed it.
    /// @param nonce Its nonce.
    error TokenAuthorizationUsed(address authorizer, bytes32 nonce);
    /// @notice Neither the account's key made the signature, nor does its contract accept it.
    /// @param authorizer Who should have signed.
    error TokenAuthorizationSignature(address authorizer);
    /// @notice Only the receiver submits an authorization to receive: nobody can take the transfer out of the
    /// receiver's own call.
    /// @param to The receiver.
    /// @param caller Who called.
    error TokenNotReceiver(address to, address caller);

    /// @notice Transfers what the payer signed; by anyone.
    /// @param from The payer, who signed `TransferWithAuthorization`.
    /// @param to The receiver.
    /// @param value BLOC in wei.
    /// @param validAfter It holds after this second, Unix seconds.
    /// @param validBefore It holds before this second, Unix seconds.
    /// @param nonce Any 32 bytes that the payer has not used yet.
    /// @param signature 65 bytes `r | s | v`, or whatever the payer's contract accepts.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Transfers what the payer signed; by the receiver alone.
    /// @param from The payer, who signed `ReceiveWithAuthorization`.
    /// @param to The receiver; the caller.
    /// @param value BLOC in wei.
    /// @param validAfter It holds after this second, Unix seconds.
    /// @param validBefore It holds before this second, Unix seconds.
    /// @param nonce Any 32 bytes that the payer has not used yet.
    /// @param signature 65 bytes `r | s | v`, or whatever the payer's contract accepts.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice Makes a nonce useless before it was used; by anyone who has the payer's signature for that.
    /// @param authorizer The payer, who signed `CancelAuthorization`.
    /// @param nonce The nonce.
    /// @param signature 65 bytes `r | s | v`, or whatever the payer's contract accepts.
    function cancelAuthorization(
        address authorizer,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
