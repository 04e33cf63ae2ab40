// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {ServiceId} from "./ServiceIdLib.sol";

/// @title ReceiptLib
/// @notice EIP-712 receipts by which a service proves its identity to clients.
library ReceiptLib {
    /// @notice EIP-712 type hash of a receipt.
    bytes32 internal constant TYPEHASH = keccak256(
        "ServiceReceipt(bytes32 serviceId,bytes32 nonce,bytes32 channel,uint64 issuedAt)"
    );

    /// @notice The struct hash.
    /// @param id Service ID.
    /// @param nonce The client's nonce.
    /// @param channel The hash of request and response.
    /// @param issuedAt Milliseconds since the Unix epoch.
    /// @return EIP-712 struct hash.
    function structHash(
        ServiceId id,
        bytes32 nonce,
        bytes32 channel,
        uint64 issuedAt
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, id, nonce, channel, issuedAt));
    }

    /// @notice The signer of a receipt.
    /// @param domainSeparator Domain of the registry.
    /// @param receipt Struct hash.
    /// @param signature 65 bytes, low `s`.
    /// @return The signer, or zero for a malformed signature.
    function signer(
        bytes32 domainSeparator,
        bytes32 receipt,
        bytes calldata signature
    ) internal pure returns (address) {
        bytes32 digest = MessageHashUtils.toTypedDataHash(domainSeparator, receipt);
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered;
    }
}
