// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashierAccounts} from "../../contracts/cashier/ICashierAccounts.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {TabState} from "../../contracts/libraries/TabWord.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";
import {OneDigestWallet, RefusingWallet, RevertingWallet} from "../support/Wallets.sol";

/// @notice Opening, raising and closing tabs, and the keys that may.
contract CashierTabsTest is CashierStage {
    using CashierKit for bytes32;

    function test_ATabIsStoredAsSigned() public {
        open();
        ICashierTabs.TabView memory view_ = cashier.tabOf(payer, service, tab);
        vm.assertTrue(view_.state == TabState.Open, "open");
        vm.assertEq(view_.signer, terms.signer, "signer");
        vm.assertEq(view_.limit, LIMIT, "limit");
        vm.assertEq(view_.endsAt, terms.expiresAt, "expiry");
        vm.assertEq(view_.redeemableUntil, terms.expiresAt + 2 days, "redemption");
        vm.assertEq(cashier.tabIdOf(COLLECTOR, SALT), tab, "its ID");
        vm.assertEq(cashier.tabDigest(terms), domain.digest(terms), "its digest");
    }

    // Terms

    function test_RevertsWhen_AnotherThanTheCollectorOpens() public {
        bytes memory signature = CashierKit.sign(PAYER_KEY, domain.digest(terms));
        vm.expectRevert(
            abi.encodeWithSelector(ICashierTabs.CashierNotCollector.selector, tab, STRANGER, SALT)
        );
        openWith(STRANGER, SALT, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICashierTabs.CashierNotCollector.selector,
                tab,
                COLLECTOR,
                bytes32(0)
            )
        );
        openWith(COLLECTOR, 0, signature);
    }

    function test_RevertsWhen_TheTimesAreOutOfBounds() public {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        terms.openBy = now_ - 1;
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabLate.selector, tab, now_ - 1));
        terms.openBy = now_ + 1 days + 1;
        openFails(
            abi.encodeWithSelector(
                ICashierTabs.CashierTabOpenBy.selector,
                tab,
                terms.openBy,
                now_ + 1 days
            )
        );
        terms.openBy = now_;
        uint40[2] memory wrong = [now_, now_ + 30 days + 1];
        for (uint256 i = 0; i < 2; ++i) {
            terms.expiresAt = wrong[i];
            openFails(
                abi.encodeWithSelector(
                    ICashierTabs.CashierTabExpiry.selector,
                    tab,
                    wrong[i],
                    now_ + 30 days
                )
            );
        }
        terms.openBy = now_ + 1 days;
        terms.expiresAt = now_ + 30 days;
        open();
    }

    function test_RevertsWhen_SignerLimitOrServiceIsMissing() public {
        terms.signer = address(0);
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabSignerZero.selector, tab));
        terms = newTerms();
        terms.limit = 0;
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabLimitZero.selector, tab));
        terms = newTerms();
        bytes32[3] memory subs = [
            bytes32(0),
            service | bytes32(uint256(1)),
            service | bytes32(uint256(1) << 160)
        ];
        for (uint256 i = 0; i < 3; ++i) {
            terms.service = subs[i];
            openFails(abi.encodeWithSelector(ICashierTabs.CashierNotRoot.selector, subs[i]));
        }
        terms.service = bytes32(uint256(number + 1) << 192);
        openFails(
            abi.encodeWithSelector(ICashierTabs.CashierServiceUnknown.selector, terms.service)
        );
    }

    function test_RevertsWhen_TheAccountCannotSecureIt() public {
        terms.limit = ESCROW + 1;
        openFails(
            abi.encodeWithSelector(
                ICashierAccounts.CashierNotFree.selector,
                payer,
                ESCROW + 1,
                ESCROW
            )
        );
    }

    // Signatures

    function test_RevertsWhen_AnotherSigned() public {
        openFails(
            0xbad,
            abi.encodeWithSelector(ICashierTabs.CashierTabSignature.selector, tab, payer)
        );
        // Of another chain, and of another contract.
        domain = CashierKit.separator(address(cashier), block.chainid + 1);
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabSignature.selector, tab, payer));
        domain = CashierKit.separator(address(token), block.chainid);
        openFails(abi.encodeWithSelector(ICashierTabs.CashierTabSignature.selector, tab, payer));
    }

    /// @dev EIP-7702: the code at an account cannot deny its key.
    function test_APayersCodeCannotDenyItsKey() public {
        vm.etch(payer, address(new RevertingWallet()).code);
        open();
        vm.assertEq(reserved(payer), LIMIT, "open");
    }

    function test_APayersContractSigns() public {
        OneDigestWallet wallet = new OneDigestWallet();
        vm.prank(payer);
        cashier.depositFor(address(wallet), 50e18);
        terms.payer = address(wallet);
        wallet.accept(domain.digest(terms), "as agreed");
        openWith(COLLECTOR, SALT, "as agreed");
        vm.assertEq(reserved(address(wallet)), LIMIT, "open");
    }

    function test_RevertsWhen_APayersContractRefuses() public {
        address[3] memory wallets = [
            address(new RefusingWallet()),
            address(new RevertingWallet()),
            address(token)
        ];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(payer);
            cashier.depositFor(wallets[i], 20e18);
            terms.payer = wallets[i];
            terms.limit = 20e18;
            openFails(
                abi.encodeWithSelector(ICashierTabs.CashierTabSignature.selector, tab, wallets[i])
            );
        }
    }

    // Keys of a payer

    function test_AKeyOpensTabsWithinItsLimit() public {
        uint40 until = uint40(vm.getBlockTimestamp() + 1 hours);
        vm.expectEmit(address(cashier));
        emit ICashierTabs.SignerAuthorized(payer, terms.signer, LIMIT + 1e18, until);
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, LIMIT + 1e18, until);
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        (uint256 left, ) = cashier.signerOf(payer, terms.signer);
        vm.assertEq(left, 1e18, "charged");

        // A raise costs the difference. Closing gives nothing back.
        terms.limit = LIMIT + 1e18 + 1;
        openFails(
            SIGNER_KEY,
            abi.encodeWithSelector(
                ICashierTabs.CashierSignerLimit.selector,
                payer,
                terms.signer,
                1e18 + 1,
                1e18
            )
        );
        terms.limit = LIMIT + 1e18;
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        (left, ) = cashier.signerOf(payer, terms.signer);
        vm.assertEq(left, 0, "used up");
    }

    function test_ARevokedKeyOpensNoTabAndItsOpenTabsGoOn() public {
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, ESCROW, type(uint40).max);
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        vm.expectEmit(address(cashier));
        emit ICashierTabs.SignerRevoked(payer, terms.signer);
        vm.prank(payer);
        cashier.revokeSigner(terms.signer);

        bytes memory refusal = abi.encodeWithSelector(
            ICashierTabs.CashierSignerUnknown.selector,
            payer,
            terms.signer
        );
        terms.limit = LIMIT + 1;
        openFails(SIGNER_KEY, refusal);
        vm.assertEq(redeem(voucher(LIMIT)), LIMIT, "its vouchers count");
        vm.expectRevert(refusal);
        vm.prank(payer);
        cashier.revokeSigner(terms.signer);
    }

    function test_RevertsWhen_AKeysTimeIsOverOrItSignsForAnotherKey() public {
        uint40 until = uint40(vm.getBlockTimestamp());
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, ESCROW, until);
        later(1);
        terms = newTerms();
        openFails(
            SIGNER_KEY,
            abi.encodeWithSelector(ICashierTabs.CashierSignerUnknown.selector, payer, terms.signer)
        );
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, ESCROW, type(uint40).max);
        terms.signer = STRANGER;
        openFails(
            SIGNER_KEY,
            abi.encodeWithSelector(ICashierTabs.CashierTabSignature.selector, tab, payer)
        );
        vm.expectRevert(ICashierTabs.CashierSignerZero.selector);
        vm.prank(payer);
        cashier.authorizeSigner(address(0), 1, until);
    }

    // Raising

    function test_ATabRisesAndNeverFalls() public {
        open();
        uint96 limit = terms.limit;
        uint40 expiresAt = terms.expiresAt;
        bytes memory refusal = abi.encodeWithSelector(
            ICashierTabs.CashierTabNotRaised.selector,
            tab,
            limit,
            expiresAt
        );
        // A replay of the same authorization, too.
        openFails(refusal);
        terms.limit = limit - 1;
        terms.expiresAt = expiresAt + 1;
        openFails(refusal);
        terms.limit = limit + 1;
        terms.expiresAt = expiresAt - 1;
        openFails(refusal);
        terms = newTerms();
        terms.signer = STRANGER;
        terms.limit = limit + 1;
        openFails(
            abi.encodeWithSelector(
                ICashierTabs.CashierTabOtherSigner.selector,
                tab,
                vm.addr(SIGNER_KEY)
            )
        );
        redeem(voucher(7e18));
        terms = newTerms();
        terms.limit = limit + 5e18;
        vm.expectEmit(address(cashier));
        emit ICashierTabs.TabRaised(payer, service, tab, limit + 5e18, expiresAt);
        open();
        terms.expiresAt = expiresAt + 1;
        open();
        vm.assertEq(reserved(payer), limit + 5e18, "reserved");
        vm.assertEq(cashier.tabOf(payer, service, tab).redeemed, 7e18, "redemptions stay");
    }

    // Closing

    function test_APayerAnnouncesAndTheCollectorHasADay() public {
        open();
        redeem(voucher(5e18));
        uint256 until = vm.getBlockTimestamp() + 1 days;
        vm.expectEmit(address(cashier));
        emit ICashierTabs.TabClosing(payer, service, tab, until);
        vm.prank(payer);
        cashier.announceClosing(service, tab);
        bytes memory closing = abi.encodeWithSelector(
            ICashierTabs.CashierTabIsClosing.selector,
            tab
        );
        vm.expectRevert(closing);
        vm.prank(payer);
        cashier.announceClosing(service, tab);
        terms.limit += 1;
        openFails(closing);

        vm.warp(until);
        _closeFails(abi.encodeWithSelector(ICashierTabs.CashierTabRedeemable.selector, tab, until));
        redeem(voucher(6e18));
        vm.warp(until + 1);
        redeemFails(
            voucher(7e18),
            abi.encodeWithSelector(ICashierTabs.CashierTabOver.selector, tab, until, until + 1)
        );
        vm.expectEmit(address(cashier));
        emit ICashierTabs.TabClosed(payer, service, tab, 6e18, LIMIT - 6e18);
        vm.prank(STRANGER);
        cashier.closeTab(payer, service, tab);
        vm.assertEq(free(payer), ESCROW - 6e18, "the rest is back");
    }

    /// @dev An announcement never gives the collector more time than it had.
    function test_AnAnnouncementIsNoExtension() public {
        open();
        uint256 until = uint256(terms.expiresAt) + 2 days;
        vm.warp(until - 10);
        vm.prank(payer);
        cashier.announceClosing(service, tab);
        vm.assertEq(cashier.tabOf(payer, service, tab).redeemableUntil, until, "as before");
    }

    function test_AnExpiredTabIsRedeemableForTwoDaysAndThenClosedByAnyone() public {
        open();
        uint256 until = uint256(terms.expiresAt) + 2 days;
        vm.warp(until);
        redeem(voucher(1e18));
        _closeFails(abi.encodeWithSelector(ICashierTabs.CashierTabRedeemable.selector, tab, until));
        vm.warp(until + 1);
        redeemFails(
            voucher(2e18),
            abi.encodeWithSelector(ICashierTabs.CashierTabOver.selector, tab, until, until + 1)
        );
        terms = newTerms();
        openFails(
            abi.encodeWithSelector(ICashierTabs.CashierTabOver.selector, tab, until, until + 1)
        );
        vm.prank(STRANGER);
        cashier.closeTab(payer, service, tab);
        vm.assertEq(reserved(payer), 0, "nothing reserved");
    }

    function test_AClosedTabsIdIsDead() public {
        open();
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        bytes memory dead = abi.encodeWithSelector(
            ICashierTabs.CashierTabDead.selector,
            tab,
            payer,
            service
        );
        openFails(dead);
        redeemFails(voucher(1e18), dead);
        _closeFails(dead);
        vm.expectRevert(dead);
        vm.prank(payer);
        cashier.announceClosing(service, tab);
        vm.expectRevert(dead);
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
    }

    function test_RevertsWhen_AStrangerClosesOrTheTabIsUnknown() public {
        open();
        bytes32 strangers = keccak256(abi.encode(STRANGER, SALT));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICashierTabs.CashierTabUnknown.selector,
                strangers,
                payer,
                service
            )
        );
        vm.prank(STRANGER);
        cashier.closeAsCollector(payer, service, SALT);
        vm.expectRevert(
            abi.encodeWithSelector(ICashierTabs.CashierTabUnknown.selector, tab, STRANGER, service)
        );
        vm.prank(STRANGER);
        cashier.announceClosing(service, tab);
    }

    function _closeFails(bytes memory refusal) private {
        bytes32 before = books();
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        cashier.closeTab(payer, service, tab);
        vm.assertEq(books(), before, "nothing moves");
    }
}
