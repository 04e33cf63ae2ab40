// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {PayLib} from "../libraries/PayLib.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {IProofOfService} from "./IProofOfService.sol";

/// @title EpochLedger
/// @notice The part of `ProofOfService` that knows epochs: their seeds and their budgets.
abstract contract EpochLedger is EpochClock, IProofOfService {
    using BlockHeader for Memory.Slice[];

    /// @notice Epochs kept in storage; older entries are overwritten, so storage does not grow with time.
    uint32 public constant RING = 256;
    /// @notice Paid for the tick that proves an epoch's seed, out of the epoch's budget.
    uint256 public constant TICK_BOUNTY = 1e18;

    uint256 private constant PROVIDERS_PERCENT = 60;

    struct Epoch {
        // slot 0
        bytes32 seed;
        // slot 1: all that a claim needs
        uint32 epoch;
        uint32 previous;
        uint96 auditorsLeft;
        // see `PayLib.quarterPay`
        uint96 quarterPay;
        // slot 2: what a settlement needs
        uint96 providersLeft;
        uint96 providersBudget;
        uint32 activeServices;
        // seconds since genesis
        uint32 recordedAt;
        // slot 3
        uint96 auditorsBudget;
    }

    /// @inheritdoc IProofOfService
    address public immutable registry;
    /// @inheritdoc IProofOfService
    address public immutable staking;
    /// @inheritdoc IProofOfService
    address public immutable rewardPool;

    /// @inheritdoc IProofOfService
    uint32 public newestSeed;
    Epoch[RING] private _epochs;
    /// @dev The registry's domain separator, as long as the chain's ID stays what it was at deployment.
    bytes32 private immutable SEPARATOR;
    uint256 private immutable CHAIN_ID;

    /// @notice Sets what never changes afterwards.
    /// @param registry_ The registry, whose clock is taken over.
    /// @param staking_ Staking on that registry.
    /// @param rewardPool_ Pays rewards.
    constructor(
        address registry_,
        address staking_,
        address rewardPool_
    )
        EpochClock(
            IServiceRegistry(registry_).genesis(),
            IServiceRegistry(registry_).epochSeconds()
        )
    {
        require(IStaking(staking_).registry() == registry_, PosWiringMismatch(registry_, staking_));
        registry = registry_;
        staking = staking_;
        rewardPool = rewardPool_;
        SEPARATOR = IServiceRegistry(registry_).domainSeparator();
        CHAIN_ID = block.chainid;
    }

    /// @inheritdoc IProofOfService
    function tick(bytes calldata firstHeader, bytes calldata parentHeader) external {
        Memory.Slice[] memory header = BlockHeader.parseHeader(firstHeader);
        uint256 timestamp = header.getTimestamp();
        require(timestamp >= genesis, PosBeforeGenesis(timestamp));
        uint32 epoch = _epochOf(timestamp);
        Epoch storage entry = _epochs[epoch % RING];
        // Whether or not the header is real: nothing happens.
        if (entry.epoch == epoch) return;
        _checkFirst(epoch, header, keccak256(firstHeader), parentHeader);
        uint256 prevrandao = uint256(header.getPrevRandao());
        uint32 newest = newestSeed;
        require(epoch > newest, PosSeedOutOfOrder(epoch, newest));
        bytes32 unchanged = _seed(prevrandao, newest);
        require(
            prevrandao >> 64 != 0 && unchanged != _epochs[newest % RING].seed,
            PosWeakRandomness(prevrandao)
        );

        // All calls below go to our own contracts, which call nothing back.
        uint256 unspent = uint256(entry.providersLeft) + entry.auditorsLeft;
        if (unspent != 0) IRewardPool(rewardPool).release(unspent);
        uint256 budget = IRewardPool(rewardPool).reserve(epoch);
        uint256 bounty = budget < TICK_BOUNTY ? budget : TICK_BOUNTY;
        // Rounded down; the remainder goes to the auditors.
        uint256 providers = ((budget - bounty) * PROVIDERS_PERCENT) / 100;
        uint256 auditors = budget - bounty - providers;
        (, uint64 active) = IStaking(staking).activeAt(epoch);

        bytes32 seed = _seed(prevrandao, epoch);
        newestSeed = epoch;
        // The budget is at most the pool's 3 * 10^27 wei, below 2^96; services are fewer than 2^36, and
        // those that cannot be paid for fit 32 bits by far.
        _epochs[epoch % RING] = Epoch({
            seed: seed,
            epoch: epoch,
            previous: newest,
            auditorsLeft: uint96(auditors),
            quarterPay: uint96(PayLib.quarterPay(auditors, active)),
            providersLeft: uint96(providers),
            providersBudget: uint96(providers),
            activeServices: uint32(active),
            recordedAt: uint32(block.timestamp - genesis),
            auditorsBudget: uint96(auditors)
        });
        emit Ticked(epoch, seed, providers, auditors, uint32(active));

        if (bounty != 0) IRewardPool(rewardPool).pay(msg.sender, bounty);
    }

    /// @inheritdoc IProofOfService
    function seedOf(
        uint32 epoch
    )
        external
        view
        returns (bytes32 seed, uint32 previous, uint32 activeServices, uint64 recordedAt)
    {
        Epoch storage entry = _entry(epoch);
        if (entry.epoch != epoch) return (0, 0, 0, 0);
        return (entry.seed, entry.previous, entry.activeServices, genesis + entry.recordedAt);
    }

    /// @inheritdoc IProofOfService
    function budgetOf(
        uint32 epoch
    )
        external
        view
        returns (
            uint256 providersBudget,
            uint256 providersLeft,
            uint256 auditorsBudget,
            uint256 auditorsLeft
        )
    {
        Epoch storage entry = _entry(epoch);
        if (entry.epoch != epoch) return (0, 0, 0, 0);
        return (
            entry.providersBudget,
            entry.providersLeft,
            entry.auditorsBudget,
            entry.auditorsLeft
        );
    }

    /// @dev The ring entry of an epoch; the caller compares its `epoch`.
    function _entry(uint32 epoch) internal view returns (Epoch storage) {
        return _epochs[epoch % RING];
    }

    /// @dev The ring entry of an epoch that has a seed.
    function _seeded(uint32 epoch) internal view returns (Epoch storage entry) {
        entry = _epochs[epoch % RING];
        require(epoch != 0 && entry.epoch == epoch, PosNoSeed(epoch));
    }

    /// @dev EIP-712 domain of the registry; asked for anew where the chain was forked under another ID.
    function _domainSeparator() internal view returns (bytes32) {
        return block.chainid == CHAIN_ID ? SEPARATOR : IServiceRegistry(registry).domainSeparator();
    }

    /// @dev Tells the epochs apart that share a ring entry.
    function _tag(uint32 epoch) internal pure returns (uint256) {
        return (epoch / RING) & 0xfff;
    }

    function _seed(uint256 prevrandao, uint32 epoch) private view returns (bytes32) {
        return SortitionLib.seed(prevrandao, epoch, block.chainid, address(this));
    }

    /// @dev The chain knows the first header, and its parent lies in an earlier epoch.
    function _checkFirst(
        uint32 epoch,
        Memory.Slice[] memory header,
        bytes32 hash,
        bytes calldata parentHeader
    ) private view {
        require(header.verifyBlockHeader(hash), PosUnknownBlock(header.getNumber(), hash));
        bytes32 expected = header.getParentHash();
        bytes32 actual = keccak256(parentHeader);
        require(actual == expected, PosNotParent(expected, actual));
        uint256 timestamp = BlockHeader.parseHeader(parentHeader).getTimestamp();
        require(timestamp < epochStart(epoch), PosNotFirstBlock(epoch, uint64(timestamp)));
    }
}
