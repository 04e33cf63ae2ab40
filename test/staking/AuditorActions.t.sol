// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {AUDITOR_STAKE, System, SystemLib} from "../support/System.sol";

/// @notice Three auditors that stake, enrol, lapse, are slashed and leave, in any order, compared with a model that
/// keeps the counted stake of each auditor and epoch. The test acts as `ProofOfService`.
contract AuditorActionsTest is Deployment {
    using SystemLib for System;

    uint256 private constant STEPS = 32;
    uint32 private constant HORIZON = 48;

    address[3] private _people = [address(0xa11ce), address(0xb0b), address(0xca401)];
    /// @dev The counted stakes, by epoch.
    uint256[HORIZON][3] private _counted;
    uint256[3] private _stakes;
    uint32[3] private _since;
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
        for (uint256 i = 1; i <= STEPS; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            // Mostly several actions per epoch, sometimes none.
            if (dice % 3 == 0 && _now < HORIZON - 6) {
                _now += 1 + uint32((dice >> 8) % 3);
                enter(_now);
            }
            _act((dice >> 16) % 5, (dice >> 24) % 3, uint96((dice >> 64) % 4_000e18));
            _compare();
        }
        _compareMoney();
    }

    /// @dev Makes one call and updates the model by the rules; the call must revert if the rules refuse it.
    function _act(uint256 action, uint256 who, uint96 amount) private {
        uint256 stake = _stakes[who];
        uint32 since = _since[who];
        bool allowed = amount != 0;
        bytes memory call;
        if (action == 0) {
            // The first time at least nearly the minimum.
            if (stake == 0) amount += 3_500e18;
            stake += amount;
            allowed = stake >= AUDITOR_STAKE;
            call = abi.encodeCall(staking.stakeAuditor, (amount));
        } else if (action == 1) {
            // Sometimes all of it.
            if (amount % 3 == 0) amount = uint96(stake);
            allowed = amount != 0 && amount <= stake;
            if (allowed) stake -= amount;
            allowed = allowed && (stake == 0 || stake >= AUDITOR_STAKE);
            call = abi.encodeCall(staking.unstakeAuditor, (amount));
        } else if (action == 2) {
            allowed = stake >= AUDITOR_STAKE;
            if (since == 0) since = _now + 2;
            call = abi.encodeCall(staking.enrol, (_people[who]));
        } else if (action == 3) {
            allowed = since != 0 && since <= _now;
            since = 0;
            call = abi.encodeCall(staking.lapse, (_people[who]));
        } else {
            allowed = true;
            stake = amount < stake ? stake - amount : 0;
            call = abi.encodeCall(staking.slashAuditor, (_people[who], amount, STRANGER));
        }
        vm.prank(action < 2 ? _people[who] : address(pos));
        (bool ok, ) = address(staking).call(call);
        vm.assertEq(ok, allowed, string.concat("action ", vm.toString(action)));
        if (!allowed) return;

        // Without stake an enrolment ends.
        if (stake == 0) since = 0;
        (_stakes[who], _since[who]) = (stake, since);
        for (uint32 epoch = _now + 2; epoch < HORIZON; ++epoch) {
            _counted[who][epoch] = since != 0 && epoch >= since ? stake : 0;
        }
    }

    /// @dev All epochs up to two epochs ahead, including the past, which never changes.
    function _compare() private view {
        for (uint32 epoch = 0; epoch <= _now + 2; ++epoch) {
            uint256 sum = _counted[0][epoch] + _counted[1][epoch] + _counted[2][epoch];
            for (uint256 i = 0; i < _people.length; ++i) {
                (uint96 stake, uint96 total) = auditorStakeAt(_people[i], epoch);
                vm.assertEq(stake, _counted[i][epoch], "stake");
                vm.assertEq(total, sum, "total");
            }
        }
        for (uint256 i = 0; i < _people.length; ++i) {
            (uint96 stake, uint32 since) = staking.auditorStake(_people[i]);
            vm.assertEq(stake, _stakes[i], "newest stake");
            vm.assertEq(since, _since[i], "enrolled since");
        }
    }

    /// @dev The contract's balance equals stake plus unbonding stake.
    function _compareMoney() private view {
        uint256 held = 0;
        for (uint256 i = 0; i < _people.length; ++i) {
            held += _stakes[i];
            UnbondingLib.Entry[] memory open = staking.auditorUnbonding(_people[i]);
            for (uint256 k = 0; k < open.length; ++k) {
                held += open[k].amount;
            }
        }
        vm.assertEq(token.balanceOf(address(staking)), held, "held");
    }
}
