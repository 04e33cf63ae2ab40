// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {TabAuthorization, Voucher} from "../../contracts/libraries/VoucherLib.sol";
import {vm} from "./Cheatcodes.sol";
import {IBlocToken} from "./Interfaces.sol";

/// @title CashierKit
/// @notice Signs for the Cashier. Written from docs/protocol.md, not with the contracts' code, so that it checks
/// them.
library CashierKit {
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant TAB = keccak256(
        "TabAuthorization(address payer,bytes32 service,bytes32 tab,address signer,"
        "uint96 limit,uint40 openBy,uint40 expiresAt)"
    );
    bytes32 private constant VOUCHER = keccak256(
        "Voucher(address payer,bytes32 service,bytes32 tab,uint96 cumulative,"
        "uint96 base,uint8 minGrade,uint32 epoch)"
    );
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @notice The Cashier's domain on a chain.
    function separator(address cashier, uint256 chainId) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    DOMAIN,
                    keccak256("Blockcloud Cashier"),
                    keccak256("1"),
                    chainId,
                    cashier
                )
            );
    }

    /// @notice The digest of a tab authorization.
    function digest(bytes32 domain, TabAuthorization memory terms) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                TAB,
                terms.payer,
                terms.service,
                terms.tab,
                terms.signer,
                terms.limit,
                terms.openBy,
                terms.expiresAt
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    /// @notice The digest of a voucher.
    function digest(bytes32 domain, Voucher memory voucher) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                VOUCHER,
                voucher.payer,
                voucher.service,
                voucher.tab,
                voucher.cumulative,
                voucher.base,
                voucher.minGrade,
                voucher.epoch
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    /// @notice A signature of 65 bytes.
    function sign(uint256 key, bytes32 message) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, message);
        return abi.encodePacked(r, s, v);
    }

    /// @notice A voucher, ready to be redeemed.
    function redemption(
        bytes32 domain,
        uint256 key,
        Voucher memory voucher,
        bytes32 salt
    ) internal pure returns (ICashier.Redemption memory item) {
        (item.voucher, item.salt) = (voucher, salt);
        (item.v, item.r, item.s) = vm.sign(key, digest(domain, voucher));
    }

    /// @notice An EIP-3009 authorization for the Cashier.
    function receiveSignature(
        IBlocToken token,
        uint256 key,
        address to,
        uint256 value,
        uint256 validBefore,
        bytes32 nonce
    ) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(RECEIVE, vm.addr(key), to, value, 0, validBefore, nonce)
        );
        return
            sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }
}
