// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {SystemLib} from "../support/System.sol";
import {AdversaryHandler} from "./AdversaryHandler.sol";
import {AuditorHandler} from "./AuditorHandler.sol";
import {InvariantAssertions} from "./InvariantAssertions.sol";
import {KeeperHandler} from "./KeeperHandler.sol";
import {ProviderHandler} from "./ProviderHandler.sol";
import {Store} from "./Store.sol";

/// @dev The runner calls contracts of test files only, so the handlers get a name here.
contract Provider is ProviderHandler {
    constructor(Store store) ProviderHandler(store) {}
}

contract Auditors is AuditorHandler {
    constructor(Store store) AuditorHandler(store) {}
}

contract Keeper is KeeperHandler {
    constructor(Store store) KeeperHandler(store) {}
}

contract Adversary is AdversaryHandler {
    constructor(Store store) AdversaryHandler(store) {}
}

/// @notice One invariant for all assertions: each invariant function would be a campaign of its own.
contract ProofOfServiceInvariant {
    using InvariantAssertions for Store;

    Store private _store;
    Provider private _provider;
    Auditors private _auditor;
    Keeper private _keeper;
    Adversary private _adversary;
    address[] private _targets;

    function setUp() public {
        _store = new Store(SystemLib.deploy());
        _provider = new Provider(_store);
        _auditor = new Auditors(_store);
        _keeper = new Keeper(_store);
        _adversary = new Adversary(_store);
        // Time and auditors come twice as often as the others.
        _targets = [
            address(_provider),
            address(_auditor),
            address(new Auditors(_store)),
            address(_keeper),
            address(new Keeper(_store)),
            address(_adversary)
        ];
        // The first rounds are two epochs away; the fuzzer begins where there is work to do.
        _keeper.nextEpoch(1);
        _keeper.nextEpoch(1);
        _auditor.work(type(uint256).max);
        _keeper.nextEpoch(1);
        _auditor.work(type(uint256).max);
        _keeper.nextEpoch(1);
    }

    /// @dev Read by the runner: whom the fuzzer calls.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function invariant_TheRulesHoldWhateverHappens() public {
        _check();
    }

    /// @dev The same handlers in a fixed order, so that everything is certain to happen at least once.
    function test_TheHandlersReachEverything() public {
        for (uint256 i = 0; i < 40; ++i) {
            uint256 luck = uint256(keccak256(abi.encode("luck", i)));
            _keeper.nextEpoch(luck);
            _auditor.work(luck);
            _provider.register(luck, uint96(luck >> 8));
            _provider.stake(luck >> 16, uint96(luck >> 32));
            _provider.unstake(luck >> 24, uint96(luck), luck % 4 == 0);
            _provider.withdraw(luck >> 24);
            _provider.setProbe(luck, bytes32(luck));
            _provider.sell(luck, luck >> 8);
            _auditor.stake(luck, uint96(luck));
            _auditor.unstake(luck >> 8, uint96(luck), luck % 3 == 0);
            _auditor.withdraw(luck >> 8);
            _auditor.enrol(luck);
            for (uint256 j = 0; j < 4; ++j) {
                _auditor.claim(j, uint32(luck));
                _adversary.commitAgain(j, bytes32(luck));
                _adversary.enrolAgain(j);
                _adversary.revealWrongly(j, luck);
                _adversary.claimWrongly(j, luck >> 8);
                _adversary.stealRound(j, luck);
                _keeper.settle(luck + j, luck >> 4);
            }
            _adversary.commitForAnother(luck, bytes32(luck));
            _adversary.movePrivileged(luck, uint96(luck));
            _adversary.tickWrongly(luck);
            _keeper.wait(luck);
            _keeper.sleep(luck, luck >> 3);
            _check();
        }
        bytes32[21] memory actions = [
            bytes32("tick"),
            "commit",
            "reveal",
            "claim",
            "settlement",
            "empty settlement",
            "register",
            "stake",
            "unstake",
            "withdraw",
            "probe",
            "sale",
            "auditor stake",
            "auditor unstake",
            "auditor withdraw",
            "tip",
            "refused commit",
            "refused reveal",
            "refused claim",
            "refused theft",
            "refused tip"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(_store.count(actions[i]), 0, string(abi.encodePacked(actions[i])));
        }
    }

    function _check() private {
        _store.resume();
        _store.blocIsConserved();
        _store.stakingHoldsWhatIsAtStakeAndUnbonding();
        _store.totalsAreSumsOfTheirParts();
        _store.thePoolCoversWhatIsReserved();
        _store.anEpochPaysNoMoreThanItsBudget();
        _store.nothingIsClaimedWithoutAReveal();
        _store.whatCountsInAnEpochNeverChanges();
        _store.nothingForbiddenHappened();
    }
}
