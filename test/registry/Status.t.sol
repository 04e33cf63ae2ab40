// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Slot} from "../../contracts/libraries/Slot.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Maintenance, suspension, retirement: the end of activity, and its return.
contract StatusTest is Deployment {
    using SystemLib for System;

    uint64 private _number;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        enter(3);
    }

    function test_MaintenanceCountsFromTheNextEpochButOne() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.MaintenanceSet(_number, 5, true);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 5, false);
        _setMaintenance(true);
        _assertStatus(4, IServiceRegistry.Status.Active, 1_000e18);
        _assertStatus(5, IServiceRegistry.Status.Maintenance, 0);
        vm.assertEq(serviceStakeAt(_number, 5), 1_000e18, "but still at stake");

        enter(7);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.MaintenanceSet(_number, 9, false);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 9, true);
        _setMaintenance(false);
        _assertStatus(8, IServiceRegistry.Status.Maintenance, 0);
        _assertStatus(9, IServiceRegistry.Status.Active, 1_000e18);
    }

    function test_MaintenanceTakenBackInItsEpochNeverWas() public {
        _setMaintenance(true);
        _setMaintenance(false);

        _assertStatus(4, IServiceRegistry.Status.Active, 1_000e18);
        _assertStatus(5, IServiceRegistry.Status.Active, 1_000e18);
    }

    function test_StakeThatMovesDuringMaintenanceCountsAfterIt() public {
        _setMaintenance(true);
        system().fund(PROVIDER, 500e18);
        vm.prank(PROVIDER);
        staking.stakeService(_number, 500e18);
        _assertStatus(5, IServiceRegistry.Status.Maintenance, 0);
        enter(5);
        _setMaintenance(false);
        _assertStatus(7, IServiceRegistry.Status.Active, 1_500e18);
    }

    function test_SuspensionLastsUntilTheOwnerEndsIt() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceSuspended(_number, 5);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 5, false);
        _suspend(address(settlement));
        _assertStatus(4, IServiceRegistry.Status.Active, 1_000e18);
        _assertStatus(5, IServiceRegistry.Status.Suspended, 0);
        vm.assertEq(registry.reinstatedSince(_number), 0, "never reinstated");

        enter(9);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceReinstated(_number, 11);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 11, true);
        vm.prank(PROVIDER);
        registry.reinstate(_number);
        _assertStatus(10, IServiceRegistry.Status.Suspended, 0);
        _assertStatus(11, IServiceRegistry.Status.Active, 1_000e18);
        vm.assertEq(registry.reinstatedSince(_number), 11, "since");
    }

    function test_BothSettlementAndChallengeBookSuspendOnce() public {
        _suspend(address(book));
        // The second has no effect, and the first date stays.
        vm.recordLogs();
        enter(5);
        _suspend(address(settlement));
        _suspend(address(book));
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        _assertStatus(5, IServiceRegistry.Status.Suspended, 0);
    }

    function test_ASuspensionUnderMaintenanceOutlastsIt() public {
        _setMaintenance(true);
        _suspend(address(book));
        _assertStatus(5, IServiceRegistry.Status.Suspended, 0);
        _setMaintenance(false);
        _assertStatus(5, IServiceRegistry.Status.Suspended, 0);
    }

    function test_RetirementIsForEver() public {
        uint64 releaseAt = uint64(vm.getBlockTimestamp()) + 132;
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceRetired(_number, 5);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 5, false);
        vm.expectEmit(address(staking));
        emit IStaking.ServiceStakeChanged(_number, 5, 0);
        vm.expectEmit(address(staking));
        emit IStaking.UnbondingStarted(PROVIDER, 1_000e18, releaseAt);
        vm.prank(PROVIDER);
        registry.retire(_number);

        _assertStatus(4, IServiceRegistry.Status.Active, 1_000e18);
        vm.assertEq(
            staking.stakerAt(_number, 4),
            PROVIDER,
            "the next epoch's stake is the owner's"
        );
        _assertStatus(5, IServiceRegistry.Status.Retired, 0);
        vm.assertEq(staking.stakerOf(_number), address(0), "then no staker");
        jump(40, 0);
        _assertStatus(40, IServiceRegistry.Status.Retired, 0);
        staking.withdrawService(_number, PROVIDER);
        vm.assertEq(token.balanceOf(PROVIDER), 1_000e18, "the stake came back");

        // A suspension or another owner does not change this, and the number is not used again.
        vm.recordLogs();
        _suspend(address(settlement));
        vm.assertEq(vm.getRecordedLogs().length, 0, "not even an event");
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        _assertStatus(42, IServiceRegistry.Status.Retired, 0);
        vm.assertEq(registerService(), _number + 1, "the next number");
    }

    function test_RevertsWhen_ARetiredServiceIsChanged() public {
        vm.startPrank(PROVIDER);
        registry.retire(_number);
        _expectRetired();
        registry.retire(_number);
        _expectRetired();
        registry.setKey(_number, STRANGER);
        _expectRetired();
        registry.setProbe(_number, "GET /");
        _expectRetired();
        registry.setMetadata(_number, "");
        _expectRetired();
        registry.setMaintenance(_number, true);
        _expectRetired();
        registry.reinstate(_number);
    }

    function test_RevertsWhen_ARetiredServiceIsStaked() public {
        vm.startPrank(PROVIDER);
        registry.retire(_number);
        bytes memory refusal = abi.encodeWithSelector(
            IStaking.StakingServiceRetired.selector,
            _number
        );
        vm.expectRevert(refusal);
        staking.stakeService(_number, 1_000e18);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.stopPrank();
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        staking.stakeService(_number, 1_000e18);
    }

    function test_RevertsWhen_AnotherSuspends() public {
        address[4] memory callers = [PROVIDER, STRANGER, address(staking), address(this)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IServiceRegistry.RegistryNotSuspender.selector, callers[i])
            );
            _suspend(callers[i]);
        }
    }

    function test_RevertsWhen_ThereIsNothingToReinstate() public {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotSuspended.selector, _number)
        );
        vm.prank(PROVIDER);
        registry.reinstate(_number);
    }

    function test_RevertsWhen_MaintenanceIsAsItWas() public {
        _expectUnchanged(false);
        _setMaintenance(false);
        _setMaintenance(true);
        _expectUnchanged(true);
        _setMaintenance(true);
    }

    function test_RevertsWhen_AnotherThanTheOwnerActs() public {
        _suspend(address(settlement));
        // The contracts that may suspend may not reinstate.
        address[2] memory callers = [STRANGER, address(settlement)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            _expectNotOwner(callers[i]);
            registry.setMaintenance(_number, true);
            _expectNotOwner(callers[i]);
            registry.reinstate(_number);
            _expectNotOwner(callers[i]);
            registry.retire(_number);
            vm.stopPrank();
        }
    }

    /// @dev 32 services, one for each combination of causes of inactivity.
    function test_WhereSeveralStatesApplyTheFirstOfTheListCounts() public {
        uint256 active = 1;
        for (uint256 flags = 0; flags < 32; ++flags) {
            uint64 number = _serviceWith(flags);
            IServiceRegistry.Status expected = IServiceRegistry.Status.Active;
            if (flags & 1 != 0) expected = IServiceRegistry.Status.Unstaked;
            if (flags & 2 != 0) expected = IServiceRegistry.Status.Keyless;
            if (flags & 4 != 0) expected = IServiceRegistry.Status.Maintenance;
            if (flags & 8 != 0) expected = IServiceRegistry.Status.Suspended;
            if (flags & 16 != 0) expected = IServiceRegistry.Status.Retired;
            if (flags == 0) ++active;

            string memory what = string.concat("flags ", vm.toString(flags));
            vm.assertEq(uint8(registry.statusNow(number)), uint8(expected), what);
            vm.assertEq(uint8(registry.statusAt(number, 5)), uint8(expected), what);
            vm.assertEq(uint8(registry.statusAt(number, 4)), 0, what);
            uint40 slot = Slot.unwrap(registry.slotOf(number));
            uint256 lanes =
                slot == 0 ? 0 : registry.activeLanes((slot - 1) / 15, 5) >> ((slot - 1) % 15);
            vm.assertEq(lanes & 1, flags == 0 ? 1 : 0, what);
            (uint96 stake, uint64 services) = activeAt(5);
            vm.assertEq(services, active, what);
            vm.assertEq(stake, active * 1_000e18, what);
        }
    }

    function test_AnUnknownServiceHasNoStatus() public view {
        vm.assertEq(uint8(registry.statusNow(0)), 0, "none");
        vm.assertEq(uint8(registry.statusAt(77, 3)), 0, "none");
        vm.assertEq(registry.firstEpoch(77), 0, "none");
    }

    function _serviceWith(uint256 flags) private returns (uint64 number) {
        uint96 stake = flags & 1 != 0 ? 0 : 1_000e18;
        number = system().register(PROVIDER, stake);
        system().fund(STRANGER, 1_000e18);
        if (flags & 4 != 0) {
            vm.prank(PROVIDER);
            registry.setMaintenance(number, true);
        }
        if (flags & 2 != 0) {
            vm.prank(PROVIDER);
            registry.transferFrom(PROVIDER, STRANGER, number);
            vm.startPrank(STRANGER);
            token.approve(address(staking), 1_000e18);
            if (stake != 0) staking.stakeService(number, stake);
            vm.stopPrank();
        }
        if (flags & 8 != 0) {
            vm.prank(address(settlement));
            registry.suspend(number);
        }
        if (flags & 16 != 0) {
            vm.prank(registry.ownerOf(number));
            registry.retire(number);
        }
    }

    function _setMaintenance(bool on) private {
        vm.prank(PROVIDER);
        registry.setMaintenance(_number, on);
    }

    function _suspend(address caller) private {
        vm.prank(caller);
        registry.suspend(_number);
    }

    function _assertStatus(
        uint32 epoch,
        IServiceRegistry.Status expected,
        uint256 stake
    ) private view {
        vm.assertEq(uint8(registry.statusAt(_number, epoch)), uint8(expected), "status");
        vm.assertEq(registry.activeLanes(0, epoch), stake != 0 ? 1 : 0, "lane");
        (uint96 total, uint64 services) = activeAt(epoch);
        vm.assertEq(total, stake, "total");
        vm.assertEq(services, stake != 0 ? 1 : 0, "services");
    }

    function _expectRetired() private {
        vm.expectRevert(abi.encodeWithSelector(IServiceRegistry.RegistryRetired.selector, _number));
    }

    function _expectNotOwner(address caller) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, _number, caller)
        );
    }

    function _expectUnchanged(bool on) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceRegistry.RegistryMaintenanceUnchanged.selector,
                _number,
                on
            )
        );
    }
}
