// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochBudget} from "../libraries/EmissionLib.sol";

/// @title IRewardPool
/// @notice Emission of BLOC: a budget for each epoch that had a seed. `ProofOfService` pays auditors from one
/// reserve and `Settlement` pays services from another; neither can pay from the other's. Contributions from
/// anyone wait in an account of their own and raise the auditors' budgets.
interface IRewardPool {
    /// @notice The contracts were connected.
    /// @param token The BLOC token.
    /// @param proofOfService Opens epochs and pays auditors.
    /// @param settlement Pays services.
    event Wired(address indexed token, address indexed proofOfService, address indexed settlement);
    /// @notice An epoch's budget was set aside.
    /// @param epoch The epoch.
    /// @param providers For services, BLOC in wei.
    /// @param auditors For auditors, what was contributed among it, BLOC in wei.
    /// @param contributed The part of `auditors` that was contributed, BLOC in wei.
    /// @param bounty For the tick, BLOC in wei.
    event Reserved(
        uint32 indexed epoch,
        uint256 providers,
        uint256 auditors,
        uint256 contributed,
        uint256 bounty
    );
    /// @notice What an epoch left unspent went back.
    /// @param spender Whose reserve it was in.
    /// @param amount BLOC in wei.
    /// @param contributed The part of it that went back to the contributions, BLOC in wei.
    event Released(address indexed spender, uint256 amount, uint256 contributed);
    /// @notice A reward was paid.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    event Paid(address indexed to, uint256 amount);
    /// @notice Somebody added to what auditors will be paid.
    /// @param from Who paid.
    /// @param amount BLOC in wei.
    event Contributed(address indexed from, uint256 amount);

    // Deployment

    /// @notice Only the deployer connects the contracts.
    /// @param caller Who called.
    error RewardPoolNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param proofOfService To which.
    error RewardPoolAlreadyWired(address proofOfService);
    /// @notice The given contracts do not point back to this one.
    /// @param token The token offered.
    /// @param proofOfService The contract offered.
    /// @param settlement The contract offered.
    error RewardPoolWiringMismatch(address token, address proofOfService, address settlement);

    // contribute

    /// @notice The pool cannot be used before it is connected.
    error RewardPoolNotWired();
    /// @notice A contribution of 0 changes nothing.
    error RewardPoolContributionZero();

    // Calls between our contracts

    /// @notice Only `ProofOfService` opens an epoch.
    /// @param caller Who called.
    error RewardPoolNotProofOfService(address caller);
    /// @notice Only `ProofOfService` and `Settlement` spend.
    /// @param caller Who called.
    error RewardPoolNotSpender(address caller);
    /// @notice A budget is reserved once an epoch, in order.
    /// @param epoch The epoch asked for.
    /// @param lastReserved The newest epoch that has a budget.
    error RewardPoolAlreadyReserved(uint32 epoch, uint32 lastReserved);
    /// @notice More than the spender has in its reserve.
    /// @param amount BLOC asked for.
    /// @param reserved BLOC in the reserve.
    error RewardPoolExceedsReserved(uint256 amount, uint256 reserved);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param token The BLOC token; must have minted to this pool.
    /// @param proofOfService Must name this pool as its own, and `settlement`.
    /// @param settlement Must name `proofOfService` as its own.
    function wire(address token, address proofOfService, address settlement) external;

    /// @notice Sets an epoch's budget aside, see `EmissionLib.budgetOf`; only `ProofOfService`. What is not
    /// set aside stays in the pool.
    /// @param epoch The epoch; higher than any before.
    /// @param activeStake Counted stake of the epoch's active services, BLOC in wei.
    /// @param enrolledStake Counted stake of the epoch's enrolled auditors, BLOC in wei.
    /// @return budget The budgets. Those for auditors and for the tick are in the caller's reserve, that for
    /// services in the reserve of `Settlement`.
    function open(
        uint32 epoch,
        uint256 activeStake,
        uint256 enrolledStake
    ) external returns (EpochBudget memory budget);

    /// @notice Gives back what an epoch left unspent in the caller's reserve; it lengthens the schedule.
    /// @param amount BLOC in wei.
    /// @param contributed The part of it that goes back to the contributions; at most `amount`.
    function release(uint256 amount, uint256 contributed) external;

    /// @notice Pays out of the caller's reserve.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    function pay(address to, uint256 amount) external;

    /// @notice Adds BLOC to what auditors are paid above the emission: each tick sets 1/168 of what is left
    /// of it aside. Takes the amount from the caller, who must have approved it.
    /// @param amount BLOC in wei.
    function contribute(uint256 amount) external;

    /// @notice BLOC set aside for auditors and ticks, and neither paid nor given back.
    /// @return BLOC in wei.
    function reservedForAuditors() external view returns (uint96);

    /// @notice BLOC set aside for services, and neither paid nor given back.
    /// @return BLOC in wei.
    function reservedForProviders() external view returns (uint96);

    /// @notice What was contributed and is not set aside.
    /// @return BLOC in wei.
    function contributions() external view returns (uint96);

    /// @notice The newest epoch that has a budget.
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
