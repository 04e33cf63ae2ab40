// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "./IRewardPool.sol";

/// @title RewardPool
/// @notice See {IRewardPool}. Holders of privilege: the deployer may call {wire} once; after that only
/// `ProofOfService` may call anything that moves BLOC.
contract RewardPool is IRewardPool {
    using SafeERC20 for IERC20;

    /// @notice Emission: 500 million BLOC a year of 365.25 days, in wei a second, rounded down.
    uint256 public constant BUDGET_PER_SECOND = uint256(500_000_000e18) / 31_557_600;

    address private immutable DEPLOYER;
    /// @inheritdoc IRewardPool
    uint256 public immutable epochBudget;

    IERC20 private _token;
    address private _proofOfService;
    /// @inheritdoc IRewardPool
    uint32 public lastReserved;
    /// @inheritdoc IRewardPool
    uint256 public reserved;

    modifier onlyProofOfService() {
        require(msg.sender == _proofOfService, RewardPoolNotProofOfService(msg.sender));
        _;
    }

    /// @notice Sets what never changes afterwards.
    /// @param epochSeconds Length of an epoch; {wire} checks that it is the clock's.
    constructor(uint32 epochSeconds) {
        DEPLOYER = msg.sender;
        epochBudget = BUDGET_PER_SECOND * epochSeconds;
    }

    /// @inheritdoc IRewardPool
    function wire(address token, address proofOfService) external {
        require(msg.sender == DEPLOYER, RewardPoolNotDeployer(msg.sender));
        require(_proofOfService == address(0), RewardPoolAlreadyWired(_proofOfService));
        IProofOfService target = IProofOfService(proofOfService);
        require(
            target.rewardPool() == address(this) &&
                IStaking(target.staking()).token() == token &&
                BUDGET_PER_SECOND * target.epochSeconds() == epochBudget &&
                IERC20(token).balanceOf(address(this)) != 0,
            RewardPoolWiringMismatch(token, proofOfService)
        );

        _token = IERC20(token);
        _proofOfService = proofOfService;
        emit Wired(token, proofOfService);
    }

    /// @inheritdoc IRewardPool
    function reserve(uint32 epoch) external onlyProofOfService returns (uint256 amount) {
        require(epoch > lastReserved, RewardPoolAlreadyReserved(epoch, lastReserved));

        amount = Math.min(epochBudget, _token.balanceOf(address(this)) - reserved);
        lastReserved = epoch;
        reserved += amount;
        emit Reserved(epoch, amount);
    }

    /// @inheritdoc IRewardPool
    function release(uint256 amount) external onlyProofOfService {
        require(amount <= reserved, RewardPoolExceedsReserved(amount, reserved));

        reserved -= amount;
        emit Released(amount);
    }

    /// @inheritdoc IRewardPool
    function pay(address to, uint256 amount) external onlyProofOfService {
        require(amount <= reserved, RewardPoolExceedsReserved(amount, reserved));

        reserved -= amount;
        emit Paid(to, amount);

        // BLOC is our own ERC-20 without hooks: no foreign code runs here.
        _token.safeTransfer(to, amount);
    }
}
