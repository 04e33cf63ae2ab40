// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Permit} from "../../contracts/token/PermitLib.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {PermitKit} from "../support/PermitKit.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    LABEL_MINIMUM_AGE,
    LABEL_PRICE,
    SERVICE_FEE,
    SERVICE_STAKE,
    System,
    SystemLib
} from "../support/System.sol";

/// @notice Each call that takes BLOC can include a permit for its allowance, in one transaction. Regardless of the
/// permit, the allowance decides.
contract PermitsTest is Deployment {
    using SystemLib for System;

    uint256 private constant KEY = 0xb10c;
    bytes32 private constant SALT = keccak256("salt");
    /// @dev The calls that take a permit.
    uint256 private constant CALLS = 5;

    address private _owner;
    uint64 private _number;
    uint64 private _other;
    uint64 private _moved;

    function setUp() public override {
        super.setUp();
        _owner = vm.addr(KEY);
        _number = system().register(_owner, SERVICE_STAKE);
        _other = registerService();
        _moved = system().register(_owner, SERVICE_STAKE);
        enter(3);
        bytes32 commitment = labels.labelCommitment("oracle", _owner, SALT);
        vm.startPrank(_owner);
        registry.retire(_moved);
        labels.commitLabel(commitment);
        token.approve(address(staking), 0);
        vm.stopPrank();
        vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
        system().fund(_owner, 20_000e18);
    }

    function test_ATakeOverBringsItsAllowance() public {
        system().close();
        System memory next = system().succeed();
        Permit memory permit = PermitKit.sign(
            token,
            KEY,
            address(next.staking),
            SERVICE_STAKE,
            vm.getBlockTimestamp()
        );
        vm.prank(_owner);
        next.registry.takeOverWithPermit(_moved, 0, STRANGER, "GET /", "", SERVICE_STAKE, permit);
        vm.assertEq(next.registry.ownerOf(_moved), _owner, "taken over");
        vm.assertEq(token.allowance(_owner, address(next.staking)), 0, "exactly the stake");
    }

    function test_EachCallBringsItsAllowance() public {
        for (uint256 i = 0; i < CALLS; ++i) {
            (, uint256 amount) = _terms(i);
            uint256 before = token.balanceOf(_owner);
            vm.assertTrue(_call(i, _permit(i)), _name(i));
            vm.assertEq(before - token.balanceOf(_owner), amount, _name(i));
            (address spender, ) = _terms(i);
            vm.assertEq(token.allowance(_owner, spender), 0, "exactly what was signed");
        }
    }

    /// @dev A pending permit is public: a stranger that sends it first gains nothing.
    function test_APermitThatAStrangerSentFirstDoesNoHarm() public {
        for (uint256 i = 0; i < CALLS; ++i) {
            Permit memory permit = _permit(i);
            (address spender, ) = _terms(i);
            vm.prank(STRANGER);
            token.permit(
                _owner,
                spender,
                permit.value,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            );
            vm.assertTrue(_call(i, permit), _name(i));
        }
    }

    function test_AnAllowanceThatIsThereNeedsNoGoodPermit() public {
        for (uint256 i = 0; i < CALLS; ++i) {
            (address spender, uint256 amount) = _terms(i);
            vm.prank(_owner);
            token.approve(spender, amount);
            Permit memory none;
            vm.assertTrue(_call(i, none), _name(i));
        }
    }

    function test_WithNeitherTheAllowanceSaysWhatIsMissing() public {
        for (uint256 i = 0; i < CALLS; ++i) {
            (address spender, uint256 amount) = _terms(i);
            Permit[4] memory bad;
            bad[0] = PermitKit.sign(token, KEY, spender, amount, vm.getBlockTimestamp() - 1);
            bad[1] = PermitKit.sign(token, 0xbad, spender, amount, type(uint256).max);
            bad[2] = PermitKit.sign(token, KEY, STRANGER, amount, type(uint256).max);
            for (uint256 j = 0; j < 4; ++j) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IERC20Errors.ERC20InsufficientAllowance.selector,
                        spender,
                        0,
                        amount
                    )
                );
                _raw(i, bad[j]);
            }
        }
    }

    /// @dev The owner of a permit must be the caller: no account can stake, pay or register with another's permit.
    function test_APermitIsTheCallers() public {
        Permit memory permit = _permit(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(staking),
                0,
                AUDITOR_STAKE
            )
        );
        vm.prank(STRANGER);
        staking.stakeAuditorWithPermit(AUDITOR_STAKE, permit);
        vm.assertEq(token.allowance(_owner, address(staking)), 0, "not used either");
    }

    function _permit(uint256 i) private view returns (Permit memory) {
        (address spender, uint256 amount) = _terms(i);
        return PermitKit.sign(token, KEY, spender, amount, vm.getBlockTimestamp());
    }

    /// @dev The spender and its amount.
    function _terms(uint256 i) private view returns (address spender, uint256 amount) {
        if (i == 0) return (address(staking), SERVICE_STAKE + SERVICE_FEE);
        if (i == 1) return (address(staking), AUDITOR_STAKE);
        if (i == 2) return (address(staking), 1e18);
        if (i == 3) return (address(book), CHALLENGE_BOND);
        return (address(labels), LABEL_PRICE);
    }

    function _name(uint256 i) private pure returns (string memory) {
        string[5] memory names = [
            "register",
            "stake of an auditor",
            "stake of a service",
            "challenge",
            "label"
        ];
        return names[i];
    }

    function _call(uint256 i, Permit memory permit) private returns (bool) {
        _raw(i, permit);
        return true;
    }

    function _raw(uint256 i, Permit memory permit) private {
        vm.prank(_owner);
        if (i == 1) staking.stakeAuditorWithPermit(AUDITOR_STAKE, permit);
        else if (i == 2) staking.stakeServiceWithPermit(_number, 1e18, permit);
        else if (i == 3) book.challengeWithPermit(_other, permit);
        else if (i == 4) labels.setLabelWithPermit(_number, "oracle", SALT, permit);
        else registry.registerWithPermit(0, STRANGER, "GET /", "", SERVICE_STAKE, permit);
    }
}
