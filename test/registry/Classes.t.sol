// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {GOVERNOR, System, SystemLib} from "../support/System.sol";

contract ClassesTest is Deployment {
    using SystemLib for System;

    address private constant KEY = address(0x4e1);

    function test_TheLaunchClasses() public view {
        vm.assertEq(registry.classCount(), 2, "count");
        IServiceClasses.ServiceClass memory kind = registry.classAt(1);
        vm.assertEq(kind.name, "json-rpc", "name");
        vm.assertEq(kind.minimumStake, 1_000e18, "minimum");
        vm.assertEq(kind.registrationFee, 10e18, "fee");
        vm.assertEq(kind.open, true, "open");
        vm.assertEq(kind.poorMs, 10_000, "bound");
        vm.assertEq(kind.verifier, address(verifier), "verifier");
    }

    function test_GovernanceAddsAClass() public {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("dns", address(verifier));
        (kind.minimumStake, kind.registrationFee) = (7, 3);
        vm.expectEmit(address(registry));
        emit IServiceClasses.ClassAdded(2, "dns");
        vm.expectEmit(address(registry));
        emit IServiceClasses.ClassOpenSet(2, true);
        vm.assertEq(_add(kind), 2, "the next index");

        vm.assertEq(
            keccak256(abi.encode(registry.classAt(2))),
            keccak256(abi.encode(kind)),
            "as it was given"
        );
        _fund(10);
        uint64 number = _register(2, 7);
        vm.assertEq(registry.classOf(number), 2, "class");
        vm.assertEq(uint8(registry.statusNow(number)), 1, "active with its own minimum");
    }

    function test_AClosedClassTakesNoNewServiceAndKeepsItsOwn() public {
        uint64 number = registerService();
        enter(3);
        vm.expectEmit(address(registry));
        emit IServiceClasses.ClassOpenSet(0, false);
        _setOpen(0, false);

        vm.expectRevert(abi.encodeWithSelector(IServiceClasses.RegistryClassClosed.selector, 0));
        registry.register(0, KEY, "GET /", "", 0);
        vm.assertEq(registry.serviceCount(), 1, "no new service");
        enter(4);
        vm.assertEq(uint8(registry.statusAt(number, 4)), 1, "the old one is active");
        vm.assertEq(registry.activeLanes(0, 4), 1, "and has its lane");

        // Its owner can end and resume activity.
        _fund(1);
        vm.startPrank(PROVIDER);
        staking.unstakeService(number, 1);
        staking.stakeService(number, 1);
        vm.stopPrank();
        vm.assertEq(uint8(registry.statusNow(number)), 1, "active again");

        vm.assertEq(_registerInTheOther(), 2, "other classes are open");
        _setOpen(0, true);
        vm.assertEq(registerService(), 3, "open again");
    }

    function test_AClassMayBeAddedClosed() public {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("dns", address(verifier));
        kind.open = false;
        uint16 classId = _add(kind);

        vm.expectRevert(
            abi.encodeWithSelector(IServiceClasses.RegistryClassClosed.selector, classId)
        );
        registry.register(classId, KEY, "GET /", "", 0);
    }

    /// @dev The access manager determines the governor for each function.
    function test_GovernanceHandsOnARight() public {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = registry.setClassOpen.selector;
        vm.startPrank(GOVERNOR);
        governance.setTargetFunctionRole(address(registry), selectors, 5);
        governance.grantRole(5, STRANGER, 0);
        vm.stopPrank();

        vm.prank(STRANGER);
        registry.setClassOpen(1, false);
        vm.assertEq(registry.classAt(1).open, false, "closed by the new holder");
        _expectUnauthorized(STRANGER);
        vm.prank(STRANGER);
        registry.addClass(SystemLib.class("dns", address(verifier)));
    }

    function test_RevertsWhen_AnotherThanGovernanceTouchesClasses() public {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("dns", address(verifier));
        // Not even the deployer, which is this contract.
        _expectUnauthorized(address(this));
        registry.addClass(kind);
        _expectUnauthorized(address(this));
        registry.setClassOpen(0, false);
        _expectUnauthorized(STRANGER);
        vm.prank(STRANGER);
        registry.addClass(kind);
        _expectUnauthorized(STRANGER);
        vm.prank(STRANGER);
        registry.setClassOpen(0, false);
    }

    function test_RevertsWhen_TheBoundsDoNotRise() public {
        _expectBounds(500, 500, 10_000);
        _expectBounds(500, 10_000, 10_000);
        _expectBounds(500, 499, 10_000);
        _expectBounds(3, 2, 1);
    }

    function test_RevertsWhen_TheVerifierHasNoCode() public {
        _expectVerifier(address(0));
        _expectVerifier(STRANGER);
    }

    function test_RevertsWhen_TheClassIsUnknown() public {
        bytes memory refusal = abi.encodeWithSelector(
            IServiceClasses.RegistryUnknownClass.selector,
            2,
            2
        );
        vm.expectRevert(refusal);
        registry.register(2, KEY, "GET /", "", 0);
        vm.expectRevert(refusal);
        registry.classAt(2);
        vm.expectRevert(refusal);
        vm.prank(GOVERNOR);
        registry.setClassOpen(2, false);
    }

    function test_RevertsWhen_AllIndicesAreTaken() public {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("dns", address(verifier));
        _setClassCount(65_535);
        vm.assertEq(_add(kind), 65_535, "the last index");

        vm.expectRevert(
            abi.encodeWithSelector(IServiceClasses.RegistryClassesFull.selector, 65_536)
        );
        vm.prank(GOVERNOR);
        registry.addClass(kind);
    }

    function _registerInTheOther() private returns (uint64) {
        _fund(1_010e18);
        return _register(1, 1_000e18);
    }

    function _fund(uint256 amount) private {
        system().fund(PROVIDER, amount);
        vm.prank(PROVIDER);
        token.approve(address(staking), amount);
    }

    function _register(uint16 classId, uint96 stake) private returns (uint64) {
        vm.prank(PROVIDER);
        return registry.register(classId, KEY, "GET /", "", stake);
    }

    function _add(IServiceClasses.ServiceClass memory kind) private returns (uint16) {
        vm.prank(GOVERNOR);
        return registry.addClass(kind);
    }

    function _setOpen(uint16 classId, bool open) private {
        vm.prank(GOVERNOR);
        registry.setClassOpen(classId, open);
    }

    /// @dev Finds the storage slot with the number of classes.
    function _setClassCount(uint256 count) private {
        for (uint256 slot = 0; registry.classCount() != count; ++slot) {
            bytes32 held = vm.load(address(registry), bytes32(slot));
            if (uint256(held) != 2) continue;
            vm.store(address(registry), bytes32(slot), bytes32(count));
            if (registry.classCount() != count) {
                vm.store(address(registry), bytes32(slot), held);
            }
        }
    }

    function _expectUnauthorized(address caller) private {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller)
        );
    }

    function _expectBounds(uint32 excellent, uint32 good, uint32 poor) private {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("dns", address(verifier));
        (kind.excellentMs, kind.goodMs, kind.poorMs) = (excellent, good, poor);
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceClasses.RegistryClassBounds.selector,
                excellent,
                good,
                poor
            )
        );
        vm.prank(GOVERNOR);
        registry.addClass(kind);
    }

    function _expectVerifier(address given) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceClasses.RegistryClassVerifier.selector, given)
        );
        vm.prank(GOVERNOR);
        registry.addClass(SystemLib.class("dns", given));
    }
}
