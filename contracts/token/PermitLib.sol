// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @notice An ERC-2612 permit of the caller; the function that takes it determines the spender.
struct Permit {
    // the signed allowance, BLOC in wei
    uint256 value;
    // last second in which it is valid, Unix seconds
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title PermitLib
/// @notice Adds a permit to a call, so that the call needs no earlier transaction for its allowance.
library PermitLib {
    /// @notice Uses a permit of `msg.sender` and ignores its failure: a sent permit is public, and a stranger may
    /// have used it first. Only the allowance decides whether the call succeeds.
    /// @param token The BLOC token.
    /// @param spender The contract that takes BLOC in this call.
    /// @param permit The caller's permit.
    function tryPermit(address token, address spender, Permit calldata permit) internal {
        // solhint-disable no-empty-blocks
        try
            IERC20Permit(token).permit(
                msg.sender,
                spender,
                permit.value,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {}
        // solhint-enable no-empty-blocks
    }
}
