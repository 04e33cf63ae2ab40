// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochBudget} from "../libraries/EmissionLib.sol";

/// @title IRewardPool
/// @notice Emission of BLOC: a budget for each epoch with a seed. `ProofOfService` pays auditors from one reserve and
/// `Settlement` pays services from another; neither can pay from the other's. Contributions are a separate account
/// and raise the auditors' budgets.
interface IRewardPool {
    /// @notice The contracts were connected.
    /// @param token The BLOC token.
    /// @param proofOfService Opens epochs and pays auditors.
    /// @param settlement Pays services.
    event Wired(address indexed token, address indexed proofOfService, address indexed settlement);
    /// @notice An epoch's budget was reserved.
    /// @param epoch The epoch.
    /// @param providers For services, BLOC in wei.
    /// @param auditors For auditors, including contributions, BLOC in wei.
    /// @param contributed The contributed part of `auditors`, BLOC in wei.
    /// @param bounty For the tick, BLOC in wei.
    event Reserved(
        uint32 indexed epoch,
        uint256 providers,
        uint256 auditors,
        uint256 contributed,
        uint256 bounty
    );
    /// @notice The unspent budget of an epoch was returned.
    /// @param spender The contract with the reserve.
    /// @param amount BLOC in wei.
    /// @param contributed The part that was returned to the contributions, BLOC in wei.
    event Released(address indexed spender, uint256 amount, uint256 contributed);
    /// @notice A reward was paid.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    event Paid(address indexed to, uint256 amount);
    /// @notice An account contributed to the auditors' budgets.
    /// @param from The payer.
    /// @param amount BLOC in wei.
    event Contributed(address indexed from, uint256 amount);

    // Deployment

    /// @notice Only the deployer may connect the contracts.
    /// @param caller The caller.
    error RewardPoolNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param proofOfService The connected contract.
    error RewardPoolAlreadyWired(address proofOfService);
    /// @notice The given contracts do not name this one as their own.
    /// @param token The given token.
    /// @param proofOfService The given contract.
    /// @param settlement The given contract.
    error RewardPoolWiringMismatch(address token, address proofOfService, address settlement);

    // contribute

    /// @notice The pool is not connected yet.
    error RewardPoolNotWired();
    /// @notice A contribution must not be 0.
    error RewardPoolContributionZero();

    // Calls between the contracts

    /// @notice Only `ProofOfService` may open an epoch.
    /// @param caller The caller.
    error RewardPoolNotProofOfService(address caller);
    /// @notice Only `ProofOfService` and `Settlement` may spend.
    /// @param caller The caller.
    error RewardPoolNotSpender(address caller);
    /// @notice A budget is reserved once per epoch, in order.
    /// @param epoch The requested epoch.
    /// @param lastReserved The newest epoch with a budget.
    error RewardPoolAlreadyReserved(uint32 epoch, uint32 lastReserved);
    /// @notice The amount is larger than the spender's reserve.
    /// @param amount Requested BLOC.
    /// @param reserved BLOC in the reserve.
    error RewardPoolExceedsReserved(uint256 amount, uint256 reserved);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param token The BLOC token; the pool must hold BLOC.
    /// @param proofOfService Must name this pool as its own, and `settlement`.
    /// @param settlement Must name `proofOfService` as its own.
    function wire(address token, address proofOfService, address settlement) external;

    /// @notice Reserves an epoch's budget, see `EmissionLib.budgetOf`; only `ProofOfService`. The rest stays in the
    /// pool.
    /// @param epoch The epoch; higher than any before.
    /// @param activeStake Counted stake of the epoch's active services, BLOC in wei.
    /// @param enrolledStake Counted stake of the epoch's enrolled auditors, BLOC in wei.
    /// @return budget The budgets. Those for auditors and for the tick are in the caller's reserve, the one for
    /// services is in the reserve of `Settlement`.
    function open(
        uint32 epoch,
        uint256 activeStake,
        uint256 enrolledStake
    ) external returns (EpochBudget memory budget);

    /// @notice Returns an epoch's unspent budget from the caller's reserve to the pool; it lengthens the schedule.
    /// @param amount BLOC in wei.
    /// @param contributed The part that returns to the contributions; at most `amount`.
    function release(uint256 amount, uint256 contributed) external;

    /// @notice Pays out of the caller's reserve.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    function pay(address to, uint256 amount) external;

    /// @notice Contributes BLOC to the auditors' budgets, above the emission: each tick reserves 1/168 of the
    /// remaining contributions. Takes the amount from the caller, who must have approved it.
    /// @param amount BLOC in wei.
    function contribute(uint256 amount) external;

    /// @notice BLOC reserved for auditors and ticks, neither paid nor returned.
    /// @return BLOC in wei.
    function reservedForAuditors() external view returns (uint96);

    /// @notice BLOC reserved for services, neither paid nor returned.
    /// @return BLOC in wei.
    function reservedForProviders() external view returns (uint96);

    /// @notice Contributions that are not reserved.
    /// @return BLOC in wei.
    function contributions() external view returns (uint96);

    /// @notice The newest epoch with a budget.
    /// @return The epoch, 0 for none.
    function lastReserved() external view returns (uint32);

    /// @notice The budget of an epoch by the schedule alone.
    /// @return BLOC in wei.
    function epochBudget() external view returns (uint256);

    /// @notice The highest yield of the active services' stake, percent a year; fixed at deployment.
    /// @return Percent.
    function yieldPercent() external view returns (uint32);

    /// @notice BLOC.
    /// @return Its address; 0 before {wire}.
    function token() external view returns (address);

    /// @notice The contract that opens epochs and pays auditors.
    /// @return Its address; 0 before {wire}.
    function proofOfService() external view returns (address);

    /// @notice The contract that pays services.
    /// @return Its address; 0 before {wire}.
    function settlement() external view returns (address);
}
