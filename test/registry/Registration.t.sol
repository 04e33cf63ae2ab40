// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Slot} from "../../contracts/libraries/Slot.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IServiceSlots} from "../../contracts/registry/IServiceSlots.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

contract RegistrationTest is Deployment {
    using SystemLib for System;

    address private constant KEY = address(0x4e1);

    function setUp() public override {
        super.setUp();
        system().fund(PROVIDER, 100_000e18);
        vm.prank(PROVIDER);
        token.approve(address(staking), type(uint256).max);
    }

    function test_RegistrationBurnsTheFeeAndStakes() public {
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceRegistered(1, PROVIDER, 1, KEY, "ipfs://about");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ProbeSet(1, 2, "GET /");
        vm.expectEmit(address(registry));
        emit IServiceSlots.SlotTaken(1, Slot.wrap(1), 2);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(1, 2, true);
        vm.expectEmit(address(staking));
        emit IStaking.ServiceStakeChanged(1, 2, 1_000e18);
        vm.prank(PROVIDER);
        uint64 number = registry.register(1, KEY, "GET /", "ipfs://about", 1_000e18);

        vm.assertEq(number, 1, "numbers run from 1");
        vm.assertEq(registry.ownerOf(1), PROVIDER, "owner");
        vm.assertEq(staking.stakerOf(1), PROVIDER, "staker");
        vm.assertEq(registry.classOf(1), 1, "class");
        vm.assertEq(supply - token.totalSupply(), 10e18, "fee burned");
        vm.assertEq(token.balanceOf(address(staking)), 1_000e18, "stake");
        vm.assertEq(_register(0), 2, "the next number");
        vm.assertEq(registry.serviceCount(), 2, "count");
    }

    function test_WithoutStakeAServiceIsRegisteredButInactive() public {
        uint64 number = _register(0);
        enter(2);

        vm.assertEq(uint8(registry.statusAt(number, 2)), 2, "Unstaked");
        vm.assertEq(registry.activeLanes(0, 2), 0, "no lane");
        (, uint64 services) = activeAt(2);
        vm.assertEq(services, 0, "none active");
    }

    function test_AnyoneAnnouncesARecord() public {
        uint64 number = _register(0);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.Announced(number, new bytes(2048));
        vm.prank(STRANGER);
        registry.announce(number, new bytes(2048));
    }

    function test_RevertsWhen_TheKeyIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IServiceRegistry.RegistryKeyZero.selector));
        registry.register(0, address(0), "GET /", "", 0);
    }

    function test_RevertsWhen_TheProbeIsEmptyOrTooLong() public {
        _expectLength(IServiceRegistry.RegistryProbeLength.selector, 0, 1024);
        registry.register(0, KEY, "", "", 0);
        _expectLength(IServiceRegistry.RegistryProbeLength.selector, 1025, 1024);
        registry.register(0, KEY, new bytes(1025), "", 0);

        uint64 number = _register(0);
        _expectLength(IServiceRegistry.RegistryProbeLength.selector, 0, 1024);
        vm.prank(PROVIDER);
        registry.setProbe(number, "");
    }

    function test_RevertsWhen_TheMetadataAreTooLong() public {
        _expectLength(IServiceRegistry.RegistryMetadataLength.selector, 257, 256);
        registry.register(0, KEY, "GET /", string(new bytes(257)), 0);
    }

    function test_RevertsWhen_TheRecordIsEmptyOrTooLong() public {
        uint64 number = _register(0);
        _expectLength(IServiceRegistry.RegistryRecordLength.selector, 0, 2048);
        registry.announce(number, "");
        _expectLength(IServiceRegistry.RegistryRecordLength.selector, 2049, 2048);
        registry.announce(number, new bytes(2049));
    }

    function test_RevertsWhen_TheServiceIsUnknown() public {
        _expectUnknown(0);
        registry.announce(0, "record");
        _expectUnknown(1);
        registry.announce(1, "record");
        _expectUnknown(1);
        registry.classOf(1);
    }

    function test_RevertsWhen_AnotherThanTheOwnerSetsTheProbe() public {
        uint64 number = _register(0);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, number, STRANGER)
        );
        vm.prank(STRANGER);
        registry.setProbe(number, "GET /");
    }

    function test_RevertsWhen_AllNumbersAreTaken() public {
        uint64 all = uint64(0xffffffff) * 15;
        // The storage slot in which the services are counted is found by writing to it.
        for (uint256 slot = 0; registry.serviceCount() != all; ++slot) {
            bytes32 before = vm.load(address(registry), bytes32(slot));
            vm.store(address(registry), bytes32(slot), bytes32(uint256(all)));
            if (registry.serviceCount() != all) vm.store(address(registry), bytes32(slot), before);
        }

        vm.expectRevert(abi.encodeWithSelector(IServiceRegistry.RegistryFull.selector, all + 1));
        registry.register(0, KEY, "GET /", "", 0);
    }

    function test_RevertsWhen_AnotherThanTheStakingContractReportsStake() public {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotStaking.selector, STRANGER)
        );
        vm.prank(STRANGER);
        registry.syncStake(1, 1_000e18);
    }

    function _register(uint96 stake) private returns (uint64) {
        vm.prank(PROVIDER);
        return registry.register(0, KEY, "GET /", "", stake);
    }

    function _expectLength(bytes4 selector, uint256 length, uint256 maximum) private {
        vm.expectRevert(abi.encodeWithSelector(selector, length, maximum));
    }

    function _expectUnknown(uint64 number) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryUnknownService.selector, number)
        );
    }
}
