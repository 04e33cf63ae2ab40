// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ChallengeBook} from "../../contracts/challenges/ChallengeBook.sol";
import {ProofOfService} from "../../contracts/proof-of-service/ProofOfService.sol";
import {ServiceRegistry} from "../../contracts/registry/ServiceRegistry.sol";
import {Staking} from "../../contracts/staking/Staking.sol";
import {BlocToken} from "../../contracts/token/BlocToken.sol";
import {RewardPool} from "../../contracts/token/RewardPool.sol";
import {LivenessVerifier} from "../../contracts/verifiers/LivenessVerifier.sol";
import {AuditorActor} from "./AuditorActor.sol";
import {System, SystemLib} from "./System.sol";

/// @title Deployment
/// @notice Base of the contract tests: everything deployed and connected in epoch 0, and the actors of
/// the stories.
abstract contract Deployment {
    using SystemLib for System;

    address internal constant PROVIDER = address(0x9406);
    address internal constant STRANGER = address(0x5744);

    BlocToken internal token;
    RewardPool internal pool;
    ServiceRegistry internal registry;
    Staking internal staking;
    ProofOfService internal pos;
    ChallengeBook internal book;
    LivenessVerifier internal verifier;
    AccessManager internal governance;

    function setUp() public virtual {
        System memory s = SystemLib.deploy();
        (token, pool, registry, staking, pos) = (s.token, s.pool, s.registry, s.staking, s.pos);
        (book, verifier, governance) = (s.book, s.verifier, s.governance);
    }

    function system() internal view returns (System memory) {
        return System(token, pool, registry, staking, pos, book, verifier, governance);
    }

    /// @notice A service of the provider with the least stake.
    function registerService() internal returns (uint64) {
        return system().register(PROVIDER, 1_000e18);
    }

    /// @notice Several of them.
    function registerServices(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            registerService();
        }
    }

    /// @notice An auditor that has staked and enrolled.
    function newAuditor(string memory name, uint96 stake) internal returns (AuditorActor actor) {
        actor = new AuditorActor(system(), name);
        actor.join(stake);
    }

    function enter(uint32 epoch) internal {
        SystemLib.enter(epoch);
    }

    function jump(uint32 epoch, uint256 second) internal {
        SystemLib.jump(epoch, second);
    }

    function tick(uint32 epoch) internal {
        system().tick(epoch);
    }

    function enterAndTick(uint32 epoch) internal {
        system().enterAndTick(epoch);
    }
}
