// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Permit} from "../../contracts/token/PermitLib.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {PermitKit} from "../support/PermitKit.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice BLOC behaves as wallets, exchanges and contracts with ERC-20 and ERC-2612 expect.
contract Erc20Test is Deployment {
    using SystemLib for System;

    uint256 private constant KEY = 0xb10c;
    uint256 private constant HELD = 100e18;
    address private constant RECIPIENT = address(0x4ec);

    address private _holder;

    function setUp() public override {
        super.setUp();
        _holder = vm.addr(KEY);
        system().fund(_holder, HELD);
    }

    function test_SaysWhatItIs() public view {
        vm.assertEq(bytes(token.name()), "Blockcloud", "name");
        vm.assertEq(bytes(token.symbol()), "BLOC", "symbol");
        vm.assertEq(token.decimals(), 18, "decimals");
    }

    // Transfers

    function test_ATransferMovesSomeAllOrNothing() public {
        uint256[3] memory amounts = [uint256(0), 30e18, 70e18];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectEmit(address(token));
            emit IERC20.Transfer(_holder, RECIPIENT, amounts[i]);
            vm.prank(_holder);
            vm.assertTrue(token.transfer(RECIPIENT, amounts[i]), "says that it did");
        }
        vm.assertEq(token.balanceOf(_holder), 0, "all is gone");
        vm.assertEq(token.balanceOf(RECIPIENT), HELD, "all has come");
    }

    function test_ATransferToOneselfChangesNothing() public {
        vm.prank(_holder);
        token.transfer(_holder, HELD);
        vm.assertEq(token.balanceOf(_holder), HELD, "the same");
    }

    function test_RevertsWhen_MoreIsSentThanThereIs() public {
        vm.expectRevert(_balance(_holder, HELD, HELD + 1));
        vm.prank(_holder);
        token.transfer(RECIPIENT, HELD + 1);
        vm.expectRevert(_balance(RECIPIENT, 0, 1));
        vm.prank(RECIPIENT);
        token.transfer(_holder, 1);
    }

    function test_RevertsWhen_ItIsSentToNobody() public {
        bytes memory refusal = abi.encodeWithSelector(
            IERC20Errors.ERC20InvalidReceiver.selector,
            address(0)
        );
        vm.startPrank(_holder);
        vm.expectRevert(refusal);
        token.transfer(address(0), 1);
        token.approve(_holder, 1);
        vm.expectRevert(refusal);
        token.transferFrom(_holder, address(0), 1);
    }

    // Allowances

    function test_AnAllowanceIsReplacedNotAdded() public {
        vm.startPrank(_holder);
        for (uint256 amount = 3; amount > 0; --amount) {
            vm.expectEmit(address(token));
            emit IERC20.Approval(_holder, STRANGER, amount);
            vm.assertTrue(token.approve(STRANGER, amount), "says that it did");
            vm.assertEq(token.allowance(_holder, STRANGER), amount, "replaced");
        }
        // More than the supply, and revoked.
        token.approve(STRANGER, type(uint128).max);
        token.approve(STRANGER, 0);
        vm.assertEq(token.allowance(_holder, STRANGER), 0, "none");
    }

    function test_ASpenderTakesUpToItsAllowance() public {
        vm.prank(_holder);
        token.approve(STRANGER, 40e18);
        vm.startPrank(STRANGER);
        vm.expectEmit(address(token));
        emit IERC20.Transfer(_holder, RECIPIENT, 30e18);
        vm.assertTrue(token.transferFrom(_holder, RECIPIENT, 30e18), "says that it did");
        vm.assertEq(token.allowance(_holder, STRANGER), 10e18, "less");
        vm.expectRevert(_allowance(STRANGER, 10e18, 10e18 + 1));
        token.transferFrom(_holder, RECIPIENT, 10e18 + 1);
        token.transferFrom(_holder, RECIPIENT, 10e18);
        vm.assertEq(token.balanceOf(RECIPIENT), 40e18, "all that was allowed");
    }

    function test_AnInfiniteAllowanceStaysWhatItIs() public {
        vm.prank(_holder);
        token.approve(STRANGER, type(uint256).max);
        vm.prank(STRANGER);
        token.transferFrom(_holder, RECIPIENT, HELD);
        vm.assertEq(token.allowance(_holder, STRANGER), type(uint256).max, "infinite");
    }

    function test_RevertsWhen_TheAllowanceIsMoreThanThereIs() public {
        vm.prank(_holder);
        token.approve(STRANGER, HELD + 1);
        vm.expectRevert(_balance(_holder, HELD, HELD + 1));
        vm.prank(STRANGER);
        token.transferFrom(_holder, RECIPIENT, HELD + 1);
    }

    function test_RevertsWhen_NobodyIsAllowedToSpend() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, address(0))
        );
        vm.prank(_holder);
        token.approve(address(0), 1);
    }

    /// @dev Without an allowance, `transferFrom` cannot even move the caller's own BLOC.
    function test_RevertsWhen_OneHasNoAllowanceOfOneself() public {
        vm.expectRevert(_allowance(_holder, 0, 1));
        vm.prank(_holder);
        token.transferFrom(_holder, RECIPIENT, 1);
    }

    // Burning

    function test_BurningTakesOutOfHolderAndSupply() public {
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(token));
        emit IERC20.Transfer(_holder, address(0), 40e18);
        vm.startPrank(_holder);
        token.burn(40e18);
        vm.expectRevert(_balance(_holder, 60e18, 60e18 + 1));
        token.burn(60e18 + 1);
        token.approve(STRANGER, 10e18);
        vm.stopPrank();
        vm.startPrank(STRANGER);
        vm.expectRevert(_allowance(STRANGER, 10e18, 10e18 + 1));
        token.burnFrom(_holder, 10e18 + 1);
        token.burnFrom(_holder, 10e18);
        vm.assertEq(token.allowance(_holder, STRANGER), 0, "used");
        vm.assertEq(supply - token.totalSupply(), 50e18, "the supply is less");
        vm.assertEq(token.balanceOf(_holder), 50e18, "and the holder has less");
    }

    // Permits

    function test_APermitIsUsedOnceAndInOrder() public {
        uint256 deadline = vm.getBlockTimestamp();
        Permit memory second = PermitKit.sign(token, KEY, STRANGER, 2, deadline, 1);
        Permit memory first = PermitKit.sign(token, KEY, STRANGER, 1, deadline, 0);
        _permitFails(second);
        vm.expectEmit(address(token));
        emit IERC20.Approval(_holder, STRANGER, 1);
        _permit(first);
        vm.assertEq(token.nonces(_holder), 1, "used");
        _permitFails(first);
        _permit(second);
        vm.assertEq(token.allowance(_holder, STRANGER), 2, "the later one counts");
    }

    function test_APermitHoldsUpToItsDeadline() public {
        uint256 deadline = vm.getBlockTimestamp() + 10;
        Permit memory permit = PermitKit.sign(token, KEY, STRANGER, 1, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(bytes4(keccak256("ERC2612ExpiredSignature(uint256)")), deadline)
        );
        _permit(permit);
        vm.warp(deadline);
        _permit(permit);
        vm.assertEq(token.allowance(_holder, STRANGER), 1, "in its last second");
    }

    function test_RevertsWhen_APermitSaysSomethingElse() public {
        uint256 deadline = vm.getBlockTimestamp();
        Permit memory permit = PermitKit.sign(token, KEY, STRANGER, 1, deadline);
        permit.value = 2;
        _permitFails(permit);
        _permitFails(PermitKit.sign(token, 0xbad, STRANGER, 1, deadline));
        _permitFails(PermitKit.sign(token, KEY, RECIPIENT, 1, deadline));
        vm.assertEq(token.nonces(_holder), 0, "nothing was used");
    }

    /// @dev The domain is that of the chain and of this contract.
    function test_TheDomainIsTheTokens() public view {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Blockcloud"),
                keccak256("1"),
                block.chainid,
                address(token)
            )
        );
        vm.assertEq(token.DOMAIN_SEPARATOR(), separator, "separator");
    }

    function testFuzz_NothingIsMadeOrLost(uint256 sent, uint256 taken, uint256 burned) public {
        sent = sent % (HELD + 1);
        taken = taken % (HELD - sent + 1);
        burned = burned % (HELD - sent - taken + 1);
        uint256 supply = token.totalSupply();
        vm.startPrank(_holder);
        token.transfer(RECIPIENT, sent);
        token.approve(STRANGER, taken);
        token.burn(burned);
        vm.stopPrank();
        vm.prank(STRANGER);
        token.transferFrom(_holder, STRANGER, taken);
        vm.assertEq(token.totalSupply(), supply - burned, "supply");
        vm.assertEq(
            token.balanceOf(_holder) + token.balanceOf(RECIPIENT) + token.balanceOf(STRANGER),
            HELD - burned,
            "balances"
        );
    }

    function _permit(Permit memory p) private {
        token.permit(_holder, STRANGER, p.value, p.deadline, p.v, p.r, p.s);
    }

    function _permitFails(Permit memory p) private {
        uint256 nonce = token.nonces(_holder);
        try token.permit(_holder, STRANGER, p.value, p.deadline, p.v, p.r, p.s) {
            revert("a permit that says something else was taken");
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(keccak256("ERC2612InvalidSigner(address,address)"));
            vm.assertEq(bytes32(bytes4(reason)), bytes32(selector), "the signer is another");
        }
        vm.assertEq(token.nonces(_holder), nonce, "nothing was used");
    }

    function _balance(
        address account,
        uint256 has,
        uint256 needs
    ) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                account,
                has,
                needs
            );
    }

    function _allowance(
        address spender,
        uint256 has,
        uint256 needs
    ) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                spender,
                has,
                needs
            );
    }
}
