// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RING} from "../libraries/Epochs.sol";
import {PayLib} from "../libraries/PayLib.sol";
import {Slot} from "../libraries/Slot.sol";
import {Tally} from "../libraries/Tally.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {IProofOfService} from "./IProofOfService.sol";
import {ISettlement} from "./ISettlement.sol";
import {ProtocolConstants} from "./ProtocolConstants.sol";
import {SkippingBatch} from "./SkippingBatch.sol";

/// @title Settlement
/// @notice See {ISettlement}. Holder of privilege: `ProofOfService` opens epochs. All other functions are
/// permissionless and pay only the accounts that the rules name.
contract Settlement is EpochClock, ProtocolConstants, SkippingBatch, ISettlement {
    /// @notice Number of earlier epochs whose verdict may replace a missing one in a settlement.
    uint32 public constant CARRY_EPOCHS = 4;
    /// @notice Consecutive FAILED epochs after which anyone may suspend a service.
    uint32 public constant DOWN_EPOCHS = 8;
    /// @notice Maximum number of epochs for which the last of them may have been final.
    uint32 public constant DOWN_FRESH_EPOCHS = 3;

    struct Entry {
        // slot 0
        uint32 epoch;
        uint96 left;
        uint96 budget;
        // slot 1
        uint96 activeStake;
    }

    /// @inheritdoc ISettlement
    address public immutable proofOfService;
    /// @inheritdoc ISettlement
    address public immutable registry;
    /// @inheritdoc ISettlement
    address public immutable staking;
    /// @inheritdoc ISettlement
    address public immutable rewardPool;

    Entry[RING] private _entries;
    /// @inheritdoc ISettlement
    mapping(uint64 number => uint32 epoch) public settledThrough;

    /// @notice Sets the values that never change.
    /// @param proofOfService_ Holds the tallies; names the other contracts; its clock is copied.
    constructor(
        address proofOfService_
    )
        EpochClock(
            IProofOfService(proofOfService_).genesis(),
            IProofOfService(proofOfService_).epochSeconds()
        )
    {
        proofOfService = proofOfService_;
        registry = IProofOfService(proofOfService_).registry();
        staking = IProofOfService(proofOfService_).staking();
        rewardPool = IProofOfService(proofOfService_).rewardPool();
    }

    /// @inheritdoc ISettlement
    function open(uint32 epoch, uint96 budget, uint96 activeStake) external {
        require(msg.sender == proofOfService, SettlementNotProofOfService(msg.sender));
        Entry storage entry = _entries[epoch % RING];
        uint96 unspent = entry.left;

        entry.epoch = epoch;
        entry.left = budget;
        entry.budget = budget;
        entry.activeStake = activeStake;

        // The pool makes no call back.
        if (unspent != 0) IRewardPool(rewardPool).release(unspent, 0);
    }

    /// @inheritdoc ISettlement
    function settle(uint64 number, uint32 upTo) external returns (uint256 reward) {
        uint32 current = currentEpoch();
        require(uint256(upTo) + 2 <= current, SettlementNotFinal(upTo, current));
        uint32 epoch = IServiceRegistry(registry).firstEpoch(number);
        require(epoch != 0, SettlementUnknownService(number));
        // Seeds are recorded in order, so epochs after the newest seed may still get a seed and a budget. If they
        // were settled now, anyone could destroy a service's pay.
        uint32 newest = IProofOfService(proofOfService).newestSeed();
        if (upTo > newest) upTo = newest;
        uint32 settled = settledThrough[number];
        if (settled >= upTo) return 0;
        if (epoch <= settled) epoch = settled + 1;
        // Epochs that the ring has overwritten cannot be paid any more.
        if (current >= RING && epoch <= current - RING) epoch = current - RING + 1;

        settledThrough[number] = upTo;
        for (; epoch <= upTo; ++epoch) {
            reward += _settleEpoch(number, epoch);
        }

        // The receiver is the owner's current payout address. The pool makes no call back; the token has no hooks.
        if (reward != 0) {
            IRewardPool(rewardPool).pay(IServiceRegistry(registry).payoutOf(number), reward);
        }
    }

    /// @inheritdoc ISettlement
    function suspend(uint64 number, uint32 lastEpoch) external {
        uint32 current = currentEpoch();
        require(uint256(lastEpoch) + 2 <= current, SettlementNotFinal(lastEpoch, current));
        require(
            current - lastEpoch - 2 <= DOWN_FRESH_EPOCHS,
            SettlementRunTooOld(lastEpoch, current)
        );
        IServiceRegistry services = IServiceRegistry(registry);
        IServiceRegistry.Status status = services.statusNow(number);
        require(
            status != IServiceRegistry.Status.Suspended &&
                status != IServiceRegistry.Status.Retired,
            SettlementNotSuspendable(number)
        );
        uint32 since = services.reinstatedSince(number);
        require(
            lastEpoch >= DOWN_EPOCHS && lastEpoch - DOWN_EPOCHS + 1 >= since,
            SettlementRunTooShort(number, lastEpoch, since)
        );
        for (uint32 epoch = lastEpoch + 1 - DOWN_EPOCHS; epoch <= lastEpoch; ++epoch) {
            // Any inactive epoch, for example in maintenance, breaks the run.
            (uint8 grade, bool quorate) = verdictOf(number, epoch);
            require(quorate && grade == 0, SettlementNotDown(number, epoch));
        }

        emit Suspended(number, lastEpoch);
        services.suspend(number);
    }

    /// @inheritdoc ISettlement
    function budgetOf(
        uint32 epoch
    ) external view returns (uint256 budget, uint256 left, uint256 activeStake) {
        Entry storage entry = _entries[epoch % RING];
        if (entry.epoch != epoch) return (0, 0, 0);
        return (entry.budget, entry.left, entry.activeStake);
    }

    /// @inheritdoc ISettlement
    function verdictOf(
        uint64 number,
        uint32 epoch
    ) public view returns (uint8 grade, bool quorate) {
        (Slot slot, bool active, ) = IServiceRegistry(registry).auditAt(number, epoch);
        return active ? _verdictIn(slot, epoch) : (0, false);
    }

    /// @dev Pays one final epoch out of its own budget.
    function _settleEpoch(uint64 number, uint32 epoch) private returns (uint256 reward) {
        Entry storage entry = _entries[epoch % RING];
        if (entry.epoch != epoch) return 0;
        (Slot slot, bool active, ) = IServiceRegistry(registry).auditAt(number, epoch);
        if (!active) return 0;
        (uint8 grade, bool quorate) = _verdictIn(slot, epoch);
        for (uint32 back = 1; !quorate && back <= CARRY_EPOCHS && back < epoch; ++back) {
            (grade, quorate) = verdictOf(number, epoch - back);
        }
        if (!quorate) return 0;

        (, uint256 counted) = IStaking(staking).serviceStakeAt(number, epoch);
        reward = PayLib.provider(entry.budget, counted, entry.activeStake, grade);
        uint96 left = entry.left;
        if (reward > left) reward = left;
        entry.left = left - uint96(reward);
        emit Settled(number, epoch, grade, reward);
    }

    /// @dev The verdict on the service that was in a slot.
    function _verdictIn(Slot slot, uint32 epoch) private view returns (uint8 grade, bool quorate) {
        Tally tally = IProofOfService(proofOfService).tallyOf(slot.shard(), epoch);
        (uint256 verdict, bool enough) = tally.verdictAt(slot.lane());
        return (uint8(verdict), enough);
    }
}
