// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Permit} from "../../contracts/token/PermitLib.sol";
import {vm} from "./Cheatcodes.sol";
import {IBlocToken} from "./Interfaces.sol";

/// @title PermitKit
/// @notice Signs ERC-2612 permits of BLOC. Written from the standard, not with the contracts' code.
library PermitKit {
    bytes32 private constant PERMIT = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    /// @notice A permit with the owner's next nonce.
    function sign(
        IBlocToken token,
        uint256 key,
        address spender,
        uint256 value,
        uint256 deadline
    ) internal view returns (Permit memory) {
        return sign(token, key, spender, value, deadline, token.nonces(vm.addr(key)));
    }

    /// @notice A permit with any nonce.
    function sign(
        IBlocToken token,
        uint256 key,
        address spender,
        uint256 value,
        uint256 deadline,
        uint256 nonce
    ) internal view returns (Permit memory) {
        bytes32 permit = keccak256(
            abi.encode(PERMIT, vm.addr(key), spender, value, nonce, deadline)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            key,
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit))
        );
        return Permit(value, deadline, v, r, s);
    }
}
