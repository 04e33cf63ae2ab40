// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";
import {RefusingWallet} from "../support/Wallets.sol";

/// @notice Vouchers: what each wrong one is refused for, and who is paid.
contract CashierVouchersTest is CashierStage {
    using CashierKit for bytes32;

    function setUp() public override {
        super.setUp();
        open();
    }

    // Amounts

    function test_RevertsWhen_TheCumulativeAmountDoesNotRise() public {
        redeem(voucher(5e18));
        redeemFails(voucher(5e18), _refusal(ICashier.CashierNotHigher.selector, 5e18, 5e18));
        redeemFails(voucher(4e18), _refusal(ICashier.CashierNotHigher.selector, 4e18, 5e18));
        redeemFails(voucher(0), _refusal(ICashier.CashierNotHigher.selector, 0, 5e18));
    }

    function test_RevertsWhen_ItIsOverTheLimit() public {
        redeemFails(
            voucher(LIMIT + 1),
            _refusal(ICashier.CashierOverLimit.selector, LIMIT + 1, LIMIT)
        );
        vm.assertEq(redeem(voucher(LIMIT)), LIMIT, "the whole limit");
    }

    function test_RevertsWhen_TheBaseIsNotBelow() public {
        next.base = 5e18;
        redeemFails(voucher(5e18), _refusal(ICashier.CashierBase.selector, 5e18, 5e18));
    }

    /// @dev An epoch that was not redeemed is not paid later, and its amount goes back to the payer.
    function test_WhatLiesBelowTheBaseIsPassedOver() public {
        redeem(voucher(3e18));
        next.base = 8e18;
        vm.assertEq(redeem(voucher(10e18)), 2e18, "above the base");
        vm.assertEq(cashier.tabOf(payer, service, tab).passed, 5e18, "passed over");
        next.base = 0;
        vm.assertEq(redeem(voucher(11e18)), 1e18, "above what is redeemed");
        vm.assertEq(cashier.earnedOf(service), 6e18, "earned");
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        vm.assertEq(free(payer), ESCROW - 6e18, "only what was earned is gone");
    }

    // Signatures

    function test_RevertsWhen_AnotherKeySigned() public {
        next.cumulative = 1e18;
        uint256[2] memory keys = [PAYER_KEY, uint256(0xbad)];
        for (uint256 i = 0; i < 2; ++i) {
            redeemFails(signed(keys[i]), _otherSigner(vm.addr(keys[i])));
        }
        ICashier.Redemption memory item = signed(SIGNER_KEY);
        item.v = 29;
        redeemFails(item, _otherSigner(address(0)));
        // The malleable twin.
        item = signed(SIGNER_KEY);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        (item.s, item.v) = (bytes32(order - uint256(item.s)), 55 - item.v);
        redeemFails(item, _otherSigner(address(0)));
    }

    function test_RevertsWhen_AFieldDiffersFromTheSignedOne() public {
        ICashier.Redemption memory item = voucher(5e18);
        item.voucher.cumulative = 6e18;
        _changed(item);
        item = voucher(5e18);
        item.voucher.base = 1;
        _changed(item);
        item = voucher(5e18);
        item.voucher.epoch = 1;
        _changed(item);
        item = voucher(5e18);
        item.voucher.minGrade = 1;
        _changed(item);
    }

    /// @dev The same contract at the same address on a fork, and another contract on the same chain.
    function test_RevertsWhen_ItIsOfAnotherChainOrContract() public {
        next.cumulative = 1e18;
        bytes32 here = domain;
        domain = CashierKit.separator(address(token), block.chainid);
        _changed(signed(SIGNER_KEY));
        domain = CashierKit.separator(address(cashier), block.chainid + 1);
        _changed(signed(SIGNER_KEY));
        domain = here;
        ICashier.Redemption memory item = signed(SIGNER_KEY);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        _changed(item);
        vm.chainId(chain);
        vm.assertEq(redeem(item), 1e18, "at home");
    }

    /// @dev EIP-7702: code at the signer is not asked, neither to deny nor to accept.
    function test_CodeAtTheSignerIsNeverAsked() public {
        ICashier.Redemption memory item = voucher(1e18);
        vm.etch(terms.signer, address(new RefusingWallet()).code);
        vm.assertEq(redeem(item), 1e18, "its key counts");
    }

    // Tabs

    function test_RevertsWhen_TheTabIsAnothers() public {
        next.cumulative = 1e18;
        ICashier.Redemption memory item = signed(SIGNER_KEY);
        redeemFails(
            STRANGER,
            item,
            abi.encodeWithSelector(ICashierTabs.CashierNotCollector.selector, tab, STRANGER, SALT)
        );
        next.payer = STRANGER;
        redeemFails(signed(SIGNER_KEY), _unknown(STRANGER, service));
        next.payer = payer;
        next.service = bytes32(uint256(number + 1) << 192);
        redeemFails(signed(SIGNER_KEY), _unknown(payer, next.service));
    }

    /// @dev A payer that redeemed a voucher to itself first would void the provider's.
    function test_RevertsWhen_ThePayerRedeems() public {
        next.base = LIMIT - 1;
        ICashier.Redemption memory item = voucher(LIMIT);
        redeemFails(
            payer,
            item,
            abi.encodeWithSelector(ICashierTabs.CashierNotCollector.selector, tab, payer, SALT)
        );
    }

    // Batches

    function test_ABatchSkipsBadItemsAndPaysTheOthers() public {
        ICashier.Redemption[] memory items = new ICashier.Redemption[](4);
        items[0] = voucher(1e18);
        items[1] = voucher(1e18);
        items[2] = voucher(LIMIT + 1);
        items[3] = voucher(9e18);
        bytes memory lower = _refusal(ICashier.CashierNotHigher.selector, 1e18, 1e18);
        bytes memory over = _refusal(ICashier.CashierOverLimit.selector, LIMIT + 1, LIMIT);
        vm.expectEmit(address(cashier));
        emit ICashier.RedemptionSkipped(1, tab, lower);
        vm.expectEmit(address(cashier));
        emit ICashier.RedemptionSkipped(2, tab, over);
        vm.prank(COLLECTOR);
        vm.assertEq(cashier.redeemBatch(items), 9e18, "the good ones");
        vm.assertEq(cashier.earnedOf(service), 9e18, "earned");
    }

    /// @dev Each service gets what its own vouchers say, in any order.
    function test_ABatchCreditsEachServiceItsOwn() public {
        uint64 second = registerService();
        bytes32 other = bytes32(uint256(second) << 192);
        terms.service = other;
        open();
        ICashier.Redemption[] memory items = new ICashier.Redemption[](4);
        for (uint96 i = 0; i < 4; ++i) {
            next.service = i % 2 == 0 ? service : other;
            items[i] = voucher((i + 1) * 1e18);
        }
        vm.prank(COLLECTOR);
        vm.assertEq(cashier.redeemBatch(items), 7e18, "all");
        vm.assertEq(cashier.earnedOf(service), 3e18, "one");
        vm.assertEq(cashier.earnedOf(other), 4e18, "the other");
    }

    function test_RevertsWhen_ABatchIsEmptyOrTooLong() public {
        uint256[2] memory lengths = [uint256(0), 101];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(ICashier.CashierBatchLength.selector, lengths[i], 100)
            );
            vm.prank(COLLECTOR);
            cashier.redeemBatch(new ICashier.Redemption[](lengths[i]));
        }
    }

    // Collection

    function test_ABuyerOfTheServiceIsPaidToItsPayout() public {
        redeem(voucher(10e18));
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, number);
        cashier.collect(service);
        vm.assertEq(token.balanceOf(STRANGER), 9.8e18, "the owner of this moment");
        redeem(voucher(20e18));
        vm.prank(STRANGER);
        registry.setPayout(number, address(0x9a1d));
        cashier.collect(service);
        vm.assertEq(token.balanceOf(address(0x9a1d)), 9.8e18, "its payout address");
    }

    function test_TheTabsOfARetiredServiceGoOn() public {
        vm.prank(PROVIDER);
        registry.retire(number);
        vm.assertEq(redeem(voucher(10e18)), 10e18, "redeemed");
        uint256 before = token.balanceOf(PROVIDER);
        cashier.collect(service);
        vm.assertEq(token.balanceOf(PROVIDER) - before, 9.8e18, "paid");
    }

    function test_RevertsWhen_ThereIsNothingToCollectOrForward() public {
        vm.expectRevert(abi.encodeWithSelector(ICashier.CashierNothingEarned.selector, service));
        cashier.collect(service);
        vm.expectRevert(ICashier.CashierNoFees.selector);
        cashier.forwardFees();
    }

    /// @dev The fee is rounded up, and so is its burned half.
    function testFuzz_TheFeeIsTwoPercent(uint96 amount) public {
        amount = uint96(1 + (uint256(amount) % LIMIT));
        redeem(voucher(amount));
        uint256 before = token.balanceOf(PROVIDER);
        uint256 supply = token.totalSupply();
        cashier.collect(service);
        uint256 fee = amount - (token.balanceOf(PROVIDER) - before);
        vm.assertGe(fee * 100, uint256(amount) * 2, "at least 2%");
        vm.assertLt(fee * 100, uint256(amount) * 2 + 100, "not a wei more than rounded up");
        vm.assertEq(cashier.fees(), fee, "its account");
        cashier.forwardFees();
        uint256 burned = supply - token.totalSupply();
        vm.assertEq(burned, (fee + 1) / 2, "half, rounded up");
        vm.assertEq(pool.contributions(), fee - burned, "the rest");
        vm.assertEq(token.balanceOf(address(cashier)), ESCROW - amount, "nothing else moves");
    }

    function _changed(ICashier.Redemption memory item) private {
        bytes32 before = books();
        (uint256 amount, bytes memory reason) = cashier.redeemable(item, COLLECTOR);
        vm.assertEq(amount, 0, "worth nothing");
        bytes4 selector = bytes4(reason);
        vm.assertEq(
            bytes32(selector),
            bytes32(ICashier.CashierVoucherSigner.selector),
            "another signer"
        );
        redeemFails(item, reason);
        vm.assertEq(books(), before, "nothing moves");
    }

    function _refusal(bytes4 selector, uint256 a, uint256 b) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, tab, a, b);
    }

    function _otherSigner(address recovered) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                ICashier.CashierVoucherSigner.selector,
                tab,
                recovered,
                terms.signer
            );
    }

    function _unknown(address of_, bytes32 for_) private view returns (bytes memory) {
        return abi.encodeWithSelector(ICashierTabs.CashierTabUnknown.selector, tab, of_, for_);
    }
}
