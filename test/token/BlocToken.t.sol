// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {TREASURY} from "../support/System.sol";

contract BlocTokenTest is Deployment {
    bytes32 private constant PERMIT = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    function test_TheWholeSupplyExistsFromTheStart() public view {
        vm.assertEq(token.totalSupply(), 10_000_000_000e18, "supply");
        vm.assertEq(token.balanceOf(address(pool)), 3_000_000_000e18, "30% for Proof of Service");
        vm.assertEq(token.balanceOf(TREASURY), 7_000_000_000e18, "the rest to the treasury");
        // 5% of the supply a year, six years long.
        vm.assertEq(token.REWARD_SUPPLY(), (token.INITIAL_SUPPLY() * 5 * 6) / 100, "schedule");
    }

    function test_BurningShrinksTheSupply() public {
        vm.prank(TREASURY);
        token.burn(1_000e18);

        vm.assertEq(token.totalSupply(), 10_000_000_000e18 - 1_000e18, "supply");
    }

    function test_APermitGivesAnAllowanceWithoutATransaction() public {
        uint256 key = 0xb10c;
        address owner = vm.addr(key);
        bytes32 permit = keccak256(abi.encode(PERMIT, owner, STRANGER, 5e18, 0, type(uint256).max));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            key,
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit))
        );

        token.permit(owner, STRANGER, 5e18, type(uint256).max, v, r, s);

        vm.assertEq(token.allowance(owner, STRANGER), 5e18, "allowance");
    }
}
