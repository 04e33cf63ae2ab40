// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @dev What a payer signs so that a collector can open a tab, or raise one.
struct TabAuthorization {
    // whose escrow account secures the tab
    address payer;
    // ID of a root service: only its payout address is paid
    bytes32 service;
    // from {VoucherLib.tabOf}
    bytes32 tab;
    // the only key that signs the tab's vouchers
    address signer;
    // highest cumulative amount, BLOC in wei
    uint96 limit;
    // last second in which it may be submitted, Unix seconds
    uint40 openBy;
    // last second of serving, Unix seconds
    uint40 expiresAt;
}

/// @dev What the tab's signer signs after each piece of use. Cumulative: only the newest voucher of an epoch counts.
struct Voucher {
    address payer;
    bytes32 service;
    bytes32 tab;
    // sum of the tab so far, BLOC in wei
    uint96 cumulative;
    // `cumulative` when `epoch` began, BLOC in wei
    uint96 base;
    // the least grade for which the payer pays; 0 for any
    uint8 minGrade;
    // epoch of the use
    uint32 epoch;
}

/// @title VoucherLib
/// @notice EIP-712 struct hashes of the Cashier, and the IDs of tabs.
library VoucherLib {
    /// @notice EIP-712 type hash of a tab authorization.
    bytes32 internal constant TAB_TYPEHASH = keccak256(
        "TabAuthorization(address payer,bytes32 service,bytes32 tab,address signer,"
        "uint96 limit,uint40 openBy,uint40 expiresAt)"
    );
    /// @notice EIP-712 type hash of a voucher.
    bytes32 internal constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address payer,bytes32 service,bytes32 tab,uint96 cumulative,"
        "uint96 base,uint8 minGrade,uint32 epoch)"
    );

    /// @notice The ID of a collector's tab.
    /// @param collector The account that opens, redeems and closes the tab.
    /// @param salt Any value that the collector has not used for this payer and service.
    /// @return `keccak256(abi.encode(collector, salt))`; never 0 in practice.
    function tabOf(address collector, bytes32 salt) internal pure returns (bytes32) {
        return Hashes.efficientKeccak256(bytes32(uint256(uint160(collector))), salt);
    }

    /// @notice Where a tab is stored. It covers payer and service, so these need no storage of their own.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab From {tabOf}.
    /// @return The key.
    function keyOf(address payer, bytes32 service, bytes32 tab) internal pure returns (bytes32) {
        return keccak256(abi.encode(payer, service, tab));
    }

    /// @notice EIP-712 struct hash of a tab authorization.
    /// @param authorization The authorization.
    /// @return The hash.
    function hash(TabAuthorization calldata authorization) internal pure returns (bytes32) {
        return keccak256(abi.encode(TAB_TYPEHASH, authorization));
    }

    /// @notice EIP-712 struct hash of a voucher.
    /// @param voucher The voucher.
    /// @return structHash The hash.
    function hash(Voucher calldata voucher) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = VOUCHER_TYPEHASH;
        // `keccak256(abi.encode(typeHash, voucher))` without keeping memory, which a batch would pay for. Bits
        // that a type does not have are hashed, too: the signature covers them, and using the field reverts.
        assembly ("memory-safe") {
            let free := mload(64)
            mstore(free, typeHash)
            calldatacopy(add(free, 32), voucher, 224)
            structHash := keccak256(free, 256)
        }
    }

    /// @notice Where a voucher's tab is stored.
    /// @param voucher The voucher.
    /// @return key As {keyOf} of its payer, service and tab.
    function keyOfTab(Voucher calldata voucher) internal pure returns (bytes32 key) {
        assembly ("memory-safe") {
            let free := mload(64)
            calldatacopy(free, voucher, 96)
            key := keccak256(free, 96)
        }
    }
}
