// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CHALLENGE_BOND, EPOCH_SECONDS, GENESIS, System, SystemLib} from "../support/System.sol";

/// @title Store
/// @notice The handlers' own data: the clock, the actors, payments, the state at the beginning of an epoch, and the
/// number of occurrences of each action.
contract Store {
    using SystemLib for System;

    /// @dev More than the slots of all services that a campaign registers.
    uint256 private constant SHARDS = 3;

    System private _s;
    /// @dev Seconds since genesis. A cheatcode's time does not outlive a call of the fuzzer, so each one
    /// begins with {resume}.
    uint256 public elapsed;

    AuditorActor[] public auditors;
    address[] public providers;
    address public constant KEEPER = address(0x4ee9e4);
    address public constant ADVERSARY = address(0xbad);
    address public constant CHALLENGER = address(0xc4a);
    /// @dev The auditor that rarely works: the last of the list.
    uint256 public constant IDLE = 4;

    /// @dev Epochs with a seed, in order.
    uint32[] public ticked;
    /// @dev Epochs whose beginning was recorded, in order.
    uint32[] public begun;
    mapping(uint32 epoch => uint64) public servicesAt;
    mapping(uint32 epoch => bytes32) public pastAt;
    mapping(uint32 epoch => bytes32) public presentAt;

    mapping(uint32 epoch => uint256) public revealsOf;
    mapping(uint32 epoch => uint256) public claimedOf;
    mapping(uint32 epoch => uint256) public settledOf;
    mapping(uint64 number => mapping(uint32 epoch => uint256)) public settlements;
    mapping(uint64 number => uint32) public pointerOf;
    mapping(address auditor => mapping(uint32 epoch => bool)) public hasRevealed;
    mapping(address auditor => mapping(uint32 epoch => bool)) public hasClaimed;

    mapping(address auditor => mapping(uint32 epoch => bool)) public hasReported;
    /// @dev BLOC burned by slashes, in wei.
    uint256 public burned;
    mapping(uint64 number => IServiceRegistry.Status) public statusSeen;

    mapping(bytes32 action => uint256) public count;
    /// @dev Violations of the rules.
    string[] public violations;

    constructor(System memory s) {
        _s = s;
        string[5] memory names = ["alice", "bob", "carol", "dave", "idle"];
        for (uint256 i = 0; i < names.length; ++i) {
            AuditorActor auditor = new AuditorActor(s, names[i]);
            // Unequal stakes, so that some auditors do not draw some shards.
            auditor.join(i == IDLE ? 6_000e18 : uint96(5_000e18 << i));
            auditors.push(auditor);
        }
        for (uint160 i = 0; i < 3; ++i) {
            address provider = address(0x940600 + i);
            providers.push(provider);
            for (uint256 j = 0; j < 3; ++j) {
                SystemLib.register(s, provider, uint96(1_000e18 * (j + 1)));
            }
        }
    }

    function system() external view returns (System memory) {
        return _s;
    }

    /// @notice Sets the time at which the last handler ended.
    function resume() public {
        SystemLib.jump(uint32(elapsed / EPOCH_SECONDS), elapsed % EPOCH_SECONDS);
    }

    /// @notice Advances the time, and records the state at the beginning of each new epoch.
    function pass(uint256 seconds_) external {
        uint32 before = uint32(elapsed / EPOCH_SECONDS);
        elapsed += seconds_;
        uint32 current = uint32(elapsed / EPOCH_SECONDS);
        if (current == before) return resume();
        SystemLib.jump(current, 0);
        uint64 services = _s.registry.serviceCount();
        begun.push(current);
        servicesAt[current] = services;
        pastAt[current] = past(current, services);
        presentAt[current] = present(current, services);
        resume();
    }

    /// @notice The state of an epoch that is stored for ever: stakes, totals, keys, statuses.
    function past(uint32 epoch, uint64 services) public view returns (bytes32 digest) {
        (uint96 stake, uint64 active) = _s.activeAt(epoch);
        digest = keccak256(abi.encode(stake, active));
        for (uint64 number = 1; number <= services; ++number) {
            digest = keccak256(
                abi.encode(
                    digest,
                    _s.serviceStakeAt(number, epoch),
                    _s.registry.statusAt(number, epoch),
                    _s.registry.keyAt(number, epoch)
                )
            );
        }
        for (uint256 i = 0; i < auditors.length; ++i) {
            (uint96 mine, uint96 total) = _s.auditorStakeAt(address(auditors[i]), epoch);
            digest = keccak256(abi.encode(digest, mine, total));
        }
    }

    /// @notice The state of the current epoch that is overwritten later: probes and lanes.
    function present(uint32 epoch, uint64 services) public view returns (bytes32 digest) {
        for (uint64 number = 1; number <= services; ++number) {
            (bytes32 hash, uint64 blockNumber) = _s.registry.probeAt(number, epoch);
            digest = keccak256(abi.encode(digest, hash, blockNumber));
        }
        for (uint256 shard = 0; shard < SHARDS; ++shard) {
            digest = keccak256(abi.encode(digest, _s.registry.activeLanes(shard, epoch)));
        }
    }

    function auditorCount() external view returns (uint256) {
        return auditors.length;
    }

    function providerCount() external view returns (uint256) {
        return providers.length;
    }

    function tickedCount() external view returns (uint256) {
        return ticked.length;
    }

    function begunCount() external view returns (uint256) {
        return begun.length;
    }

    function violationCount() external view returns (uint256) {
        return violations.length;
    }

    /// @notice The first epoch with a seed at or after `from`; 0 for none.
    function firstSeedFrom(uint32 from) external view returns (uint32 found) {
        for (uint256 i = ticked.length; i > 0 && ticked[i - 1] >= from; --i) {
            found = ticked[i - 1];
        }
    }

    function noteTick(uint32 epoch) external {
        ticked.push(epoch);
        ++count["tick"];
    }

    function noteReveal(address auditor, uint32 epoch) external {
        hasRevealed[auditor][epoch] = true;
        ++revealsOf[epoch];
        ++count["reveal"];
    }

    function noteClaim(address auditor, uint32 epoch, uint256 reward) external {
        hasClaimed[auditor][epoch] = true;
        claimedOf[epoch] += reward;
        ++count[reward == 0 ? bytes32("empty claim") : bytes32("claim")];
    }

    function noteSettlement(uint64 number, uint32 epoch, uint256 reward) external {
        settledOf[epoch] += reward;
        ++settlements[number][epoch];
        if (settlements[number][epoch] > 1) violations.push("an epoch was settled twice");
        ++count[reward == 0 ? bytes32("empty settlement") : bytes32("settlement")];
    }

    function notePointer(uint64 number, uint32 pointer) external {
        if (pointer < pointerOf[number]) violations.push("a settled pointer went back");
        pointerOf[number] = pointer;
    }

    function noteReport(address auditor, uint32 epoch) external {
        hasReported[auditor][epoch] = true;
        ++count["report"];
    }

    /// @notice Half of a slash, rounded down, is paid; the rest is burned.
    function noteSlash(uint256 slashed, uint256 paid) external {
        if (paid != slashed / 2) violations.push("a slash was shared wrongly");
        burned += slashed - paid;
    }

    /// @notice 30% of a challenge's slash go to the challenger and 20% to the resolver, both rounded down.
    function noteChallengeSlash(uint256 slashed, uint256 challengers, uint256 resolvers) external {
        if (challengers != (slashed * 30) / 100 || resolvers != (slashed * 20) / 100)
            violations.push("a challenge's slash was shared wrongly");
        burned += slashed - challengers - resolvers;
    }

    /// @notice An answer burns a fifth of the bond.
    function noteBondBurned(uint256 amount) external {
        if (amount != CHALLENGE_BOND / 5) violations.push("a bond was burned wrongly");
        burned += amount;
    }

    /// @notice The end of a suspension.
    function noteReinstated(uint64 number) external {
        statusSeen[number] = IServiceRegistry.Status.Unstaked;
        ++count["reinstate"];
    }

    /// @notice Compares the statuses with those seen last.
    function watchStatuses() external {
        for (uint64 number = 1; number <= _s.registry.serviceCount(); ++number) {
            IServiceRegistry.Status before = statusSeen[number];
            IServiceRegistry.Status status = _s.registry.statusNow(number);
            if (status == before) continue;
            if (before == IServiceRegistry.Status.Retired)
                violations.push("a retired service came back");
            if (status == IServiceRegistry.Status.None) violations.push("a service vanished");
            if (
                before == IServiceRegistry.Status.Suspended &&
                status != IServiceRegistry.Status.Retired
            ) violations.push("a suspension ended by itself");
            statusSeen[number] = status;
        }
    }

    function note(bytes32 action) external {
        ++count[action];
    }

    function noteViolation(string calldata what) external {
        violations.push(what);
    }
}
