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

    /// @dev Both or none.
    function test_RevertsWhen_TheFirstVoucherIsBad() public {
        bytes memory signature = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        ICashier.Redemption memory item = voucher(LIMIT + 1);
        bytes32 before = books();
        vm.expectRevert(
            abi.encodeWithSelector(ICashier.CashierOverLimit.selector, tab, LIMIT + 1, LIMIT)
        );
        vm.prank(COLLECTOR);
        cashier.openAndRedeem(terms, signature, item);
        vm.assertEq(books(), before, "no tab");
    }

    function test_SeveralCallsGoIntoOneTransaction() public {
        bytes[] memory calls = new bytes[](4);
        bytes memory signature = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        calls[0] = abi.encodeCall(ICashierTabs.openTab, (terms, SALT, signature));
        calls[1] = abi.encodeCall(ICashier.redeem, (voucher(3e18)));
        // Again: a failing call has no effect on the others.
        calls[2] = calls[1];
        calls[3] = abi.encodeCall(ICashier.collect, (service));
        vm.prank(COLLECTOR);
        bool[] memory ok = cashier.tryMulticall(calls);
        vm.assertTrue(ok[0] && ok[1] && !ok[2] && ok[3], "all but the repeated one");
        vm.assertEq(cashier.collectedOf(service), 3e18, "collected once");
    }

    /// @dev `scripts/vectors.ts` writes the values of src/protocol/voucher.ts.
    function test_ItsConstantsAreTheCollectors() public view {
        string memory json = vm.readFile("test/vectors/constants.json");
        string[6] memory names = [
            "OPEN_AHEAD",
            "LONGEST_TAB",
            "REDEMPTION",
            "NOTICE",
            "LONGEST_BATCH",
            "DUE_AFTER"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            (bool ok, bytes memory value) = address(cashier).staticcall(
                abi.encodeWithSignature(string.concat(names[i], "()"))
            );
            vm.assertTrue(ok, names[i]);
            vm.assertEq(
                abi.decode(value, (uint256)),
                vm.parseJsonUint(json, string.concat(".", names[i])),
                names[i]
            );
        }
    }

    function test_ItKnowsItsSystem() public view {
        vm.assertEq(cashier.token(), address(token), "token");
        vm.assertEq(cashier.registry(), address(registry), "registry");
        vm.assertEq(cashier.settlement(), address(settlement), "settlement");
        vm.assertEq(cashier.rewardPool(), address(pool), "pool");
        vm.assertEq(cashier.currentEpoch(), registry.currentEpoch(), "clock");
        vm.assertEq(cashier.voucherDigest(next), domain.digest(next), "digest");
    }
}
