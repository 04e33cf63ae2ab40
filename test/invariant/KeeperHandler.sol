// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {Vm} from "../support/Vm.sol";
import {Handler} from "./Handler.sol";
import {Store} from "./Store.sol";

/// @title KeeperHandler
/// @notice Time, ticks and settlements.
contract KeeperHandler is Handler {
    constructor(Store store) Handler(store) {}

    function wait(uint256 seconds_) external live {
        STORE.pass(bound(seconds_, 1, 11));
    }

    /// @notice The next epoch; mostly somebody ticks at once.
    function nextEpoch(uint256 luck) external live {
        STORE.pass(13 - (STORE.elapsed() % 12));
        if (luck % 8 != 0) _tick();
    }

    /// @notice Now and then nobody is there, for longer than the ring is.
    function sleep(uint256 epochs, uint256 luck) external live {
        if (luck % 8 == 0) STORE.pass(bound(epochs, 2, luck % 16 == 0 ? 300 : 12) * 12);
    }

    function tick() external live {
        _tick();
    }

    function settle(uint256 which, uint256 back) external live {
        System memory s = sys();
        if (current() < 3) return;
        uint64 number = uint64(bound(which, 1, s.registry.serviceCount()));
        uint32 upTo = current() - 2;
        uint256 shorter = bound(back, 0, 6);
        if (shorter < upTo) upTo -= uint32(shorter);
        vm.recordLogs();
        s.pos.settle(number, upTo);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IProofOfService.Settled.selector) continue;
            (, uint256 reward) = abi.decode(logs[i].data, (uint8, uint256));
            STORE.noteSettlement(number, uint32(uint256(logs[i].topics[2])), reward);
        }
        STORE.notePointer(number, s.pos.settledThrough(number));
        STORE.note("settle");
    }

    function _tick() private {
        System memory s = sys();
        uint32 epoch = current();
        if (epoch == 0 || STORE.elapsed() % 12 == 0 || s.pos.newestSeed() == epoch) return;
        (bytes memory first, bytes memory parent) = SystemLib.headers(
            epoch,
            SystemLib.randao(epoch)
        );
        vm.prank(STORE.KEEPER());
        s.pos.tick(first, parent);
        STORE.noteTick(epoch);
    }
}
