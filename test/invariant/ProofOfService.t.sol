// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "../support/Cheatcodes.sol";
import {SystemLib} from "../support/System.sol";
import {AdversaryHandler} from "./AdversaryHandler.sol";
import {AuditorHandler} from "./AuditorHandler.sol";
import {ChallengeHandler} from "./ChallengeHandler.sol";
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

contract Challenges is ChallengeHandler {
    constructor(Store store) ChallengeHandler(store) {}
}

contract Adversary is AdversaryHandler {
    constructor(Store store) AdversaryHandler(store) {}
}

/// @notice One invariant for all assertions, because each invariant function would be a separate campaign.
contract ProofOfServiceInvariant {
    using InvariantAssertions for Store;

    Store private _store;
    Provider private _provider;
    Auditors private _auditor;
    Keeper private _keeper;
    Challenges private _challenges;
    Adversary private _adversary;
    address[] private _targets;

    function setUp() public {
        _store = new Store(SystemLib.deploy());
        _provider = new Provider(_store);
        _auditor = new Auditors(_store);
        _keeper = new Keeper(_store);
        _challenges = new Challenges(_store);
        _adversary = new Adversary(_store);
        // Time and auditors come twice as often as the others.
        _targets = [
            address(_provider),
            address(_auditor),
            address(new Auditors(_store)),
            address(_keeper),
            address(new Keeper(_store)),
            address(_challenges),
            address(_adversary)
        ];
        // The first rounds are two epochs later; the fuzzer begins there.
        _keeper.nextEpoch(1);
        _keeper.nextEpoch(1);
        _auditor.work(type(uint256).max);
        _keeper.nextEpoch(1);
        _auditor.work(type(uint256).max);
        _keeper.nextEpoch(1);
    }

    /// @dev Read by the runner: the contracts that the fuzzer calls.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function invariant_TheRulesHoldWhateverHappens() public {
        _check();
    }

    /// @dev The same handlers in a fixed order, so that every action happens at least once.
    function test_TheHandlersReachEverything() public {
        for (uint256 i = 0; i < 60; ++i) {
            uint256 luck = uint256(keccak256(abi.encode("luck", i)));
            _keeper.nextEpoch(luck);
            _auditor.work(luck);
            _provider.register(luck, uint96(luck >> 8));
            _provider.stake(luck >> 16, uint96(luck >> 32));
            _provider.unstake(luck >> 24, uint96(luck), luck % 4 == 0);
            _provider.withdraw(luck >> 24, luck);
            _provider.maintain(luck >> 40, luck % 8 == 1);
            _provider.setPayout(luck >> 41, luck);
            _provider.retire(luck >> 42, luck >> 43);
            _provider.revive(luck >> 44);
            for (uint256 j = 0; j < 6; ++j) {
                _provider.revive(luck + j);
                _challenges.challenge(luck + j);
                _challenges.respond(luck + 5 * j, luck >> (50 + j) % 4 != 0);
                _challenges.resolve(luck + 2 * j);
                _challenges.annul(luck + 3 * j);
                _keeper.report(j, luck >> (4 * j));
                _keeper.lapse(j);
            }
            _keeper.contribute(luck);
            _keeper.releaseSlot(luck >> 9);
            _keeper.suspend(2, luck);
            _keeper.suspend(luck, luck >> 8);
            _provider.setProbe(luck, bytes32(luck));
            _provider.sell(luck, luck >> 8);
            _auditor.stake(luck, uint96(luck));
            _auditor.unstake(luck >> 8, uint96(luck), luck % 3 == 0);
            _auditor.withdraw(luck >> 8);
            _auditor.enrol(luck);
            _auditor.collect(luck);
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
        _beDownForLong();
        _check();
        bytes32[46] memory actions = [
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
            "refused tip",
            "collect",
            "maintenance",
            "no maintenance",
            "payout",
            "revival",
            "reinstate",
            "retirement",
            "report",
            "refused report",
            "lapse",
            "refused lapse",
            "suspension",
            "refused suspension",
            "challenge",
            "refused challenge",
            "answer",
            "refused answer",
            "penalty",
            "refused penalty",
            "annulment",
            "refused annulment",
            "contribution",
            "release",
            "refused release",
            "refused probe"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGt(_store.count(actions[i]), 0, string(abi.encodePacked(actions[i])));
        }
    }

    /// @dev A quiet time, in which all auditors work and service 3 fails in each epoch. How long it takes depends on
    /// the draws, and these on the addresses of the deployment: an epoch without a quorum begins it anew.
    function _beDownForLong() private {
        for (uint256 i = 0; i < 80 && _store.count("suspension") == 0; ++i) {
            // Until it is active again: keyless, in maintenance, suspended and unstaked, one by one.
            _provider.revive(2);
            _provider.stake(2, 1_000e18);
            _keeper.nextEpoch(1);
            _auditor.work(type(uint256).max);
            // The last final epoch.
            _keeper.suspend(2, 1);
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
        _store.theBookHoldsTheOpenBonds();
        _store.whatMayBeSlashedIsThere();
        _store.stakersOwnTheirServices();
        _store.slotsHaveOneHolder();
        _store.watchStatuses();
        _store.nothingForbiddenHappened();
    }
}
