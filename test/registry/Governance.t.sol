// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ISuccession} from "../../contracts/registry/ISuccession.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IRegistry} from "../support/Interfaces.sol";
import {CLOSING_SECONDS, EPOCH_SECONDS} from "../support/System.sol";

/// @notice The registry's access manager after a public deployment: the governor is its only admin, and each of its
/// decisions has a delay.
contract GovernanceTest is Deployment {
    uint64 private constant ADMIN = 0;
    uint64 private constant CLERKS = 7;
    uint32 private constant DELAY = 2 days;
    address private constant BOARD = address(0xb0a4d);
    address private constant CLERK = address(0xc1e4c);

    IAccessManager private _manager;
    IRegistry private _registry;

    function setUp() public override {
        super.setUp();
        _manager = Artifacts.newAccessManager(address(this));
        _registry = Artifacts.newRegistry(
            EPOCH_SECONDS,
            address(_manager),
            address(0),
            CLOSING_SECONDS
        );
        _manager.grantRole(ADMIN, BOARD, DELAY);
        _manager.renounceRole(ADMIN, address(this));
    }

    function test_ADecisionIsAnnouncedAndWaits() public {
        bytes memory call = abi.encodeCall(_registry.announceClosing, ());
        bytes32 id = _manager.hashOperation(BOARD, address(_registry), call);
        vm.startPrank(BOARD);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, id)
        );
        _manager.execute(address(_registry), call);
        _manager.schedule(address(_registry), call, 0);
        uint48 due = uint48(vm.getBlockTimestamp()) + DELAY;
        vm.assertEq(_manager.getSchedule(id), due, "when");
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, id));
        _manager.execute(address(_registry), call);
        vm.warp(due);
        _manager.execute(address(_registry), call);
        vm.assertEq(_registry.closesAt(), due + CLOSING_SECONDS, "announced");
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, id)
        );
        _manager.execute(address(_registry), call);
    }

    function test_ADecisionLapsesAndCanBeCalledOff() public {
        bytes memory call = abi.encodeCall(_registry.announceClosing, ());
        bytes32 id = _manager.hashOperation(BOARD, address(_registry), call);
        vm.startPrank(BOARD);
        _manager.schedule(address(_registry), call, 0);
        _manager.cancel(BOARD, address(_registry), call);
        vm.assertEq(_manager.getSchedule(id), 0, "called off");
        _manager.schedule(address(_registry), call, 0);
        vm.warp(vm.getBlockTimestamp() + DELAY + _manager.expiration());
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerExpired.selector, id));
        _manager.execute(address(_registry), call);
        vm.assertEq(_registry.closesAt(), 0, "nothing happened");
    }

    function test_RevertsWhen_TheGovernorCallsPastItsDelay() public {
        vm.startPrank(BOARD);
        bytes memory call = abi.encodeCall(_registry.announceClosing, ());
        bytes32 id = _manager.hashOperation(BOARD, address(_registry), call);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, id)
        );
        _registry.announceClosing();
    }

    function test_AnotherRoleDoesWhatItWasGivenAndNoMore() public {
        _decide(
            address(_manager),
            abi.encodeCall(
                _manager.setTargetFunctionRole,
                (address(_registry), _only(_registry.setClassOpen.selector), CLERKS)
            )
        );
        _decide(address(_manager), abi.encodeCall(_manager.grantRole, (CLERKS, CLERK, 0)));
        vm.startPrank(CLERK);
        // The permission is granted, but the class does not exist.
        vm.expectRevert();
        _registry.setClassOpen(0, true);
        bytes memory refusal = abi.encodeWithSelector(
            IAccessManaged.AccessManagedUnauthorized.selector,
            CLERK
        );
        vm.expectRevert(refusal);
        _registry.announceClosing();
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedAccount.selector,
                CLERK,
                ADMIN
            )
        );
        _manager.grantRole(CLERKS, STRANGER, 0);
        vm.stopPrank();

        _decide(address(_manager), abi.encodeCall(_manager.revokeRole, (CLERKS, CLERK)));
        vm.expectRevert(refusal);
        vm.prank(CLERK);
        _registry.setClassOpen(0, true);
    }

    function test_TheDeployerHasNoSayLeft() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this))
        );
        _registry.announceClosing();
        (bool isMember, ) = _manager.hasRole(ADMIN, address(this));
        vm.assertFalse(isMember, "no admin");
    }

    /// @dev Only the manager can hand the registry over to another manager.
    function test_OnlyTheManagerNamesAnotherManager() public {
        IAccessManager next = Artifacts.newAccessManager(CLERK);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, BOARD)
        );
        vm.prank(BOARD);
        IAccessManaged(address(_registry)).setAuthority(address(next));
        _decide(
            address(_manager),
            abi.encodeCall(_manager.updateAuthority, (address(_registry), address(next)))
        );
        vm.assertEq(IAccessManaged(address(_registry)).authority(), address(next), "handed over");
        vm.prank(CLERK);
        _registry.announceClosing();
    }

    /// @dev A closed target permits no calls: the governor has locked itself out.
    function test_AClosedTargetIsClosedToAll() public {
        _decide(
            address(_manager),
            abi.encodeCall(_manager.setTargetClosed, (address(_registry), true))
        );
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, BOARD)
        );
        vm.prank(BOARD);
        _registry.announceClosing();
    }

    /// @dev After the loss of the governor only its own functions are unavailable.
    function test_WithoutAGovernorNothingClosesTheRegistry() public {
        vm.prank(BOARD);
        _manager.renounceRole(ADMIN, BOARD);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, BOARD)
        );
        vm.prank(BOARD);
        _registry.announceClosing();
        vm.expectRevert(
            abi.encodeWithSelector(ISuccession.RegistryPredecessorOpen.selector, address(_registry))
        );
        Artifacts.newRegistry(
            EPOCH_SECONDS,
            address(_manager),
            address(_registry),
            CLOSING_SECONDS
        );
    }

    function _decide(address target, bytes memory call) private {
        vm.startPrank(BOARD);
        _manager.schedule(target, call, 0);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        _manager.execute(target, call);
        vm.stopPrank();
    }

    function _only(bytes4 selector) private pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](1);
        selectors[0] = selector;
    }
}
