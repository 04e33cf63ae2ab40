// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {System} from "../support/System.sol";
import {Store} from "./Store.sol";

/// @title Handler
/// @notice The common base of all handlers. Every action begins at the store's clock and never reverts: impossible
/// actions are skipped, so a revert is a finding.
abstract contract Handler {
    Store internal immutable STORE;

    modifier live() {
        STORE.resume();
        _;
    }

    constructor(Store store) {
        STORE = store;
    }

    function sys() internal view returns (System memory) {
        return STORE.system();
    }

    function current() internal view returns (uint32) {
        return uint32(STORE.elapsed() / 12);
    }

    /// @dev Maps a fuzzed value to `low..high`, both included.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }
}
