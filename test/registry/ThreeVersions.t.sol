// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ISuccession} from "../../contracts/registry/ISuccession.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    LABEL_MINIMUM_AGE,
    LABEL_PRICE,
    SERVICE_STAKE,
    System,
    SystemLib
} from "../support/System.sol";

/// @notice Along three versions a number has one home and a label one holder, even for services that skip a version.
contract ThreeVersionsTest is Deployment {
    using SystemLib for System;

    bytes32 private constant SALT = keccak256("salt");
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);
    address private constant MALLORY = address(0x3a11);

    System[3] private _versions;

    function setUp() public override {
        super.setUp();
        _versions[0] = system();
    }

    /// @dev The owner of an old number without a label sees a label in the new version, takes it in the old one, and
    /// takes over the service. In an earlier version the label then belonged to two services.
    function test_NobodyTakesALabelOfTheSuccessorThroughTheOldVersion() public {
        uint64 mallorys = _register(0, MALLORY);
        _pass(0, mallorys);
        _succeed(1);
        uint64 alices = _register(1, ALICE);
        _label(1, ALICE, alices, "bank");

        _commit(0, MALLORY, "bank");
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelRegistryClosed.selector));
        vm.prank(MALLORY);
        labels.setLabel(mallorys, "bank", SALT);
        _move(0, 1, mallorys, MALLORY);
        vm.assertEq(_versions[1].labels.numberOf("bank"), alices, "Alice's");
        vm.assertEq(bytes(_versions[1].labels.labelOf(mallorys)), "", "not Mallory's");
    }

    /// @dev A commitment in the old version does not help against a pending `setLabel` either.
    function test_ACommitmentInTheOldVersionIsWorthNothing() public {
        uint64 mallorys = _register(0, MALLORY);
        _pass(0, mallorys);
        _succeed(1);
        uint64 alices = _register(1, ALICE);
        _pass(1, alices);
        _commit(0, MALLORY, "bank");
        _commit(1, ALICE, "bank");
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelRegistryClosed.selector));
        vm.prank(MALLORY);
        labels.setLabel(mallorys, "bank", SALT);
        vm.prank(ALICE);
        _versions[1].labels.setLabel(alices, "bank", SALT);
        vm.assertEq(_versions[1].labels.holderOf("bank"), alices, "along the line");
    }

    /// @dev A service that stayed in the first version during the second is taken over in the third.
    function test_TheThirdVersionKnowsTheFirst() public {
        uint64 first = _register(0, ALICE);
        _label(0, ALICE, first, "bank");
        _succeed(1);
        uint64 second = _register(1, BOB);
        _succeed(2);
        vm.assertEq(_versions[2].registry.inherited(), 2, "the numbers of both");
        vm.assertEq(_versions[2].registry.homeOf(first), address(registry), "at home in the first");
        vm.assertEq(
            _versions[2].registry.homeOf(second),
            address(_versions[1].registry),
            "at home in the second"
        );
        vm.assertEq(_versions[2].registry.homeOf(99), address(0), "no number");

        uint64 mallorys = _register(2, MALLORY);
        vm.assertEq(mallorys, 3, "behind both");
        _pass(2, mallorys);
        _commit(2, MALLORY, "bank");
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "bank", first));
        vm.prank(MALLORY);
        _versions[2].labels.setLabel(mallorys, "bank", SALT);

        // The second is closed; the third takes it from the first.
        vm.prank(ALICE);
        registry.retire(first);
        _takeOverFails(
            1,
            first,
            ALICE,
            abi.encodeWithSelector(
                ISuccession.RegistryClosed.selector,
                _versions[1].registry.closesAt()
            )
        );
        _takeOver(2, first, ALICE);
        vm.assertEq(_versions[2].labels.numberOf("bank"), first, "with its label");
        vm.assertEq(_versions[2].registry.homeOf(first), address(_versions[2].registry), "home");
        _move(1, 2, second, BOB);
    }

    /// @dev A service that was moved and sold belongs to the buyer, regardless of its old token.
    function test_TheNewestHomeSaysWhoseANumberIs() public {
        uint64 number = _register(0, ALICE);
        _label(0, ALICE, number, "bank");
        _succeed(1);
        _move(0, 1, number, ALICE);
        vm.prank(ALICE);
        _versions[1].registry.transferFrom(ALICE, BOB, number);
        // The old token is sold, too.
        vm.prank(ALICE);
        registry.transferFrom(ALICE, MALLORY, number);
        _succeed(2);

        _takeOverFails(
            2,
            number,
            MALLORY,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, number, MALLORY)
        );
        _takeOverFails(
            2,
            number,
            BOB,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotRetired.selector, number)
        );
        vm.prank(BOB);
        _versions[1].registry.retire(number);
        _takeOver(2, number, BOB);
        vm.assertEq(_versions[2].registry.ownerOf(number), BOB, "the buyer's");
        vm.assertEq(_versions[2].labels.numberOf("bank"), number, "with the label of the first");
    }

    /// @dev Two successors of one registry are two networks: each has its own numbers from there on.
    function test_TwoSuccessorsShareNothingButTheirPast() public {
        uint64 number = _register(0, ALICE);
        system().close();
        _versions[1] = _versions[0].succeed();
        _versions[2] = _versions[0].succeed();
        uint64 alices = _register(1, ALICE);
        vm.assertEq(_register(2, BOB), alices, "the same number, twice");
        _label(1, ALICE, alices, "bank");
        _label(2, BOB, alices, "bank");
        vm.prank(ALICE);
        registry.retire(number);
        _takeOver(1, number, ALICE);
        _takeOver(2, number, ALICE);
    }

    function _succeed(uint256 version) private {
        _versions[version - 1].close();
        _versions[version] = _versions[version - 1].succeed();
    }

    function _register(uint256 version, address owner) private returns (uint64) {
        return _versions[version].register(owner, SERVICE_STAKE);
    }

    function _move(uint256 from, uint256 to, uint64 number, address owner) private {
        vm.prank(owner);
        _versions[from].registry.retire(number);
        _takeOver(to, number, owner);
    }

    function _takeOver(uint256 version, uint64 number, address owner) private {
        System memory s = _versions[version];
        s.fund(owner, SERVICE_STAKE);
        vm.startPrank(owner);
        token.approve(address(s.staking), SERVICE_STAKE);
        s.registry.takeOver(number, 0, STRANGER, "GET /", "", SERVICE_STAKE);
        vm.stopPrank();
        vm.assertEq(s.registry.ownerOf(number), owner, "taken over");
    }

    function _takeOverFails(
        uint256 version,
        uint64 number,
        address owner,
        bytes memory refusal
    ) private {
        vm.expectRevert(refusal);
        vm.prank(owner);
        _versions[version].registry.takeOver(number, 0, STRANGER, "GET /", "", 0);
    }

    function _label(uint256 version, address owner, uint64 number, string memory name) private {
        _pass(version, number);
        _commit(version, owner, name);
        vm.prank(owner);
        _versions[version].labels.setLabel(number, name, SALT);
    }

    /// @dev Waits until a service is active.
    function _pass(uint256 version, uint64 number) private {
        IServiceRegistry there = _versions[version].registry;
        uint256 time = there.epochStart(there.firstEpoch(number));
        if (time > vm.getBlockTimestamp()) vm.warp(time);
    }

    function _commit(uint256 version, address owner, string memory name) private {
        System memory s = _versions[version];
        s.fund(owner, 1_000e18);
        bytes32 commitment = s.labels.labelCommitment(name, owner, SALT);
        vm.startPrank(owner);
        token.approve(address(s.labels), 1_000e18);
        s.labels.commitLabel(commitment);
        vm.stopPrank();
        vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
    }
}
