// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @notice An ERC-2612 permit of the caller; the function that takes it says for which spender.
struct Permit {
    // the allowance that was signed, BLOC in wei
    uint256 value;
    // last second in which it can be used, Unix seconds
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title PermitLib
/// @notice Lets a call bring its own allowance, so that it needs no transaction before it.
library PermitLib {
    /// @notice Uses a permit of `msg.sender` and ignores its failure: a permit is public once it is sent, and
    /// a stranger may have used it first. The allowance alone decides whether the call can go on.
    /// @param token The BLOC token.
    /// @param spender The contract that takes BLOC in this call.
    /// @param permit What the caller signed.
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
