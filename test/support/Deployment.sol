// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {Tally} from "../../contracts/libraries/Tally.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {AuditorActor} from "./AuditorActor.sol";
import {IBlocToken, ILivenessVerifier, IRegistry} from "./Interfaces.sol";
import {System, SystemLib} from "./System.sol";

/// @title Deployment
/// @notice Base of the contract tests: all contracts, deployed and connected in epoch 0, and the actors.
abstract contract Deployment {
    using SystemLib for System;

    address internal constant PROVIDER = address(0x9406);
    address internal constant STRANGER = address(0x5744);

    IBlocToken internal token;
    IRewardPool internal pool;
    IRegistry internal registry;
    IStaking internal staking;
    IProofOfService internal pos;
    ISettlement internal settlement;
    IChallengeBook internal book;
    IServiceLabels internal labels;
    ICashier internal cashier;
    ILivenessVerifier internal verifier;
    IAccessManager internal governance;

    function setUp() public virtual {
        _use(SystemLib.deploy());
    }

    function _use(System memory s) internal {
        (token, pool, registry, staking, pos) = (s.token, s.pool, s.registry, s.staking, s.pos);
        settlement = s.settlement;
        (book, labels, cashier) = (s.book, s.labels, s.cashier);
        (verifier, governance) = (s.verifier, s.governance);
    }

    function system() internal view returns (System memory) {
        return
            System(
                token,
                pool,
                registry,
                staking,
                pos,
                settlement,
                book,
                labels,
                cashier,
                verifier,
                governance
            );
    }

    /// @notice A service of the provider with the minimum stake.
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

    /// @notice Both budgets of an epoch and their unspent parts.
    function budgetOf(
        uint32 epoch
    )
        internal
        view
        returns (uint256 providers, uint256 providersLeft, uint256 auditors, uint256 auditorsLeft)
    {
        return system().budgetOf(epoch);
    }

    /// @notice Stake of a service, including stake that is not paid.
    function serviceStakeAt(uint64 number, uint32 epoch) internal view returns (uint96 stake) {
        return system().serviceStakeAt(number, epoch);
    }

    /// @notice The stakes of a draw: the auditor's and the total.
    function auditorStakeAt(
        address auditor,
        uint32 epoch
    ) internal view returns (uint96 stake, uint96 total) {
        return system().auditorStakeAt(auditor, epoch);
    }

    /// @notice Stake and number of active services.
    function activeAt(uint32 epoch) internal view returns (uint96 stake, uint64 services) {
        return system().activeAt(epoch);
    }

    /// @notice The votes on a shard.
    function tallyOf(uint256 shard, uint32 epoch) internal view returns (uint256) {
        return Tally.unwrap(pos.tallyOf(shard, epoch));
    }

    /// @notice The pool's reserves for both of its spenders.
    function setAside() internal view returns (uint256) {
        return system().setAside();
    }
}
