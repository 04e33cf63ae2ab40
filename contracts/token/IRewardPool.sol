// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IRewardPool
/// @notice Emission of BLOC: a constant budget for each epoch that had a seed, paid out by
/// `ProofOfService` and nobody else.
interface IRewardPool {
    /// @notice The contracts were connected.
    /// @param token The BLOC token.
    /// @param proofOfService The only contract that reserves and pays.
    event Wired(address indexed token, address indexed proofOfService);
    /// @notice An epoch's budget was set aside.
    /// @param epoch The epoch.
    /// @param amount BLOC in wei.
    event Reserved(uint32 indexed epoch, uint256 amount);
    /// @notice What an epoch left unspent went back to the pool.
    /// @param amount BLOC in wei.
    event Released(uint256 amount);
    /// @notice A reward was paid.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    event Paid(address indexed to, uint256 amount);

    /// @notice Only the deployer connects the contracts.
    /// @param caller Who called.
    error RewardPoolNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param proofOfService To which.
    error RewardPoolAlreadyWired(address proofOfService);
    /// @notice The given contracts do not point back to this one.
    /// @param token The token offered.
    /// @param proofOfService The contract offered.
    error RewardPoolWiringMismatch(address token, address proofOfService);
    /// @notice Only `ProofOfService` moves rewards.
    /// @param caller Who called.
    error RewardPoolNotProofOfService(address caller);
    /// @notice A budget is reserved once an epoch, in order.
    /// @param epoch The epoch asked for.
    /// @param lastReserved The newest epoch that has a budget.
    error RewardPoolAlreadyReserved(uint32 epoch, uint32 lastReserved);
    /// @notice More than was set aside.
    /// @param amount BLOC asked for.
    /// @param reserved BLOC set aside.
    error RewardPoolExceedsReserved(uint256 amount, uint256 reserved);

    /// @notice Connects the contracts, once, by the deployer.
    /// @param token The BLOC token; must have minted to this pool.
    /// @param proofOfService Must name this pool as its own.
    function wire(address token, address proofOfService) external;

    /// @notice Sets an epoch's budget aside: the constant budget, or what is left of the pool.
    /// @param epoch The epoch; higher than any before.
    /// @return amount BLOC in wei.
    function reserve(uint32 epoch) external returns (uint256 amount);

    /// @notice Gives back what an epoch left unspent; it lengthens the schedule.
    /// @param amount BLOC in wei.
    function release(uint256 amount) external;

    /// @notice Pays out of what is set aside.
    /// @param to Receiver.
    /// @param amount BLOC in wei.
    function pay(address to, uint256 amount) external;

    /// @notice BLOC set aside for epochs and not yet paid or given back.
    /// @return BLOC in wei.
    function reserved() external view returns (uint256);

    /// @notice The newest epoch that has a budget.
    /// @return The epoch, 0 for none.
    function lastReserved() external view returns (uint32);

    /// @notice The constant budget of an epoch.
    /// @return BLOC in wei.
    function epochBudget() external view returns (uint256);
}
