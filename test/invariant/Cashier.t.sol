// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";
import {CashierHandler} from "./CashierHandler.sol";

/// @dev The runner calls contracts of test files only, so the handler gets a name here.
contract Payments is CashierHandler {
    constructor(System memory system) CashierHandler(system) {}
}

/// @notice The Cashier beside a naive model, after any sequence of actions.
contract CashierInvariant {
    Payments private _payments;

    function setUp() public {
        _payments = new Payments(SystemLib.deploy());
        _payments.deposit(0, 90e18);
        _payments.deposit(1, 90e18);
        _payments.deposit(2, 90e18);
    }

    /// @dev Read by the runner: the contracts that the fuzzer calls.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_payments);
    }

    function invariant_TheBooksAddUp() public view {
        _payments.check();
    }

    /// @dev The same handler in a fixed order, so that every action happens at least once.
    function test_TheHandlerReachesEverything() public {
        for (uint256 i = 0; i < 120; ++i) {
            uint256 luck = uint256(keccak256(abi.encode("luck", i)));
            _payments.deposit(luck, uint96(luck));
            _payments.open(luck, uint96(luck >> 40), luck >> 50);
            _payments.redeem(luck, uint96(luck >> 60), uint96(luck >> 70));
            _payments.open(luck, uint96(luck >> 45), luck >> 55);
            _payments.redeem(luck, uint96(luck >> 65), uint96(luck >> 75));
            _payments.redeemBatch(luck, uint96(luck >> 80), uint96(luck >> 90));
            if (i % 3 == 0) _payments.announce(luck);
            _payments.wait(luck);
            _payments.close(luck >> 100, (luck >> 200) & 7 == 0);
            _payments.close(luck, (luck >> 210) & 3 == 0);
            _payments.collect(luck >> 110);
            if (i % 5 == 0) _payments.forward();
            _payments.withdraw(luck >> 120, uint96(luck >> 130));
            _payments.check();
        }
        bytes32[12] memory actions = [
            bytes32("deposit"),
            "withdraw",
            "open",
            "raise",
            "redeem",
            "batch",
            "announce",
            "collector closes",
            "anyone closes",
            "collect",
            "forward",
            "wait"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(_payments.happened(actions[i]), 0, string(abi.encodePacked(actions[i])));
        }
    }
}
