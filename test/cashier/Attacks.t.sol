// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {ICashierAccounts} from "../../contracts/cashier/ICashierAccounts.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {TabState, TabWord, TabWordLib} from "../../contracts/libraries/TabWord.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {ISkippingBatch} from "../../contracts/proof-of-service/ISkippingBatch.sol";
import {IEpochClock} from "../../contracts/registry/IEpochClock.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ITransferAuthorizations} from "../../contracts/token/ITransferAuthorizations.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";
import {RevertingWallet} from "../support/Wallets.sol";

/// @notice Attacks on the Cashier: each tries to take, void or lock BLOC of others, and shows what stops it.
contract CashierAttacksTest is CashierStage {
    using CashierKit for bytes32;

    bytes4 private constant _TAB_SIGNATURE = ICashierTabs.CashierTabSignature.selector;
    bytes4 private constant _NOT_COLLECTOR = ICashierTabs.CashierNotCollector.selector;
    bytes4 private constant _UNKNOWN = ICashierTabs.CashierTabUnknown.selector;
    bytes4 private constant _DEAD = ICashierTabs.CashierTabDead.selector;

    // Being paid twice

    function test_OneVoucherPaysOnceHoweverItIsSent() public {
        open();
        ICashier.Redemption[] memory items = new ICashier.Redemption[](2);
        (items[0], items[1]) = (voucher(5e18), voucher(5e18));
        bytes[] memory inner = new bytes[](2);
        inner[0] = abi.encodeCall(ICashier.redeemBatch, (items));
        inner[1] = abi.encodeCall(ICashier.redeem, (items[0]));
        bytes[] memory outer = new bytes[](3);
        outer[0] = abi.encodeCall(ISkippingBatch.tryMulticall, (inner));
        outer[1] = abi.encodeCall(ICashier.collect, (service));
        outer[2] = outer[0];
        vm.prank(COLLECTOR);
        cashier.tryMulticall(outer);
        vm.assertEq(cashier.collectedOf(service), 5e18, "once");
        vm.assertEq(cashier.earnedOf(service), 0, "nothing more");
    }

    /// @dev Two payers with one hot key, one collector and one salt: the tabs have one ID and one signer.
    function test_AVoucherOfOnePayerIsNotPaidByAnother() public {
        open();
        address other = otherPayer();
        terms.payer = other;
        openAs(COLLECTOR, SALT, OTHER_KEY);
        ICashier.Redemption memory item = voucher(5e18);
        item.voucher.payer = other;
        (, bytes memory reason) = cashier.redeemable(item, COLLECTOR);
        isError(reason, ICashier.CashierVoucherSigner.selector);
        redeemFails(item, reason);
        vm.assertEq(cashier.tabOf(other, service, tab).redeemed, 0, "untouched");
    }

    /// @dev A dead tab has no signer, and a malformed signature recovers none: they must not match.
    function test_ADeadTabAndAMalformedSignatureMakeNoPayment() public {
        ICashier.Redemption memory item = voucher(5e18);
        item.v = 29;
        redeemFails(item, abi.encodeWithSelector(_UNKNOWN, tab, payer, service));
        open();
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        redeemFails(item, abi.encodeWithSelector(_DEAD, tab, payer, service));
    }

    /// @dev Bits above the type of an amount, even if the tab's signer signed them.
    function test_DirtyWordsArePaidNothing() public {
        open();
        uint256[3] memory bits = [uint256(96), 96, 8];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory data = abi.encodeCall(ICashier.redeem, (voucher(5e18)));
            // The selector, three words, then `cumulative`, `base` and `minGrade`.
            uint256 place = 32 + 4 + (3 + i) * 32;
            uint256 dirt = 1 << bits[i];
            bytes32 structHash;
            bytes32 typeHash = keccak256(
                "Voucher(address payer,bytes32 service,bytes32 tab,uint96 cumulative,"
                "uint96 base,uint8 minGrade,uint32 epoch)"
            );
            assembly ("memory-safe") {
                mstore(add(data, place), or(mload(add(data, place)), dirt))
                // The word before the voucher: the selector, which comes back.
                let start := add(data, 4)
                let kept := mload(start)
                mstore(start, typeHash)
                structHash := keccak256(start, 256)
                mstore(start, kept)
            }
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(
                SIGNER_KEY,
                keccak256(abi.encodePacked(hex"1901", domain, structHash))
            );
            assembly ("memory-safe") {
                mstore(add(data, 292), v)
                mstore(add(data, 324), r)
                mstore(add(data, 356), s)
            }
            bytes32 before = books();
            vm.prank(COLLECTOR);
            (bool ok, ) = address(cashier).call(data);
            vm.assertFalse(ok, vm.toString(i));
            vm.assertEq(books(), before, "nothing moves");
        }
    }

    /// @dev Neighbours in the word of a tab never touch each other.
    function testFuzz_TheWordOfATabKeepsItsParts(
        uint96 a,
        uint96 b,
        uint40 time,
        uint8 luck
    ) public pure {
        TabState state = TabState(luck % 4);
        TabWord word = TabWordLib.pack(a, b, time, state);
        _parts(word, a, b, time, state);
        _parts(word.withRedeemed(~b), a, ~b, time, state);
        _parts(word.withState(~time, TabState.Closing), a, b, ~time, TabState.Closing);
    }

    // Closing

    /// @dev An authorization that a collector kept back opens nothing after an announcement, not with another salt, and
    /// not for another collector; what was open stays payable to its limit.
    function test_AnAnnouncementEndsWhatWasSignedBefore() public {
        open();
        terms.limit = LIMIT + 1e18;
        bytes memory kept = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        vm.prank(payer);
        cashier.announceClosing(service, tab);
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabIsClosing.selector, tab));
        bytes32 salt = bytes32(uint256(2));
        vm.expectRevert(abi.encodeWithSelector(_NOT_COLLECTOR, tab, COLLECTOR, salt));
        openWith(COLLECTOR, salt, kept);
        vm.expectRevert(abi.encodeWithSelector(_NOT_COLLECTOR, tab, STRANGER, SALT));
        openWith(STRANGER, SALT, kept);
        terms.tab = keccak256(abi.encode(COLLECTOR, salt));
        vm.expectRevert(abi.encodeWithSelector(_TAB_SIGNATURE, terms.tab, payer));
        openWith(COLLECTOR, salt, kept);
        vm.assertEq(redeem(voucher(LIMIT)), LIMIT, "payable");
    }

    /// @dev What was passed over goes back once, also if the tab was raised in between.
    function test_ARaiseBetweenRedemptionsChangesNoSum() public {
        open();
        next.base = 10e18;
        redeem(voucher(12e18));
        terms.limit = LIMIT + 20e18;
        open();
        next.base = 50e18;
        redeem(voucher(LIMIT + 20e18));
        vm.assertEq(cashier.earnedOf(service), 12e18, "earned");
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        vm.assertEq(free(payer), ESCROW - 12e18, "the rest");
        vm.assertEq(reserved(payer), 0, "nothing is reserved");
    }

    /// @dev A payer cannot secure two tabs with the same BLOC, not even by a tab to itself.
    function test_WhatATabReservesSecuresNoOther() public {
        open();
        terms.tab = keccak256(abi.encode(payer, SALT));
        terms.limit = ESCROW - LIMIT + 1;
        bytes memory signature = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICashierAccounts.CashierNotFree.selector,
                payer,
                terms.limit,
                ESCROW - LIMIT
            )
        );
        openWith(payer, SALT, signature);
        vm.assertEq(redeem(voucher(LIMIT)), LIMIT, "secured");
    }

    // Grades

    /// @dev With epochs longer than a quarter of `NOTICE`, an announcement would void what is not yet due.
    function test_RevertsWhen_AnnouncementsEndBeforeGradedVouchersAreDue() public {
        _epochs(21_601);
        vm.expectRevert(
            abi.encodeWithSelector(ICashier.CashierEpochTooLong.selector, 21_601, 21_600)
        );
        this.newCashier();
        _epochs(21_600);
        cashier = this.newCashier();
        vm.warp(cashier.epochStart(3));
        terms = newTerms();
        domain = CashierKit.separator(address(cashier), block.chainid);
        vm.startPrank(payer);
        token.approve(address(cashier), ESCROW);
        cashier.deposit(ESCROW);
        vm.stopPrank();
        open();
        vm.prank(payer);
        cashier.announceClosing(service, tab);

        // Signed after the announcement, in the same epoch; due in the last quarter of the day.
        (next.epoch, next.minGrade) = (cashier.currentEpoch(), 2);
        vm.mockCall(
            address(registry),
            abi.encodeWithSelector(IServiceRegistry.auditAt.selector),
            abi.encode(0, true, address(0))
        );
        vm.mockCall(
            address(settlement),
            abi.encodeWithSelector(ISettlement.verdictOf.selector),
            abi.encode(3, true)
        );
        vm.warp(cashier.epochStart(next.epoch + 3));
        vm.assertEq(redeem(voucher(5e18)), 5e18, "in time");
    }

    /// @dev One batch, one epoch: the grade of a verified service pays nothing of another one.
    function test_AnotherServicesGradeDoesNotCount() public {
        open();
        bytes32 bad = _service(registerService());
        terms.service = bad;
        open();
        enter(8);
        (next.epoch, next.minGrade) = (5, 2);
        for (uint32 epoch = 4; epoch <= 6; ++epoch) {
            _verdict(number, epoch, 3);
            _verdict(number + 1, epoch, 0);
        }
        ICashier.Redemption[] memory items = new ICashier.Redemption[](3);
        items[0] = voucher(1e18);
        next.service = bad;
        items[1] = voucher(1e18);
        next.service = service;
        items[2] = voucher(3e18);
        vm.prank(COLLECTOR);
        vm.assertEq(cashier.redeemBatch(items), 3e18, "the verified one");
        vm.assertEq(cashier.earnedOf(bad), 0, "not the other");
    }

    /// @dev A provider that asks before the verdicts are final, or after one is gone, hears of no grade.
    function test_AGradeIsKnownOnlyWhileItDecides() public {
        for (uint32 epoch = 4; epoch <= 6; ++epoch) {
            _verdict(number, epoch, 3);
        }
        uint32[4] memory time = [uint32(7), 8, 5 + 255, 5 + 256];
        for (uint256 i = 0; i < 4; ++i) {
            enter(time[i]);
            (, bool known) = cashier.gradeOf(service, 5);
            vm.assertEq(known, i == 1 || i == 2, vm.toString(i));
        }
        uint32[2] memory edges = [uint32(0), type(uint32).max];
        for (uint256 i = 0; i < 2; ++i) {
            enter(8);
            (, bool known) = cashier.gradeOf(service, edges[i]);
            vm.assertFalse(known, "no grade");
        }
    }

    function test_RevertsWhen_AGradedVoucherHasTooLittleGasInAMulticall() public {
        open();
        for (uint32 epoch = 4; epoch <= 6; ++epoch) {
            _verdict(number, epoch, 3);
        }
        enter(8);
        (next.epoch, next.minGrade) = (5, 2);
        multicallLacksGas(abi.encodeCall(ICashier.redeem, (voucher(5e18))), 100_000);
        vm.assertEq(redeem(voucher(5e18)), 5e18, "with enough");
    }

    // Collection

    /// @dev BLOC calls no receiver, so a hostile payout address stops no collection and sees no half-done state.
    function test_AHostilePayoutIsPaidLikeAnyOther() public {
        open();
        address payout = address(new RevertingWallet());
        vm.prank(PROVIDER);
        registry.setPayout(number, payout);
        redeem(voucher(10e18));
        cashier.collect(service);
        vm.assertEq(token.balanceOf(payout), 9.8e18, "paid");
        vm.prank(PROVIDER);
        registry.setPayout(number, address(0));
        redeem(voucher(20e18));
        uint256 before = token.balanceOf(PROVIDER);
        cashier.collect(service);
        vm.assertEq(token.balanceOf(PROVIDER) - before, 9.8e18, "zero means the owner");
    }

    function test_SmallCollectionsDoNotAvoidTheFee() public {
        open();
        uint256 before = token.balanceOf(PROVIDER);
        for (uint96 i = 1; i <= 50; ++i) {
            redeem(voucher(i));
            cashier.collect(service);
            if (i == 1) {
                // A fee of 1 wei: the pool refuses 0, which must not keep it back.
                (uint256 burned, uint256 contributed) = cashier.forwardFees();
                vm.assertEq(burned, 1, "burned");
                vm.assertEq(contributed, 0, "not contributed");
            }
        }
        vm.assertEq(token.balanceOf(PROVIDER), before, "1 wei of each");
    }

    /// @dev The Cashier approves the pool for ever, and is an account of the token: neither gives its BLOC to others.
    function test_NobodyMovesTheCashiersBlocByTheTokenOrThePool() public {
        bytes32 before = books();
        vm.prank(STRANGER);
        (bool ok, ) = address(pool).call(abi.encodeCall(pool.contribute, (1e18)));
        vm.assertFalse(ok, "the stranger has none");
        uint256 end = vm.getBlockTimestamp() + 100;
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationSignature.selector,
                address(cashier)
            )
        );
        token.transferWithAuthorization(address(cashier), STRANGER, 1, 0, end, SALT, "any");
        vm.assertEq(books(), before, "nothing moves");
    }

    /// @dev By a call, so that its revert can be expected.
    function newCashier() external returns (ICashier) {
        return Artifacts.newCashier(address(settlement));
    }

    function _parts(TabWord word, uint96 a, uint96 b, uint40 time, TabState state) private pure {
        vm.assertEq(word.limit(), a, "limit");
        vm.assertEq(word.redeemed(), b, "redeemed");
        vm.assertEq(word.endsAt(), time, "time");
        vm.assertTrue(word.state() == state, "state");
    }

    function _epochs(uint32 length) private {
        bytes memory call = abi.encodeCall(IEpochClock.epochSeconds, ());
        vm.mockCall(address(settlement), call, abi.encode(length));
    }

    function _verdict(uint64 of_, uint32 epoch, uint8 grade) private {
        vm.mockCall(
            address(settlement),
            abi.encodeCall(ISettlement.verdictOf, (of_, epoch)),
            abi.encode(grade, true)
        );
    }

    function _service(uint64 of_) private pure returns (bytes32) {
        return bytes32(uint256(of_) << 192);
    }
}
