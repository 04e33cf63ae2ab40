// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {System} from "../support/System.sol";
import {LineHandler} from "./LineHandler.sol";

/// @dev The runner calls contracts of test files only, so the handler gets a name here.
contract Line is LineHandler {}

/// @notice With one, two and three registries: a label has one holder, and a number has one home.
contract SuccessionInvariant {
    Line private _line;
    address[] private _targets;

    function setUp() public {
        _line = new Line();
        _targets = [address(_line)];
        // The fuzzer begins with services that can be moved.
        for (uint256 i = 0; i < 4; ++i) {
            _line.register(i << 8);
        }
        _line.wait(60);
    }

    /// @dev Read by the runner: the contracts that the fuzzer calls.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function invariant_ALabelHasOneHolderAndANumberOneHome() public {
        _check();
    }

    /// @dev The same calls in a fixed order, so that every action happens at least once.
    function test_TheHandlerReachesEverything() public {
        for (uint256 i = 0; i < 240; ++i) {
            uint256 luck = uint256(keccak256(abi.encode("luck", i)));
            _line.register(luck);
            _line.label(luck >> 1);
            _line.wait(luck % 40);
            if (i % 8 == 7) _line.announceClosing(luck >> 2);
            _line.revokeClosing(luck >> 3);
            _line.retire(luck >> 4);
            _line.sell(luck >> 5);
            for (uint256 j = 0; j < 4; ++j) {
                _line.takeOver(luck >> (8 * j));
            }
            _line.succeed();
            if (i % 20 == 0) _check();
        }
        _check();
        bytes32[15] memory actions = [
            bytes32("register"),
            "refused register",
            "label",
            "refused label",
            "retire",
            "refused retire",
            "sale",
            "move",
            "refused move",
            "announcement",
            "refused announcement",
            "revocation",
            "refused revocation",
            "succession",
            "succession"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(_line.count(actions[i]), 0, string(abi.encodePacked(actions[i])));
        }
        vm.assertEq(_line.versions(), 3, "three versions");
    }

    function _check() private view {
        for (uint256 i = 0; i < _line.violationCount(); ++i) {
            vm.assertEq(bytes(_line.violations(i)), "", "violation");
        }
        for (uint256 i = 0; i < _line.versions(); ++i) {
            System memory s = _line.versionAt(i);
            bytes32 closed = _line.closedWith(i);
            if (closed != 0) vm.assertEq(_line.given(i), closed, "a closed version stands still");
            for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
                string memory label = s.labels.labelOf(number);
                if (bytes(label).length == 0) continue;
                vm.assertEq(s.labels.numberOf(label), number, "numberOf(labelOf(n)) is n");
                vm.assertEq(s.labels.holderOf(label), number, "and so along the line");
            }
            for (uint256 name = 0; name < _line.names(); ++name) {
                uint64 number = s.labels.numberOf(_line.nameAt(name));
                if (number == 0) continue;
                vm.assertEq(number, _line.firstHolder(name), "one holder a label, for ever");
                vm.assertEq(
                    bytes(s.labels.labelOf(number)),
                    bytes(_line.nameAt(name)),
                    "labelOf(numberOf(l)) is l"
                );
            }
        }
        _checkHomes();
    }

    /// @dev The newest version knows the home of each number; older versions agree up to themselves.
    function _checkHomes() private view {
        uint256 versions = _line.versions();
        System memory newest = _line.versionAt(versions - 1);
        for (uint64 number = 1; number <= newest.registry.serviceCount(); ++number) {
            address home = newest.registry.homeOf(number);
            bool seen;
            for (uint256 i = versions; i > 0; --i) {
                System memory s = _line.versionAt(i - 1);
                try s.registry.ownerOf(number) {
                    if (!seen) vm.assertEq(home, address(s.registry), "the newest that has it");
                    seen = true;
                } catch {}
            }
            vm.assertTrue(seen, "each number exists");
        }
    }
}
