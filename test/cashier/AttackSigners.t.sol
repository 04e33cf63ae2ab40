// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ICashierAccounts} from "../../contracts/cashier/ICashierAccounts.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";
import {AnsweringWallet, BombWallet, BurningWallet, ReenteringWallet} from "../support/Wallets.sol";

/// @notice Attacks on the Cashier by those who may sign: contracts of payers, and keys that payers authorized.
contract CashierAttackSignersTest is CashierStage {
    using CashierKit for bytes32;

    bytes4 private constant _TAB_SIGNATURE = ICashierTabs.CashierTabSignature.selector;
    /// @dev What {openTab} costs beside the question to a payer's contract.
    uint256 private constant OPENING_GAS = 120_000;
    uint256 private constant SIGNATURE_GAS = 300_000;

    // A payer's contract is hostile to the collector

    /// @dev The free part is read before the question and written after it. If the contract could withdraw in between,
    /// it would keep the tab and the BLOC that secures it.
    function test_APayersContractCannotWithdrawWhileItIsAsked() public {
        address wallet = address(new ReenteringWallet(ICashierAccounts(address(cashier))));
        _fundWallet(wallet);
        _walletRefused(wallet);
        vm.assertEq(free(wallet), LIMIT, "still there");
        vm.assertEq(token.balanceOf(wallet), 0, "nothing taken");
    }

    function test_APayersContractBurnsOnlyTheGasOfItsQuestion() public {
        address wallet = address(new BurningWallet());
        _fundWallet(wallet);
        uint256 before = gasleft();
        _walletRefused(wallet);
        vm.assertLt(before - gasleft(), SIGNATURE_GAS + OPENING_GAS, "gas");
    }

    function test_ALongAnswerIsNotCopied() public {
        address wallet = address(new BombWallet());
        _fundWallet(wallet);
        uint256 before = gasleft();
        openWith(COLLECTOR, SALT, "any");
        vm.assertLt(before - gasleft(), SIGNATURE_GAS + OPENING_GAS, "gas");
        vm.assertEq(reserved(wallet), LIMIT, "its first word counts");
    }

    /// @dev Of an answer that is no `bytes4` of the ABI nothing counts.
    function test_OnlyAWholeWordIsAnAnswer() public {
        bytes4 yes = IERC1271.isValidSignature.selector;
        bytes[4] memory answers = [
            bytes(""),
            abi.encodePacked(yes),
            abi.encodePacked(yes, new bytes(27)),
            abi.encodePacked(yes, bytes28(uint224(1)))
        ];
        for (uint256 i = 0; i < answers.length; ++i) {
            address wallet = address(new AnsweringWallet(answers[i]));
            _fundWallet(wallet);
            _walletRefused(wallet);
        }
    }

    /// @dev The estimation of a node would otherwise settle at gas with which the opening fails.
    function test_RevertsWhen_ThereIsTooLittleGasToAskAPayersContract() public {
        address wallet = address(
            new AnsweringWallet(abi.encode(IERC1271.isValidSignature.selector))
        );
        _fundWallet(wallet);
        vm.prank(COLLECTOR);
        try cashier.openTab{gas: SIGNATURE_GAS}(terms, SALT, "any") {
            vm.assertTrue(false, "must revert");
        } catch (bytes memory reason) {
            isError(reason, ICashierTabs.CashierGas.selector);
        }
        multicallLacksGas(abi.encodeCall(ICashierTabs.openTab, (terms, SALT, "any")), 250_000);
        openWith(COLLECTOR, SALT, "any");
    }

    /// @dev Code at a key (EIP-7702) that accepts everything: a key of a payer signs by recovery alone.
    function test_CodeAtASessionKeyOpensNothing() public {
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, ESCROW, type(uint40).max);
        bytes memory code = address(
            new AnsweringWallet(abi.encode(IERC1271.isValidSignature.selector))
        ).code;
        vm.etch(terms.signer, code);
        openFails(0xbad, abi.encodeWithSelector(_TAB_SIGNATURE, tab, payer));
    }

    // Session keys

    /// @dev Over services, collectors and salts, and in its last second.
    function test_AKeysLimitIsOneForAllItsTabs() public {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, 50e18, now_);
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        (terms.service, terms.limit) = (bytes32(uint256(registerService()) << 192), 11e18);
        bytes memory refusal = abi.encodeWithSelector(
            ICashierTabs.CashierSignerLimit.selector,
            payer,
            terms.signer,
            11e18,
            10e18
        );
        openFails(SIGNER_KEY, refusal);
        terms.tab = keccak256(abi.encode(STRANGER, SALT));
        bytes memory signature = CashierKit.sign(SIGNER_KEY, domain.digest(terms));
        vm.expectRevert(refusal);
        openWith(STRANGER, SALT, signature);
        terms.limit = 10e18;
        openAs(STRANGER, SALT, SIGNER_KEY);
        vm.assertEq(reserved(payer), 50e18, "its limit");
    }

    function test_AKeyOfOnePayerOpensNothingForAnother() public {
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, ESCROW, type(uint40).max);
        address other = otherPayer();
        terms.payer = other;
        openFails(
            SIGNER_KEY,
            abi.encodeWithSelector(ICashierTabs.CashierSignerUnknown.selector, other, terms.signer)
        );
    }

    /// @dev A payer that lowers a limit risks both limits, and not more: the key may use the old one first.
    function test_AKeyThatIsFasterThanItsNewLimitGetsBothAndNotMore() public {
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, LIMIT, type(uint40).max);
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        vm.prank(payer);
        cashier.authorizeSigner(terms.signer, 10e18, type(uint40).max);
        terms.limit = LIMIT + 10e18;
        openAs(COLLECTOR, SALT, SIGNER_KEY);
        terms.limit += 1;
        openFails(
            SIGNER_KEY,
            abi.encodeWithSelector(
                ICashierTabs.CashierSignerLimit.selector,
                payer,
                terms.signer,
                1,
                0
            )
        );
    }

    function _fundWallet(address wallet) private {
        vm.prank(payer);
        cashier.depositFor(wallet, LIMIT);
        terms.payer = wallet;
    }

    function _walletRefused(address wallet) private {
        vm.expectRevert(abi.encodeWithSelector(_TAB_SIGNATURE, tab, wallet));
        openWith(COLLECTOR, SALT, "any");
        vm.assertEq(reserved(wallet), 0, "no tab");
    }
}
