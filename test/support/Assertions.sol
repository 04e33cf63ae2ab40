// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @title Assertions
/// @notice Base of the Solidity tests. A failure names the comparison and both values.
abstract contract Assertions {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function assertTrue(bool condition, string memory what) internal pure {
        vm.assertTrue(condition, what);
    }

    function assertEq(bool actual, bool expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertEq(uint256 actual, uint256 expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertEq(bytes32 actual, bytes32 expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertEq(address actual, address expected, string memory what) internal pure {
        vm.assertEq(actual, expected, what);
    }

    function assertLe(uint256 actual, uint256 limit, string memory what) internal pure {
        vm.assertLe(actual, limit, what);
    }

    /// @dev "what[i]", so that a failing vector can be found in its file.
    function item(string memory what, uint256 index) internal pure returns (string memory) {
        return string.concat(what, "[", vm.toString(index), "]");
    }

    /// @dev Maps a fuzzed value to `low..high`, both included.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }

    /// @dev A reproducible stream for tests that need many values from one fuzzed seed.
    function roll(uint256 seed, uint256 index, uint256 limit) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, index))) % limit;
    }

    function vectors(string memory topic) internal view returns (string memory) {
        return vm.readFile(string.concat("test/vectors/", topic, ".json"));
    }

    function uints(string memory json, string memory key) internal pure returns (uint256[] memory) {
        return vm.parseJsonUintArray(json, key);
    }

    function words(string memory json, string memory key) internal pure returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(json, key);
    }
}
