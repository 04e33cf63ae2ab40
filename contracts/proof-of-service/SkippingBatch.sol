// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISkippingBatch} from "./ISkippingBatch.sol";

/// @title SkippingBatch
/// @notice See {ISkippingBatch}.
abstract contract SkippingBatch is ISkippingBatch {
    uint256 private constant REASON_BYTES = 256;

    /// @inheritdoc ISkippingBatch
    function tryMulticall(bytes[] calldata calls) external returns (bool[] memory ok) {
        ok = new bool[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 gasBefore = gasleft();
            // The contract calls itself with the same sender, so no foreign code runs.
            (bool success, bytes memory result) = address(this).delegatecall(calls[i]);
            ok[i] = success;
            if (success) continue;
            // EIP-150 reserves 1/64 at each level. A call that used nearly all other gas ran out of gas, so it may
            // still be valid, and gas estimation must see a failure.
            require(
                result.length == 0 ? gasleft() > gasBefore / 16 : !_lacksGas(result),
                BatchCallOutOfGas(i)
            );
            if (result.length > REASON_BYTES) {
                assembly ("memory-safe") {
                    mstore(result, REASON_BYTES)
                }
            }
            emit CallFailed(i, result);
        }
    }

    /// @dev Whether a failing call says that it needs more gas. Such a call may still be valid, too.
    function _lacksGas(bytes memory) internal view virtual returns (bool) {
        return false;
    }
}
