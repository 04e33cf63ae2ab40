// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {EpochBudget} from "../libraries/EmissionLib.sol";
import {RING} from "../libraries/Epochs.sol";
import {Header, HeaderLib} from "../libraries/HeaderLib.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {IProofOfService} from "./IProofOfService.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title EpochLedger
/// @notice The part of `ProofOfService` for epochs: their seeds and their budgets.
abstract contract EpochLedger is EpochClock, IProofOfService {
    struct Epoch {
        // slot 0
        bytes32 seed;
        // slot 1: the data that a reveal needs beside the seed
        uint32 epoch;
        uint32 previous;
        uint96 enrolledStake;
        uint96 auditorsLeft;
        // slot 2: the data that a claim also needs
        uint96 auditorsBudget;
        uint96 contributed;
        uint32 activeServices;
        // seconds since genesis
        uint32 recordedAt;
    }

    /// @inheritdoc IProofOfService
    address public immutable registry;
    /// @inheritdoc IProofOfService
    address public immutable staking;
    /// @inheritdoc IProofOfService
    address public immutable rewardPool;

    /// @inheritdoc IProofOfService
    address public settlement;
    // one slot: the values that a tick compares
    /// @inheritdoc IProofOfService
    uint32 public newestSeed;
    /// @dev The low 112 bits of both halves of the newest seed's `prevrandao`.
    uint112 private _newestHigh;
    uint112 private _newestLow;
    Epoch[RING] private _epochs;
    address private immutable _deployer;
    /// @dev The registry's domain separator for the chain ID of the deployment.
    bytes32 private immutable _separator;
    uint256 private immutable _chainId;

    /// @notice Sets the values that never change.
    /// @param registry_ The registry, from which the clock is copied.
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
        _deployer = msg.sender;
        registry = registry_;
        staking = staking_;
        rewardPool = rewardPool_;
        _separator = IServiceRegistry(registry_).domainSeparator();
        _chainId = block.chainid;
    }

    /// @inheritdoc IProofOfService
    function wire(address settlement_) external {
        require(msg.sender == _deployer, PosNotDeployer(msg.sender));
        require(settlement == address(0), PosAlreadyWired(settlement));
        require(
            ISettlement(settlement_).proofOfService() == address(this),
            PosWiringMismatch(address(this), settlement_)
        );

        settlement = settlement_;
        emit Wired(settlement_);
    }

    /// @inheritdoc IProofOfService
    function tick(bytes calldata firstHeader, bytes calldata parentHeader) external {
        Header memory header = HeaderLib.parse(firstHeader);
        require(header.timestamp >= genesis, PosBeforeGenesis(header.timestamp));
        uint32 epoch = _epochOf(header.timestamp);
        Epoch storage entry = _epochs[epoch % RING];
        // Returns without an effect, even if the header is invalid.
        if (entry.epoch == epoch) return;
        _checkFirst(epoch, header, keccak256(firstHeader), parentHeader);
        uint256 prevrandao = header.prevrandao;
        uint32 newest = newestSeed;
        require(epoch > newest, PosSeedOutOfOrder(epoch, newest));
        _checkRandomness(prevrandao);

        _open(epoch, newest, _seed(prevrandao, epoch));
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
        returns (uint256 budget, uint256 left, uint256 contributed, uint256 enrolledStake)
    {
        Epoch storage entry = _entry(epoch);
        if (entry.epoch != epoch) return (0, 0, 0, 0);
        return (entry.auditorsBudget, entry.auditorsLeft, entry.contributed, entry.enrolledStake);
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

    /// @dev EIP-712 domain of the registry; read again if the chain was forked under another ID.
    function _domainSeparator() internal view returns (bytes32) {
        return
            block.chainid == _chainId ? _separator : IServiceRegistry(registry).domainSeparator();
    }

    /// @dev Opens an epoch whose seed was proven: its totals and budgets are final. The called contracts make no call
    /// back.
    function _open(uint32 epoch, uint32 previous, bytes32 seed) private {
        Epoch storage entry = _entry(epoch);
        IRewardPool pool = IRewardPool(rewardPool);
        uint96 unspent = entry.auditorsLeft;
        if (unspent != 0) {
            // Contributions are spent last, so they are returned first.
            uint96 contributed = entry.contributed;
            pool.release(unspent, contributed < unspent ? contributed : unspent);
        }
        (uint96 activeStake, uint64 services, uint96 enrolledStake) = IStaking(staking).totalsAt(
            epoch
        );
        EpochBudget memory budget = pool.open(epoch, activeStake, enrolledStake);

        newestSeed = epoch;
        // Budgets are below the supply of BLOC, which is below 2^96. The number of services that the supply can stake
        // is far below 2^32.
        entry.seed = seed;
        entry.epoch = epoch;
        entry.previous = previous;
        entry.enrolledStake = enrolledStake;
        entry.auditorsLeft = uint96(budget.auditors);
        entry.auditorsBudget = uint96(budget.auditors);
        entry.contributed = uint96(budget.contributed);
        entry.activeServices = uint32(services);
        entry.recordedAt = uint32(block.timestamp - genesis);
        emit Ticked(
            epoch,
            seed,
            budget.providers,
            budget.auditors,
            activeStake,
            enrolledStake,
            uint32(services)
        );

        ISettlement(settlement).open(epoch, uint96(budget.providers), activeStake);
        if (budget.bounty != 0) pool.pay(msg.sender, budget.bounty);
    }

    function _seed(uint256 prevrandao, uint32 epoch) private view returns (bytes32) {
        return SortitionLib.seed(prevrandao, epoch, block.chainid, address(this));
    }

    /// @dev Detects a chain without randomness: a half is zero, or equals the half of the newest seed. It cannot
    /// detect more; the deployer must know that the chain's `prevrandao` is random (docs/protocol.md, 3.2).
    function _checkRandomness(uint256 prevrandao) private {
        (uint112 high, uint112 low) = (uint112(prevrandao >> 128), uint112(prevrandao));
        require(
            prevrandao >> 128 != 0 &&
                uint128(prevrandao) != 0 &&
                high != _newestHigh &&
                low != _newestLow,
            PosWeakRandomness(prevrandao)
        );

        (_newestHigh, _newestLow) = (high, low);
    }

    /// @dev Requires that the chain knows the first header, and that its parent is in an earlier epoch.
    function _checkFirst(
        uint32 epoch,
        Header memory header,
        bytes32 hash,
        bytes calldata parentHeader
    ) private view {
        require(Blockhash.blockHash(header.number) == hash, PosUnknownBlock(header.number, hash));
        bytes32 actual = keccak256(parentHeader);
        require(actual == header.parentHash, PosNotParent(header.parentHash, actual));
        uint256 timestamp = HeaderLib.timestampOf(parentHeader);
        require(timestamp < epochStart(epoch), PosNotFirstBlock(epoch, uint64(timestamp)));
    }
}
