// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EmissionInput, EmissionLib, EpochBudget} from "../libraries/EmissionLib.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {ISettlement} from "../proof-of-service/ISettlement.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "./IRewardPool.sol";

/// @title RewardPool
/// @notice See {IRewardPool}. Holders of privilege: the deployer may call {wire} once; after that only
/// `ProofOfService` opens epochs, and it and `Settlement` each spend their own reserve.
contract RewardPool is IRewardPool {
    using SafeERC20 for IERC20;

    /// @notice Scheduled emission, wei per second, rounded down.
    uint256 public constant BUDGET_PER_SECOND = EmissionLib.BUDGET_PER_SECOND;
    /// @notice The providers' part of an epoch's budget.
    uint256 public constant PROVIDERS_PERCENT = EmissionLib.PROVIDERS_PERCENT;
    /// @notice Auditors receive at most this many times the yield of their own stake.
    uint256 public constant AUDITORS_YIELDS = EmissionLib.AUDITORS_YIELDS;
    /// @notice A tick releases one part in this number of the contributions.
    uint256 public constant CONTRIBUTION_EPOCHS = EmissionLib.CONTRIBUTION_EPOCHS;
    /// @notice Bounty of the tick that proves an epoch's seed, in addition to the epoch's budget.
    uint256 public constant TICK_BOUNTY = EmissionLib.TICK_BOUNTY;

    address private immutable _deployer;
    uint32 private immutable _epochSeconds;
    /// @inheritdoc IRewardPool
    uint32 public immutable yieldPercent;

    // slot 0
    /// @inheritdoc IRewardPool
    address public proofOfService;
    /// @inheritdoc IRewardPool
    uint32 public lastReserved;
    // slot 1
    /// @inheritdoc IRewardPool
    address public settlement;
    /// @inheritdoc IRewardPool
    uint96 public contributions;
    // slot 2
    /// @inheritdoc IRewardPool
    uint96 public reservedForAuditors;
    /// @inheritdoc IRewardPool
    uint96 public reservedForProviders;
    // slot 3
    /// @inheritdoc IRewardPool
    address public token;

    /// @notice Sets the values that never change.
    /// @param epochSeconds Length of an epoch; {wire} compares it with the clock.
    /// @param yieldPercent_ The highest yield of the active services' stake, percent a year.
    constructor(uint32 epochSeconds, uint32 yieldPercent_) {
        _deployer = msg.sender;
        _epochSeconds = epochSeconds;
        yieldPercent = yieldPercent_;
    }

    /// @inheritdoc IRewardPool
    function wire(address token_, address proofOfService_, address settlement_) external {
        require(msg.sender == _deployer, RewardPoolNotDeployer(msg.sender));
        require(proofOfService == address(0), RewardPoolAlreadyWired(proofOfService));
        IProofOfService rounds = IProofOfService(proofOfService_);
        require(
            rounds.rewardPool() == address(this) &&
                rounds.settlement() == settlement_ &&
                ISettlement(settlement_).proofOfService() == proofOfService_ &&
                IStaking(rounds.staking()).token() == token_ &&
                rounds.epochSeconds() == _epochSeconds &&
                IERC20(token_).balanceOf(address(this)) != 0,
            RewardPoolWiringMismatch(token_, proofOfService_, settlement_)
        );

        token = token_;
        proofOfService = proofOfService_;
        settlement = settlement_;
        emit Wired(token_, proofOfService_, settlement_);
    }

    /// @inheritdoc IRewardPool
    function open(
        uint32 epoch,
        uint256 activeStake,
        uint256 enrolledStake
    ) external returns (EpochBudget memory budget) {
        require(msg.sender == proofOfService, RewardPoolNotProofOfService(msg.sender));
        require(epoch > lastReserved, RewardPoolAlreadyReserved(epoch, lastReserved));

        uint96 forAuditors = reservedForAuditors;
        uint96 forProviders = reservedForProviders;
        uint96 contributed = contributions;
        uint256 spoken = uint256(forAuditors) + forProviders + contributed;
        budget = EmissionLib.budgetOf(
            EmissionInput({
                available: IERC20(token).balanceOf(address(this)) - spoken,
                contributed: contributed,
                activeStake: activeStake,
                enrolledStake: enrolledStake
            }),
            yieldPercent,
            _epochSeconds
        );
        lastReserved = epoch;
        // All sums stay below the supply of BLOC, which is below 2^96.
        reservedForAuditors = forAuditors + uint96(budget.auditors + budget.bounty);
        reservedForProviders = forProviders + uint96(budget.providers);
        if (budget.contributed != 0) contributions = contributed - uint96(budget.contributed);
        emit Reserved(epoch, budget.providers, budget.auditors, budget.contributed, budget.bounty);
    }

    /// @inheritdoc IRewardPool
    function release(uint256 amount, uint256 contributed) external {
        _spend(amount);
        require(contributed <= amount, RewardPoolExceedsReserved(contributed, amount));

        if (contributed != 0) contributions += uint96(contributed);
        emit Released(msg.sender, amount, contributed);
    }

    /// @inheritdoc IRewardPool
    function pay(address to, uint256 amount) external {
        _spend(amount);
        emit Paid(to, amount);

        // BLOC is an ERC-20 without hooks: no foreign code runs here.
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc IRewardPool
    function contribute(uint256 amount) external {
        require(amount != 0, RewardPoolContributionZero());
        require(proofOfService != address(0), RewardPoolNotWired());

        contributions = SafeCast.toUint96(contributions + amount);
        emit Contributed(msg.sender, amount);

        // BLOC has no hooks.
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRewardPool
    function epochBudget() external view returns (uint256) {
        return BUDGET_PER_SECOND * _epochSeconds;
    }

    /// @dev Takes an amount from the caller's reserve.
    function _spend(uint256 amount) private {
        if (msg.sender == settlement) {
            uint96 left = reservedForProviders;
            require(amount <= left, RewardPoolExceedsReserved(amount, left));
            reservedForProviders = left - uint96(amount);
        } else {
            require(msg.sender == proofOfService, RewardPoolNotSpender(msg.sender));
            uint96 left = reservedForAuditors;
            require(amount <= left, RewardPoolExceedsReserved(amount, left));
            reservedForAuditors = left - uint96(amount);
        }
    }
}
