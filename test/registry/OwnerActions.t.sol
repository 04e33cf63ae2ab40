// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Slot} from "../../contracts/libraries/Slot.sol";
import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @notice Three services, three people and all actions on a service, in any order, compared with a model that keeps
/// one plain record for each service and epoch.
contract OwnerActionsTest is Deployment {
    using SystemLib for System;

    uint256 private constant SERVICES = 3;
    uint256 private constant STEPS = 32;
    uint256 private constant ACTIONS = 10;
    uint32 private constant HORIZON = 48;
    uint256 private constant MINIMUM = 1_000e18;

    /// @dev The state of a service in an epoch.
    struct Record {
        bool exists;
        address key;
        bool maintenance;
        bool suspended;
        bool retired;
        uint256 stake;
        address staker;
    }

    address[3] private _people = [address(0xa11ce), address(0xb0b), address(0xca401)];
    Record[HORIZON][SERVICES + 1] private _records;
    address[SERVICES + 1] private _owners;
    address[SERVICES + 1] private _payouts;
    uint32 private _now;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < _people.length; ++i) {
            system().fund(_people[i], 1_000_000e18);
            vm.prank(_people[i]);
            token.approve(address(staking), type(uint256).max);
        }
    }

    function testFuzz_AnySequenceOfActionsAgreesWithTheModel(uint256 seed) public {
        for (uint64 number = 1; number <= SERVICES; ++number) {
            _register(number, roll(seed, number, 3), roll(seed, 10 + number, 3) * 700e18);
        }
        for (uint256 i = 1; i <= STEPS; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, 100 + i)));
            // Mostly several actions per epoch, sometimes none.
            if (dice % 3 == 0 && _now < HORIZON - 6) _enter(_now + 1 + uint32((dice >> 8) % 3));
            uint64 number = uint64(1 + ((dice >> 16) % SERVICES));
            // Mostly the owner, sometimes another account.
            address who = (dice >> 24) % 8 == 0 ? _people[(dice >> 32) % 3] : _owners[number];
            _act((dice >> 40) % ACTIONS, number, who, dice >> 64);
            _compare();
        }
        _compareMoney();
    }

    function _enter(uint32 epoch) private {
        enter(epoch);
        _now = epoch;
    }

    function _register(uint64 number, uint256 person, uint256 stake) private {
        address owner = _people[person];
        vm.prank(owner);
        registry.register(0, _key(number), "GET /", "", uint96(stake));
        _owners[number] = owner;
        Record memory next;
        next.exists = true;
        next.key = _key(number);
        next.stake = stake;
        next.staker = owner;
        _write(number, next);
    }

    /// @dev Makes one call and updates the model by the rules; the call must revert if the rules refuse it.
    function _act(uint256 action, uint64 number, address who, uint256 dice) private {
        Record memory next = _records[number][_now + 2];
        bool mine = who == _owners[number];
        bool allowed = mine && !next.retired;
        bytes memory call;
        address target = address(registry);
        if (action == 0) {
            next.key = _key(dice);
            call = abi.encodeCall(registry.setKey, (number, next.key));
        } else if (action == 1) {
            bool on = dice % 2 == 0;
            allowed = allowed && next.maintenance != on;
            next.maintenance = on;
            call = abi.encodeCall(registry.setMaintenance, (number, on));
        } else if (action == 2) {
            call = abi.encodeCall(registry.suspend, (number));
            who = dice % 2 == 0 ? address(book) : address(settlement);
            allowed = true;
            if (!next.retired) next.suspended = true;
        } else if (action == 3) {
            allowed = allowed && next.suspended;
            next.suspended = false;
            call = abi.encodeCall(registry.reinstate, (number));
        } else if (action == 4) {
            // Rarely, because a retired service does not change afterwards.
            if (dice % 6 != 0) return;
            next.retired = true;
            (next.stake, next.staker) = (0, address(0));
            call = abi.encodeCall(registry.retire, (number));
        } else if (action == 5) {
            _transfer(number, who, _people[dice % 3]);
            return;
        } else if (action == 6) {
            uint256 amount = dice % 900e18;
            allowed = amount != 0 && (next.staker == who || (next.staker == address(0) && allowed));
            next.staker = who;
            next.stake += amount;
            target = address(staking);
            call = abi.encodeCall(staking.stakeService, (number, uint96(amount)));
        } else if (action == 7) {
            uint256 amount = dice % 900e18;
            allowed = next.staker == who && amount != 0 && amount <= next.stake;
            if (allowed) next.stake -= amount;
            target = address(staking);
            call = abi.encodeCall(staking.unstakeService, (number, uint96(amount)));
        } else if (action == 8) {
            uint256 amount = dice % 500e18;
            who = address(book);
            allowed = true;
            // A slash above the stake takes unbonding stake, which the model does not track.
            if (next.staker != address(0))
                next.stake = amount < next.stake ? next.stake - amount : 0;
            target = address(staking);
            call = abi.encodeCall(
                staking.slashService,
                (number, next.staker, uint96(amount), STRANGER, STRANGER)
            );
        } else {
            allowed = mine;
            call = abi.encodeCall(registry.setPayout, (number, _people[dice % 3]));
            if (mine) _payouts[number] = _people[dice % 3];
        }
        vm.prank(who);
        (bool ok, ) = target.call(call);
        vm.assertEq(ok, allowed, string.concat("action ", vm.toString(action)));
        if (allowed) _write(number, next);
    }

    function _transfer(uint64 number, address from, address to) private {
        bool allowed = from == _owners[number];
        vm.prank(from);
        (bool ok, ) = address(registry).call(
            abi.encodeWithSignature("transferFrom(address,address,uint256)", from, to, number)
        );
        vm.assertEq(ok, allowed, "transfer");
        if (!allowed || from == to) return;

        _owners[number] = to;
        _payouts[number] = address(0);
        Record memory next = _records[number][_now + 2];
        (next.key, next.stake, next.staker) = (address(0), 0, address(0));
        _write(number, next);
    }

    /// @dev Changes count exactly two epochs later.
    function _write(uint64 number, Record memory next) private {
        for (uint32 epoch = _now + 2; epoch < HORIZON; ++epoch) {
            _records[number][epoch] = next;
        }
    }

    function _compare() private view {
        for (uint32 epoch = _now == 0 ? 0 : _now - 1; epoch <= _now + 2; ++epoch) {
            uint256 lanes = 0;
            uint256 total = 0;
            uint256 count = 0;
            for (uint64 number = 1; number <= SERVICES; ++number) {
                Record memory record = _records[number][epoch];
                uint256 status = _status(record);
                vm.assertEq(uint8(registry.statusAt(number, epoch)), status, "status");
                vm.assertEq(registry.keyAt(number, epoch), record.key, "key");
                vm.assertEq(serviceStakeAt(number, epoch), record.stake, "stake");
                vm.assertEq(staking.stakerAt(number, epoch), record.staker, "staker");
                if (status != 1) continue;
                lanes |= 1 << (Slot.unwrap(registry.slotOf(number)) - 1);
                total += record.stake;
                ++count;
            }
            vm.assertEq(registry.activeLanes(0, epoch), lanes, "lanes");
            (uint96 stake, uint64 services) = activeAt(epoch);
            vm.assertEq(stake, total, "total");
            vm.assertEq(services, count, "services");
        }
        for (uint64 number = 1; number <= SERVICES; ++number) {
            Record memory newest = _records[number][_now + 2];
            vm.assertEq(uint8(registry.statusNow(number)), _status(newest), "statusNow");
            vm.assertEq(staking.stakerOf(number), newest.staker, "stakerOf");
            vm.assertEq(registry.ownerOf(number), _owners[number], "owner");
            address payout = _payouts[number] == address(0) ? _owners[number] : _payouts[number];
            vm.assertEq(registry.payoutOf(number), payout, "payout");
        }
    }

    /// @dev The contract's balance equals stake plus unbonding stake.
    function _compareMoney() private view {
        uint256 held = 0;
        for (uint64 number = 1; number <= SERVICES; ++number) {
            held += _records[number][_now + 2].stake;
            for (uint256 i = 0; i < _people.length; ++i) {
                UnbondingLib.Entry[] memory open = staking.serviceUnbonding(number, _people[i]);
                for (uint256 k = 0; k < open.length; ++k) {
                    held += open[k].amount;
                }
            }
        }
        vm.assertEq(token.balanceOf(address(staking)), held, "held");
    }

    function _status(Record memory record) private pure returns (uint256) {
        if (!record.exists) return 0;
        if (record.retired) return 5;
        if (record.suspended) return 4;
        if (record.maintenance) return 3;
        if (record.key == address(0)) return 6;
        return record.stake >= MINIMUM ? 1 : 2;
    }

    function _key(uint256 dice) private pure returns (address) {
        return address(uint160(1 + (dice % 1e6)));
    }

    function roll(uint256 seed, uint256 index, uint256 limit) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, index))) % limit;
    }
}
