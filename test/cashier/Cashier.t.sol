// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";

/// @notice A user pays for what it uses, from deposit to withdrawal.
contract CashierTest is CashierStage {
    using CashierKit for bytes32;

    function test_APayerUsesAServiceAndItsProviderIsPaid() public {
        // The first redemption opens the tab.
        bytes memory signature = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        ICashier.Redemption memory first = voucher(3e18);
        vm.expectEmit(address(cashier));
        emit ICashierTabs.TabOpened(
            payer,
            service,
            tab,
            COLLECTOR,
            terms.signer,
            LIMIT,
            terms.expiresAt
        );
        vm.expectEmit(address(cashier));
        emit ICashier.Redeemed(payer, service, tab, 3e18, 3e18);
        vm.prank(COLLECTOR);
        cashier.openAndRedeem(terms, signature, first);
        vm.assertEq(free(payer), ESCROW - LIMIT, "free");
        vm.assertEq(reserved(payer), LIMIT, "reserved");

        vm.assertEq(redeem(voucher(10e18)), 7e18, "the difference");
        vm.assertEq(cashier.earnedOf(service), 10e18, "earned");

        (uint256 paid, uint256 fee) = cashier.collectableOf(service);
        vm.assertEq(paid, 9.8e18, "paid");
        vm.assertEq(fee, 0.2e18, "2%");
        uint256 before = token.balanceOf(PROVIDER);
        vm.expectEmit(address(cashier));
        emit ICashier.Collected(service, PROVIDER, paid, fee);
        vm.prank(STRANGER);
        cashier.collect(service);
        vm.assertEq(token.balanceOf(PROVIDER) - before, paid, "paid");
        vm.assertEq(cashier.earnedOf(service), 0, "collected");
        vm.assertEq(cashier.collectedOf(service), 10e18, "collected so far");
        uint256 supply = token.totalSupply();
        cashier.forwardFees();
        vm.assertEq(supply - token.totalSupply(), fee / 2, "half of the fee is burned");
        vm.assertEq(pool.contributions(), fee / 2, "half of it goes to the auditors");

        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        vm.assertEq(free(payer), ESCROW - 10e18, "the rest is free");
        vm.assertEq(reserved(payer), 0, "nothing is reserved");
        vm.prank(payer);
        cashier.withdraw(ESCROW - 10e18);
        vm.assertEq(token.balanceOf(payer), 990e18, "withdrawn");
        vm.assertEq(token.balanceOf(address(cashier)), 0, "nothing is left");
    }
}
