// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {
    CLOSING_SECONDS,
    GENESIS,
    GOVERNOR,
    LABEL_MINIMUM_AGE,
    SERVICE_FEE,
    SERVICE_STAKE,
    System,
    SystemLib
} from "../support/System.sol";

/// @title LineHandler
/// @notice Owners, buyers, rivals and the governor over up to three versions of the contracts: they register, take
/// labels, retire, move, sell, close and revoke, in any order and in any version. The expected result of a call is
/// computed before from the rules.
contract LineHandler {
    using SystemLib for System;

    uint256 private constant VERSIONS = 3;
    bytes32 private constant SALT = keccak256("salt");

    System[] private _versions;
    /// @dev Seconds since genesis: a cheatcode's time does not outlive a call of the fuzzer.
    uint256 public elapsed;
    address[4] private _people = [
        address(0xa11ce),
        address(0xb0b),
        address(0xca401),
        address(0xdad)
    ];
    string[5] private _names = ["oracle", "weather", "bank", "storm1", "garden"];

    /// @notice Number of occurrences of each action.
    mapping(bytes32 action => uint256) public count;
    /// @notice Forbidden calls that succeeded, and allowed calls that reverted.
    string[] public violations;
    /// @notice The service that took a label first, in any version.
    mapping(uint256 name => uint64 number) public firstHolder;
    /// @notice Hash of the numbers and labels of a version when it was closed.
    mapping(uint256 version => bytes32) public closedWith;

    modifier live() {
        vm.warp(GENESIS + elapsed);
        _;
        elapsed = vm.getBlockTimestamp() - GENESIS;
        _watch();
    }

    constructor() {
        _versions.push(SystemLib.deploy());
    }

    function register(uint256 luck) external live {
        System memory s = _version(luck);
        bool due = !s.registry.isClosed();
        uint64 next = s.registry.serviceCount() + 1;
        address who = _person(luck >> 8);
        _fund(s, who, address(s.staking), SERVICE_STAKE + SERVICE_FEE);
        vm.prank(who);
        try s.registry.register(0, who, "GET /", "", SERVICE_STAKE) returns (uint64 number) {
            _note("register", due);
            if (number != next) violations.push("a number was given twice");
        } catch {
            _refused("refused register", due);
        }
    }

    function label(uint256 luck) external live {
        System memory s = _version(luck);
        uint64 number = _number(s, luck >> 8);
        uint256 name = (luck >> 24) % _names.length;
        address who = _whoFor(s, number, luck >> 32);
        _fund(s, who, address(s.labels), s.labels.priceOf(bytes(_names[name]).length));
        bytes32 commitment = s.labels.labelCommitment(_names[name], who, SALT);
        vm.prank(who);
        // The commitment may exist from an earlier attempt.
        try s.labels.commitLabel(commitment) {
            vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
        } catch {}
        bool due = _labelDue(s, who, number, name);
        vm.prank(who);
        try s.labels.setLabel(number, _names[name], SALT) {
            _note("label", due);
            if (firstHolder[name] == 0) firstHolder[name] = number;
        } catch {
            // This handler does not check the age of commitments.
            count["refused label"] += 1;
        }
    }

    function retire(uint256 luck) external live {
        System memory s = _version(luck);
        uint64 number = _number(s, luck >> 8);
        address who = _whoFor(s, number, luck >> 24);
        IServiceRegistry.Status status = s.registry.statusNow(number);
        bool due = _ownerOf(s, number) == who && status != IServiceRegistry.Status.Retired;
        vm.prank(who);
        try s.registry.retire(number) {
            _note("retire", due);
        } catch {
            _refused("refused retire", due);
        }
    }

    function sell(uint256 luck) external live {
        System memory s = _version(luck);
        uint64 number = _number(s, luck >> 8);
        address owner = _ownerOf(s, number);
        if (owner == address(0)) return;
        vm.prank(owner);
        try s.registry.transferFrom(owner, _person(luck >> 24), number) {
            count["sale"] += 1;
        } catch {
            count["refused sale"] += 1;
        }
    }

    function takeOver(uint256 luck) external live {
        uint256 version = luck % _versions.length;
        System memory s = _versions[version];
        uint64 number = _number(s, luck >> 8);
        (System memory home, bool found) = _home(version, number);
        address who = found ? _whoFor(home, number, luck >> 24) : _person(luck >> 24);
        bool due =
            found &&
                !s.registry.isClosed() &&
                address(home.registry) != address(s.registry) &&
                _ownerOf(home, number) == who &&
                home.registry.statusNow(number) == IServiceRegistry.Status.Retired;
        bytes32 heirloom = found ? keccak256(bytes(home.labels.labelOf(number))) : bytes32(0);
        _fund(s, who, address(s.staking), SERVICE_STAKE);
        uint256 supply = s.token.totalSupply();
        vm.prank(who);
        try s.registry.takeOver(number, 0, who, "GET /", "", SERVICE_STAKE) {
            _note("move", due);
            if (keccak256(bytes(s.labels.labelOf(number))) != heirloom)
                violations.push("a label was lost or found on the way");
            if (s.token.totalSupply() != supply) violations.push("an heir paid");
        } catch {
            _refused("refused move", due);
        }
    }

    function announceClosing(uint256 luck) external live {
        System memory s = _version(luck);
        bool due = s.registry.closesAt() == 0;
        vm.prank(GOVERNOR);
        try s.registry.announceClosing() {
            _note("announcement", due);
        } catch {
            _refused("refused announcement", due);
        }
    }

    function revokeClosing(uint256 luck) external live {
        // Most announcements are not revoked, otherwise there would never be a successor.
        if (luck % 4 != 0) return;
        System memory s = _version(luck >> 2);
        bool due = s.registry.closesAt() != 0 && !s.registry.isClosed();
        vm.prank(GOVERNOR);
        try s.registry.revokeClosing() {
            _note("revocation", due);
        } catch {
            _refused("refused revocation", due);
        }
    }

    function succeed() external live {
        if (_versions.length == VERSIONS) return;
        System memory newest = _versions[_versions.length - 1];
        if (!newest.registry.isClosed()) return;
        _versions.push(newest.succeed());
        count["succession"] += 1;
    }

    function wait(uint256 luck) external live {
        vm.warp(vm.getBlockTimestamp() + (luck % (CLOSING_SECONDS + 1)));
    }

    function versions() external view returns (uint256) {
        return _versions.length;
    }

    function versionAt(uint256 version) external view returns (System memory) {
        return _versions[version];
    }

    function nameAt(uint256 name) external view returns (string memory) {
        return _names[name];
    }

    function names() external view returns (uint256) {
        return _names.length;
    }

    function violationCount() external view returns (uint256) {
        return violations.length;
    }

    /// @notice The numbers and labels of a version.
    function given(uint256 version) public view returns (bytes32 hash) {
        System memory s = _versions[version];
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            bool here = _ownerOf(s, number) != address(0);
            hash = keccak256(abi.encode(hash, here, s.labels.labelOf(number)));
        }
    }

    /// @dev The numbers and labels of a closed version do not change after the first check.
    function _watch() private {
        for (uint256 i = 0; i < _versions.length; ++i) {
            if (closedWith[i] == 0 && _versions[i].registry.isClosed()) closedWith[i] = given(i);
        }
    }

    function _note(bytes32 action, bool due) private {
        count[action] += 1;
        if (!due) violations.push("something happened that the rules forbid");
    }

    function _refused(bytes32 action, bool due) private {
        count[action] += 1;
        if (due) violations.push("something was refused that the rules allow");
    }

    function _fund(System memory s, address who, address spender, uint256 amount) private {
        s.fund(who, amount);
        vm.prank(who);
        s.token.approve(spender, amount);
    }

    function _labelDue(
        System memory s,
        address who,
        uint64 number,
        uint256 name
    ) private view returns (bool) {
        if (s.registry.isClosed() || _ownerOf(s, number) != who) return false;
        uint32 epoch = s.registry.currentEpoch();
        if (s.registry.statusAt(number, epoch) != IServiceRegistry.Status.Active) return false;
        return firstHolder[name] == 0 && bytes(s.labels.labelOf(number)).length == 0;
    }

    /// @dev The newest version, up to a given one, in which a number exists.
    function _home(
        uint256 version,
        uint64 number
    ) private view returns (System memory home, bool found) {
        for (uint256 i = version + 1; i > 0; --i) {
            if (_ownerOf(_versions[i - 1], number) != address(0)) return (_versions[i - 1], true);
        }
    }

    function _ownerOf(System memory s, uint64 number) private view returns (address) {
        try s.registry.ownerOf(number) returns (address owner) {
            return owner;
        } catch {
            return address(0);
        }
    }

    /// @dev Mostly the owner, sometimes another account.
    function _whoFor(System memory s, uint64 number, uint256 luck) private view returns (address) {
        address owner = _ownerOf(s, number);
        return owner == address(0) || luck % 4 == 0 ? _person(luck >> 2) : owner;
    }

    function _version(uint256 luck) private view returns (System memory) {
        return _versions[luck % _versions.length];
    }

    /// @dev A number of the version, or the next one.
    function _number(System memory s, uint256 luck) private view returns (uint64) {
        return uint64((luck % (uint256(s.registry.serviceCount()) + 1)) + 1);
    }

    function _person(uint256 luck) private view returns (address) {
        return _people[luck % _people.length];
    }
}
