// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev The budget of an epoch, BLOC in wei.
struct EpochBudget {
    // for the services' verdicts
    uint256 providers;
    // for the auditors' votes, including contributions
    uint256 auditors;
    // the contributed part of `auditors`
    uint256 contributed;
    // for the tick
    uint256 bounty;
}

/// @dev The input of a budget.
struct EmissionInput {
    // BLOC in the pool that is neither reserved nor contributed
    uint256 available;
    // contributed and not yet spent
    uint256 contributed;
    // counted stake of the epoch's active services
    uint256 activeStake;
    // counted stake of the epoch's enrolled auditors
    uint256 enrolledStake;
}

/// @title EmissionLib
/// @notice The budget of an epoch. Every division rounds down, in the pool's favour.
library EmissionLib {
    /// @notice Seconds of a year of 365.25 days.
    uint256 internal constant YEAR = 31_557_600;
    /// @notice Scheduled emission: 500 million BLOC a year, in wei per second.
    uint256 internal constant BUDGET_PER_SECOND = uint256(500_000_000e18) / YEAR;
    /// @notice The providers' part of a budget.
    uint256 internal constant PROVIDERS_PERCENT = 60;
    /// @notice Auditors receive at most this many times the yield of their own stake.
    uint256 internal constant AUDITORS_YIELDS = 4;
    /// @notice A tick releases one part in this number of the contributions; 168 is a week of hours.
    uint256 internal constant CONTRIBUTION_EPOCHS = 168;
    /// @notice Bounty of the tick that proves an epoch's seed.
    uint256 internal constant TICK_BOUNTY = 1e18;

    /// @notice The budget of an epoch: the schedule's, but at most the yield of the active services' stake.
    /// The auditors' part is also at most `AUDITORS_YIELDS` yields of theirs.
    /// @param input The pool and the stakes.
    /// @param yieldPercent The highest yield, percent a year.
    /// @param epochSeconds Length of the epoch.
    /// @return budget The amounts to reserve.
    function budgetOf(
        EmissionInput memory input,
        uint256 yieldPercent,
        uint256 epochSeconds
    ) internal pure returns (EpochBudget memory budget) {
        uint256 available = input.available;
        budget.bounty = _min(TICK_BOUNTY, available);
        uint256 rate = yieldPercent * epochSeconds;
        uint256 capped = _min(
            _min(BUDGET_PER_SECOND * epochSeconds, available - budget.bounty),
            _yield(input.activeStake, rate)
        );
        budget.providers = (capped * PROVIDERS_PERCENT) / 100;
        budget.auditors = _min(
            capped - budget.providers,
            AUDITORS_YIELDS * _yield(input.enrolledStake, rate)
        );
        // Without services or auditors there is no receiver.
        if (input.activeStake == 0 || input.enrolledStake == 0) return budget;
        budget.contributed = input.contributed / CONTRIBUTION_EPOCHS;
        budget.auditors += budget.contributed;
    }

    /// @dev Yield of a stake for one epoch. Stakes are below 2^96, so nothing overflows.
    function _yield(uint256 stake, uint256 rate) private pure returns (uint256) {
        return (stake * rate) / (100 * YEAR);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
