// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {TabAuthorization, Voucher} from "../../contracts/libraries/VoucherLib.sol";
import {ISkippingBatch} from "../../contracts/proof-of-service/ISkippingBatch.sol";
import {CashierKit} from "./CashierKit.sol";
import {vm} from "./Cheatcodes.sol";
import {Deployment} from "./Deployment.sol";
import {System, SystemLib} from "./System.sol";

/// @title CashierStage
/// @notice Base of the Cashier's tests: a service, a payer with 100 BLOC in escrow, a key that signs vouchers, and a
/// collector. A test changes `terms` and `next` before it uses them.
abstract contract CashierStage is Deployment {
    using SystemLib for System;
    using CashierKit for bytes32;

    uint256 internal constant PAYER_KEY = 0xbeef;
    uint256 internal constant OTHER_KEY = 0x07e4;
    uint256 internal constant SIGNER_KEY = 0x51611e4;
    address internal constant COLLECTOR = address(0xc011);
    bytes32 internal constant SALT = bytes32(uint256(1));
    uint96 internal constant ESCROW = 100e18;
    uint96 internal constant LIMIT = 40e18;

    address internal payer;
    uint64 internal number;
    bytes32 internal service;
    bytes32 internal tab;
    bytes32 internal domain;
    TabAuthorization internal terms;
    Voucher internal next;

    function setUp() public virtual override {
        super.setUp();
        payer = vm.addr(PAYER_KEY);
        number = registerService();
        service = bytes32(uint256(number) << 192);
        tab = keccak256(abi.encode(COLLECTOR, SALT));
        domain = CashierKit.separator(address(cashier), block.chainid);
        terms = newTerms();
        next = Voucher(payer, service, tab, 0, 0, 0, 0);
        system().fund(payer, 1_000e18);
        vm.startPrank(payer);
        token.approve(address(cashier), type(uint256).max);
        cashier.deposit(ESCROW);
        vm.stopPrank();
    }

    /// @notice The terms of a tab for a day.
    function newTerms() internal view returns (TabAuthorization memory) {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        return
            TabAuthorization({
                payer: payer,
                service: service,
                tab: tab,
                signer: vm.addr(SIGNER_KEY),
                limit: LIMIT,
                openBy: now_ + 1 hours,
                expiresAt: now_ + 1 days
            });
    }

    /// @notice Opens or raises the tab by `terms`, as the payer signs them.
    function open() internal {
        openAs(COLLECTOR, SALT, PAYER_KEY);
    }

    function openAs(address collector, bytes32 salt, uint256 key) internal {
        openWith(collector, salt, CashierKit.sign(key, domain.digest(terms)));
    }

    function openWith(address collector, bytes32 salt, bytes memory signature) internal {
        vm.prank(collector);
        cashier.openTab(terms, salt, signature);
    }

    function openFails(bytes memory refusal) internal {
        openFails(PAYER_KEY, refusal);
    }

    function openFails(uint256 key, bytes memory refusal) internal {
        bytes memory signature = CashierKit.sign(key, domain.digest(terms));
        bytes32 before = books();
        vm.expectRevert(refusal);
        openWith(COLLECTOR, SALT, signature);
        vm.assertEq(books(), before, "nothing moves");
    }

    /// @notice The voucher `next`, with a cumulative amount, signed by the tab's signer.
    function voucher(uint96 cumulative) internal returns (ICashier.Redemption memory) {
        next.cumulative = cumulative;
        return signed(SIGNER_KEY);
    }

    function signed(uint256 key) internal view returns (ICashier.Redemption memory) {
        return domain.redemption(key, next, SALT);
    }

    function redeem(ICashier.Redemption memory item) internal returns (uint256) {
        vm.prank(COLLECTOR);
        return cashier.redeem(item);
    }

    /// @notice {redeem}, the view and the batch refuse an item for the same reason, and nothing moves.
    function redeemFails(ICashier.Redemption memory item, bytes memory refusal) internal {
        redeemFails(COLLECTOR, item, refusal);
    }

    function redeemFails(
        address collector,
        ICashier.Redemption memory item,
        bytes memory refusal
    ) internal {
        bytes32 before = books();
        vm.expectRevert(refusal);
        vm.prank(collector);
        cashier.redeem(item);

        (uint256 amount, bytes memory reason) = cashier.redeemable(item, collector);
        vm.assertEq(amount, 0, "worth nothing");
        vm.assertEq(keccak256(reason), keccak256(refusal), "the view says why");

        ICashier.Redemption[] memory items = new ICashier.Redemption[](1);
        items[0] = item;
        vm.expectEmit(address(cashier));
        emit ICashier.RedemptionSkipped(0, item.voucher.tab, refusal);
        vm.prank(collector);
        vm.assertEq(cashier.redeemBatch(items), 0, "skipped");
        vm.assertEq(books(), before, "nothing moves");
    }

    /// @notice All the Cashier's books for the stage, and its BLOC.
    function books() internal view returns (bytes32) {
        (, uint256 held, uint256 spare) = cashier.accountOf(payer);
        (uint256 left, ) = cashier.signerOf(payer, terms.signer);
        return
            keccak256(
                abi.encode(
                    held,
                    spare,
                    left,
                    cashier.tabOf(payer, service, tab),
                    cashier.earnedOf(service),
                    cashier.collectedOf(service),
                    token.balanceOf(address(cashier)),
                    token.balanceOf(payer)
                )
            );
    }

    /// @notice A second payer, with the same escrow.
    function otherPayer() internal returns (address other) {
        other = vm.addr(OTHER_KEY);
        vm.prank(payer);
        cashier.depositFor(other, ESCROW);
    }

    /// @notice A multicall with a call that lacks gas reverts as a whole.
    function multicallLacksGas(bytes memory call, uint256 gas) internal {
        bytes[] memory calls = new bytes[](1);
        calls[0] = call;
        vm.prank(COLLECTOR);
        try cashier.tryMulticall{gas: gas}(calls) {
            vm.assertTrue(false, "must revert");
        } catch (bytes memory reason) {
            isError(reason, ISkippingBatch.BatchCallOutOfGas.selector);
        }
    }

    function isError(bytes memory reason, bytes4 selector) internal pure {
        vm.assertEq(bytes32(bytes4(reason)), bytes32(selector), "the error");
    }

    function free(address account) internal view returns (uint256 amount) {
        (, , amount) = cashier.accountOf(account);
    }

    function reserved(address account) internal view returns (uint256 amount) {
        (, amount, ) = cashier.accountOf(account);
    }

    function later(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }
}
