// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @dev The address at which the test runner answers cheatcodes. Stands outside any contract, so that
/// actors and libraries reach it as tests do.
Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
