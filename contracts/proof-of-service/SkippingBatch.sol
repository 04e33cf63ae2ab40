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
            // This contract calls itself and keeps the sender: no foreign code can be reached.
            (bool success, bytes memory result) = address(this).delegatecall(calls[i]);
            ok[i] = success;
            if (success) continue;
            // EIP-150 keeps 1/64 back at each level. A call that used up nearly all the rest ran out of
            // gas, which says nothing about its merit, and gas estimation has to see a failure.
            require(result.length != 0 || gasleft() > gasBefore / 16, BatchCallOutOfGas(i));
            if (result.length > REASON_BYTES) {
                assembly ("memory-safe") {
                    mstore(result, REASON_BYTES)
                }
            }
            emit CallFailed(i, result);
        }
    }
}
