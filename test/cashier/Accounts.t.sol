// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ICashierAccounts} from "../../contracts/cashier/ICashierAccounts.sol";
import {ITransferAuthorizations} from "../../contracts/token/ITransferAuthorizations.sol";
import {Permit} from "../../contracts/token/PermitLib.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";
import {PermitKit} from "../support/PermitKit.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Deposits and withdrawals: who is credited, and from whom the BLOC comes.
contract CashierAccountsTest is CashierStage {
    using SystemLib for System;

    bytes32 private constant NONCE = keccak256("nonce");

    function test_ADepositForAnotherComesFromTheCaller() public {
        system().fund(STRANGER, 5e18);
        vm.startPrank(STRANGER);
        token.approve(address(cashier), 5e18);
        vm.expectEmit(address(cashier));
        emit ICashierAccounts.Deposited(payer, STRANGER, 5e18);
        cashier.depositFor(payer, 5e18);
        vm.stopPrank();
        vm.assertEq(free(payer), ESCROW + 5e18, "credited");
        vm.assertEq(free(STRANGER), 0, "not the caller");
        vm.assertEq(token.balanceOf(STRANGER), 0, "the caller paid");
    }

    /// @dev The payer's allowance for the Cashier is for the payer's calls only.
    function test_RevertsWhen_ADepositForAnotherWouldUseTheOthersAllowance() public {
        bytes32 before = books();
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(cashier),
                0,
                1e18
            )
        );
        vm.prank(STRANGER);
        cashier.depositFor(payer, 1e18);
        vm.assertEq(books(), before, "nothing moves");
    }

    function test_APermitIsTheAllowance() public {
        vm.startPrank(payer);
        token.approve(address(cashier), 0);
        cashier.depositWithPermit(7e18, _permit(7e18));
        vm.stopPrank();
        vm.assertEq(free(payer), ESCROW + 7e18, "credited");
        vm.assertEq(token.allowance(payer, address(cashier)), 0, "used up");
    }

    /// @dev A stranger who saw the permit can only use it up; the deposit goes on, and another's permit is useless.
    function test_AUsedPermitDoesNotStopItsPayer() public {
        vm.prank(payer);
        token.approve(address(cashier), 0);
        Permit memory permit = _permit(7e18);
        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(cashier),
                0,
                7e18
            )
        );
        cashier.depositWithPermit(7e18, permit);
        vm.assertEq(free(STRANGER), 0, "not a stranger");

        address spender = address(cashier);
        vm.prank(STRANGER);
        token.permit(payer, spender, 7e18, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(payer);
        cashier.depositWithPermit(7e18, permit);
        vm.assertEq(free(payer), ESCROW + 7e18, "credited");
    }

    function test_AnAuthorizationCreditsItsSigner() public {
        bytes memory signature = _authorization(address(cashier));
        vm.expectEmit(address(cashier));
        emit ICashierAccounts.Deposited(payer, payer, 9e18);
        vm.prank(STRANGER);
        cashier.depositWithAuthorization(payer, 9e18, 0, _deadline(), NONCE, signature);
        vm.assertEq(free(payer), ESCROW + 9e18, "credited");
        vm.assertEq(free(STRANGER), 0, "not the sender");
    }

    function test_RevertsWhen_AnAuthorizationIsForAnotherAccountOrAmountOrReceiver() public {
        bytes memory signature = _authorization(address(cashier));
        bytes32 before = books();
        _refuseAuthorization(STRANGER, 9e18, signature);
        _refuseAuthorization(payer, 8e18, signature);
        _refuseAuthorization(payer, 9e18, _authorization(STRANGER));
        vm.assertEq(books(), before, "nothing moves");
        cashier.depositWithAuthorization(payer, 9e18, 0, _deadline(), NONCE, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationUsed.selector,
                payer,
                NONCE
            )
        );
        cashier.depositWithAuthorization(payer, 9e18, 0, _deadline(), NONCE, signature);
        vm.assertEq(free(payer), ESCROW + 9e18, "once");
    }

    function test_RevertsWhen_NothingIsDeposited() public {
        bytes memory signature = _authorization(address(cashier));
        vm.expectRevert(ICashierAccounts.CashierDepositZero.selector);
        cashier.deposit(0);
        vm.expectRevert(ICashierAccounts.CashierDepositZero.selector);
        cashier.depositFor(payer, 0);
        Permit memory permit = _permit(0);
        vm.expectRevert(ICashierAccounts.CashierDepositZero.selector);
        cashier.depositWithPermit(0, permit);
        uint256 deadline = _deadline();
        vm.expectRevert(ICashierAccounts.CashierDepositZero.selector);
        cashier.depositWithAuthorization(payer, 0, 0, deadline, NONCE, signature);
        vm.expectRevert(ICashierAccounts.CashierPayerZero.selector);
        cashier.depositFor(address(0), 1);
    }

    function test_WhatNoTabReservesIsWithdrawnAtOnce() public {
        open();
        _withdrawFails(payer, ESCROW - LIMIT + 1, ESCROW - LIMIT);
        vm.expectEmit(address(cashier));
        emit ICashierAccounts.Withdrawn(payer, ESCROW - LIMIT);
        vm.prank(payer);
        cashier.withdraw(ESCROW - LIMIT);
        vm.assertEq(token.balanceOf(payer), 1_000e18 - LIMIT, "received");
        _withdrawFails(payer, 1, 0);
        _withdrawFails(STRANGER, 1, 0);
    }

    /// @dev BLOC that was sent without a deposit belongs to no account, and no account can take it.
    function test_TheBooksCountAndNotTheBalance() public {
        vm.prank(payer);
        token.transfer(address(cashier), 50e18);
        vm.assertEq(free(payer), ESCROW, "not credited");
        _withdrawFails(payer, ESCROW + 1, ESCROW);
    }

    function _withdrawFails(address account, uint96 amount, uint256 spare) private {
        bytes32 before = books();
        vm.expectRevert(
            abi.encodeWithSelector(ICashierAccounts.CashierNotFree.selector, account, amount, spare)
        );
        vm.prank(account);
        cashier.withdraw(amount);
        vm.assertEq(books(), before, "nothing moves");
    }

    function _refuseAuthorization(address from, uint96 amount, bytes memory signature) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationSignature.selector,
                from
            )
        );
        cashier.depositWithAuthorization(from, amount, 0, _deadline(), NONCE, signature);
    }

    function _deadline() private view returns (uint256) {
        return vm.getBlockTimestamp() + 100;
    }

    function _permit(uint256 amount) private view returns (Permit memory) {
        return PermitKit.sign(token, PAYER_KEY, address(cashier), amount, _deadline());
    }

    function _authorization(address to) private view returns (bytes memory) {
        return CashierKit.receiveSignature(token, PAYER_KEY, to, 9e18, _deadline(), NONCE);
    }
}
