// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title ProviderHandler
/// @notice Providers register, stake, unstake, withdraw, change probes and sell services.
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
        address staker = s.staking.stakerOf(number);
        amount = uint96(bound(amount, 1, 2_000e18));
        s.fund(staker, amount);
        vm.prank(staker);
        s.staking.stakeService(number, amount);
        STORE.note("stake");
    }

    function unstake(uint256 which, uint96 amount, bool all) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        uint96 held = s.staking.serviceStakeAt(number, current() + 1);
        if (held == 0 || s.staking.serviceUnbonding(number).length == 16) return;
        amount = all ? held : uint96(bound(amount, 1, held));
        address staker = s.staking.stakerOf(number);
        vm.prank(staker);
        s.staking.unstakeService(number, amount);
        STORE.note("unstake");
    }

    function withdraw(uint256 which) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        if (s.staking.serviceUnbonding(number).length == 0) return;
        if (s.staking.serviceUnbonding(number)[0].releaseAt > vm.getBlockTimestamp()) return;
        s.staking.withdrawService(number);
        STORE.note("withdraw");
    }

    /// @notice Often twice in an epoch, so few services take part.
    function setProbe(uint256 which, bytes32 path) external live {
        System memory s = sys();
        uint64 number = uint64(bound(which, 1, 3));
        address owner = s.registry.ownerOf(number);
        vm.startPrank(owner);
        s.registry.setProbe(number, abi.encode(path));
        if (uint256(path) % 2 == 0) s.registry.setProbe(number, abi.encode(path, "again"));
        vm.stopPrank();
        STORE.note("probe");
    }

    function sell(uint256 which, uint256 to) external live {
        System memory s = sys();
        uint64 number = _service(s, which);
        address owner = s.registry.ownerOf(number);
        address buyer = STORE.providers(to % STORE.providerCount());
        vm.prank(owner);
        s.registry.transferFrom(owner, buyer, number);
        STORE.note("sale");
    }

    function _service(System memory s, uint256 which) private view returns (uint64) {
        return uint64(bound(which, 1, s.registry.serviceCount()));
    }
}
