// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title ProviderHandler
/// @notice Providers register, stake, unstake, withdraw, change probes, take services out and back, sell
/// and retire them.
contract ProviderHandler is Handler {
    using SystemLib for System;

    uint256 private constant MAX_SERVICES = 18;

    constructor(Store store) Handler(store) {}

    function register(uint256 who, uint96 amount) external live {
        System memory s = sys();
        if (s.registry.serviceCount() >= MAX_SERVICES) return;
        s.register(
            STORE.providers(who % STORE.providerCount()),
            uint96(bound(amount, 0, 4_000e18))
        );
        STORE.note("register");
    }

    function stake(uint256 which, uint96 amount) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        if (_retired(s, number)) return;
        address owner = s.registry.ownerOf(number);
        amount = uint96(bound(amount, 1, 2_000e18));
        s.fund(owner, amount);
        vm.startPrank(owner);
        s.token.approve(address(s.staking), amount);
        s.staking.stakeService(number, amount);
        vm.stopPrank();
        STORE.note("stake");
    }

    function unstake(uint256 which, uint96 amount, bool all) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        uint96 held = s.serviceStakeAt(number, current() + 2);
        address staker = s.staking.stakerOf(number);
        if (held == 0 || _full(s, number, staker)) return;
        amount = all ? held : uint96(bound(amount, 1, held));
        vm.prank(staker);
        s.staking.unstakeService(number, amount);
        STORE.note("unstake");
    }

    function withdraw(uint256 which, uint256 who) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        address staker = STORE.providers(who % STORE.providerCount());
        if (s.staking.serviceUnbonding(number, staker).length == 0) return;
        uint64 releaseAt = s.staking.serviceUnbonding(number, staker)[0].releaseAt;
        if (releaseAt > vm.getBlockTimestamp()) return;
        s.staking.withdrawService(number, staker);
        STORE.note("withdraw");
    }

    function maintain(uint256 which, bool on) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        vm.prank(s.registry.ownerOf(number));
        try s.registry.setMaintenance(number, on) {
            STORE.note("maintenance");
        } catch {
            STORE.note("no maintenance");
        }
    }

    function setPayout(uint256 which, uint256 to) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        address payout = STORE.providers(to % STORE.providerCount());
        vm.prank(s.registry.ownerOf(number));
        s.registry.setPayout(number, payout);
        STORE.note("payout");
    }

    /// @notice The service's owner makes it active again if possible.
    function revive(uint256 which) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        IServiceRegistry.Status status = s.registry.statusNow(number);
        address owner = s.registry.ownerOf(number);
        vm.startPrank(owner);
        if (status == IServiceRegistry.Status.Keyless)
            s.registry.setKey(number, vm.addr(SystemLib.serviceKey(number)));
        if (status == IServiceRegistry.Status.Maintenance) s.registry.setMaintenance(number, false);
        if (status == IServiceRegistry.Status.Suspended) {
            s.registry.reinstate(number);
            STORE.noteReinstated(number);
        }
        vm.stopPrank();
        STORE.note("revival");
    }

    /// @notice Rarely, because a retired service never returns.
    function retire(uint256 which, uint256 luck) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        // Service 3 must stay, because it fails for long.
        if (luck % 16 != 0 || number == 3 || _retired(s, number)) return;
        if (_full(s, number, s.staking.stakerOf(number))) return;
        vm.prank(s.registry.ownerOf(number));
        s.registry.retire(number);
        STORE.note("retirement");
    }

    /// @notice Often twice in an epoch, so few services take part.
    function setProbe(uint256 which, bytes32 path) external live {
        System memory s = sys();
        uint64 number = uint64(bound(which, 1, 3));
        if (_retired(s, number)) return;
        address owner = s.registry.ownerOf(number);
        vm.startPrank(owner);
        // A probe that was set an epoch ago is still pending.
        try s.registry.setProbe(number, abi.encode(path)) {
            if (uint256(path) % 2 == 0) s.registry.setProbe(number, abi.encode(path, "again"));
            STORE.note("probe");
        } catch {
            STORE.note("refused probe");
        }
        vm.stopPrank();
    }

    function sell(uint256 which, uint256 to) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        address owner = s.registry.ownerOf(number);
        address buyer = STORE.providers(to % STORE.providerCount());
        if (_full(s, number, owner)) return;
        vm.prank(owner);
        s.registry.transferFrom(owner, buyer, number);
        STORE.note("sale");
    }

    function _retired(System memory s, uint64 number) private view returns (bool) {
        return s.registry.statusNow(number) == IServiceRegistry.Status.Retired;
    }

    function _full(System memory s, uint64 number, address staker) private view returns (bool) {
        return s.staking.serviceUnbonding(number, staker).length == 16;
    }

    function _service(System memory s, uint256 which) private view returns (uint64) {
        return uint64(bound(which, 1, s.registry.serviceCount()));
    }
}
