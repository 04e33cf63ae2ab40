// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PayLib} from "../libraries/PayLib.sol";
import {MAX_SHARDS, TallyLib} from "../libraries/TallyLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {AuditRounds} from "./AuditRounds.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {IProofOfService} from "./IProofOfService.sol";

/// @title ProofOfService
/// @notice See {IProofOfService}. Nobody holds a privilege here: a commitment needs the auditor's operator,
/// everything else is permissionless and pays only whom the rules name.
contract ProofOfService is AuditRounds {
    /// @notice Epochs whose verdict may stand in for a missing one when a service is settled.
    uint32 public constant CARRY_EPOCHS = 4;
    /// @notice Consecutive FAILED epochs after which anyone may suspend a service.
    uint32 public constant DOWN_EPOCHS = 8;
    /// @notice How long the last of them may have been final, in epochs.
    uint32 public constant DOWN_FRESH_EPOCHS = 3;

    uint256 private constant REASON_BYTES = 256;

    /// @inheritdoc IProofOfService
    mapping(uint64 number => uint32 epoch) public settledThrough;

    /// @notice Sets what never changes afterwards.
    /// @param registry_ The registry, whose clock is taken over.
    /// @param staking_ Staking on that registry.
    /// @param rewardPool_ Pays rewards.
    constructor(
        address registry_,
        address staking_,
        address rewardPool_
    ) EpochLedger(registry_, staking_, rewardPool_) {}

    /// @inheritdoc IProofOfService
    function settle(uint64 number, uint32 upTo) external returns (uint256 reward) {
        uint32 current = currentEpoch();
        require(uint256(upTo) + 2 <= current, PosNotFinal(upTo, current));
        uint32 epoch = IServiceRegistry(registry).firstEpoch(number);
        require(epoch != 0, PosUnknownService(number));
        // Seeds come in order, so what lies beyond the newest may still get one, and its budget: to settle
        // it now would let anyone take a service's pay away.
        uint32 newest = newestSeed;
        if (upTo > newest) upTo = newest;
        uint32 settled = settledThrough[number];
        if (settled >= upTo) return 0;
        if (epoch <= settled) epoch = settled + 1;
        // What the ring has forgotten cannot be paid any more.
        if (current >= RING && epoch <= current - RING) epoch = current - RING + 1;

        settledThrough[number] = upTo;
        for (; epoch <= upTo; ++epoch) {
            reward += _settleEpoch(number, epoch);
        }

        // To whom the owner names at this moment. Our own pool; the token has no hooks.
        if (reward != 0) {
            IRewardPool(rewardPool).pay(IServiceRegistry(registry).payoutOf(number), reward);
        }
    }

    /// @inheritdoc IProofOfService
    function suspend(uint64 number, uint32 lastEpoch) external {
        uint32 current = currentEpoch();
        require(uint256(lastEpoch) + 2 <= current, PosNotFinal(lastEpoch, current));
        require(current - lastEpoch - 2 <= DOWN_FRESH_EPOCHS, PosRunTooOld(lastEpoch, current));
        IServiceRegistry services = IServiceRegistry(registry);
        require(
            services.statusNow(number) != IServiceRegistry.Status.Suspended,
            PosAlreadySuspended(number)
        );
        uint32 since = services.reinstatedSince(number);
        require(
            lastEpoch >= DOWN_EPOCHS && lastEpoch - DOWN_EPOCHS + 1 >= since,
            PosRunTooShort(number, lastEpoch, since)
        );
        for (uint32 epoch = lastEpoch + 1 - DOWN_EPOCHS; epoch <= lastEpoch; ++epoch) {
            (uint8 grade, bool quorate) = verdictOf(number, epoch);
            // Maintenance, and whatever else makes a service inactive, breaks the run.
            bool active = services.statusAt(number, epoch) == IServiceRegistry.Status.Active;
            require(active && quorate && grade == 0, PosNotDown(number, epoch));
        }

        emit Suspended(number, lastEpoch);
        services.suspend(number);
    }

    /// @inheritdoc IProofOfService
    function tryMulticall(bytes[] calldata calls) external returns (bool[] memory ok) {
        ok = new bool[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 gasBefore = gasleft();
            // This contract calls itself and keeps the sender: no foreign code can be reached.
            (bool success, bytes memory result) = address(this).delegatecall(calls[i]);
            ok[i] = success;
            if (success) continue;
            // EIP-150 keeps 1/64 back at each level. A call that used up nearly all the rest ran out of
            // gas, which says nothing about its merit, and gas estimation has to see a failure.
            require(result.length != 0 || gasleft() > gasBefore / 16, PosCallOutOfGas(i));
            if (result.length > REASON_BYTES) {
                assembly ("memory-safe") {
                    mstore(result, REASON_BYTES)
                }
            }
            emit CallFailed(i, result);
        }
    }

    /// @inheritdoc IProofOfService
    function verdictOf(
        uint64 number,
        uint32 epoch
    ) public view returns (uint8 grade, bool quorate) {
        require(number != 0, PosUnknownService(number));
        uint256 shard = (number - 1) / TallyLib.LANES;
        require(shard < MAX_SHARDS, PosUnknownService(number));
        (uint256 verdict, bool enough) = TallyLib.verdictAt(
            _tally(shard, epoch),
            (number - 1) % TallyLib.LANES
        );
        return (uint8(verdict), enough);
    }

    /// @dev Pays one final epoch out of its own budget.
    function _settleEpoch(uint64 number, uint32 epoch) private returns (uint256 reward) {
        Epoch storage entry = _entry(epoch);
        if (entry.epoch != epoch) return 0;
        if (IServiceRegistry(registry).statusAt(number, epoch) != IServiceRegistry.Status.Active)
            return 0;
        (uint8 grade, bool quorate) = verdictOf(number, epoch);
        for (uint32 back = 1; !quorate && back <= CARRY_EPOCHS && back < epoch; ++back) {
            (grade, quorate) = verdictOf(number, epoch - back);
        }
        if (!quorate) return 0;

        uint256 stake = IStaking(staking).serviceStakeAt(number, epoch);
        (uint256 total, ) = IStaking(staking).activeAt(epoch);
        reward = PayLib.provider(entry.providersBudget, stake, total, grade);
        uint96 left = entry.providersLeft;
        if (reward > left) reward = left;
        entry.providersLeft = left - uint96(reward);
        emit Settled(number, epoch, grade, reward);
    }
}
