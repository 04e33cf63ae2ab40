// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EmissionInput, EmissionLib, EpochBudget} from "../../contracts/libraries/EmissionLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract EmissionLibTest is Assertions {
    function testEmissionVectors() public view {
        string memory json = vectors("emission");
        uint256[] memory available = uints(json, ".available");
        uint256[] memory contributed = uints(json, ".contributed");
        uint256[] memory activeStake = uints(json, ".activeStake");
        uint256[] memory enrolledStake = uints(json, ".enrolledStake");
        uint256[] memory yieldPercent = uints(json, ".yieldPercent");
        uint256[] memory epochSeconds = uints(json, ".epochSeconds");
        assertTrue(available.length > 20, "vectors");
        for (uint256 i = 0; i < available.length; ++i) {
            EpochBudget memory budget = EmissionLib.budgetOf(
                EmissionInput(available[i], contributed[i], activeStake[i], enrolledStake[i]),
                yieldPercent[i],
                epochSeconds[i]
            );
            assertEq(budget.providers, uints(json, ".providers")[i], item("providers", i));
            assertEq(budget.auditors, uints(json, ".auditors")[i], item("auditors", i));
            assertEq(budget.contributed, uints(json, ".contributedPart")[i], item("part", i));
            assertEq(budget.bounty, uints(json, ".bounty")[i], item("bounty", i));
        }
    }

    /// @dev For any input, the budget is at most the available BLOC and at most the schedule.
    function testFuzzABudgetStaysWithinThePool(
        uint96 available,
        uint96 contributed,
        uint96 activeStake,
        uint96 enrolledStake,
        uint32 yieldPercent,
        uint32 epochSeconds
    ) public pure {
        EpochBudget memory budget = EmissionLib.budgetOf(
            EmissionInput(available, contributed, activeStake, enrolledStake),
            yieldPercent,
            epochSeconds
        );
        uint256 emitted = budget.providers + budget.auditors - budget.contributed;
        assertLe(emitted + budget.bounty, available, "the pool");
        assertLe(budget.contributed, contributed, "the contributions");
        assertLe(emitted, EmissionLib.BUDGET_PER_SECOND * epochSeconds, "the schedule");
    }

    /// @dev More stake, or a higher yield, never lowers a budget.
    function testFuzzMoreStakeIsNeverWorthLess(
        uint96 activeStake,
        uint96 enrolledStake,
        uint96 more,
        uint16 yieldPercent
    ) public pure {
        uint256 active = uint256(activeStake) + 1;
        uint256 enrolled = uint256(enrolledStake) + 1;
        EpochBudget memory one = _budget(active, enrolled, yieldPercent);
        EpochBudget memory two = _budget(active + more, enrolled, yieldPercent);
        assertLe(one.providers, two.providers, "providers, with more stake of services");
        assertLe(one.auditors, two.auditors, "auditors, with more stake of services");
        two = _budget(active, enrolled + more, yieldPercent);
        assertEq(one.providers, two.providers, "providers, with more stake of auditors");
        assertLe(one.auditors, two.auditors, "auditors, with more stake of auditors");
    }

    function _budget(
        uint256 active,
        uint256 enrolled,
        uint256 yieldPercent
    ) private pure returns (EpochBudget memory) {
        return
            EmissionLib.budgetOf(
                EmissionInput(3_000_000_000e18, 0, active, enrolled),
                yieldPercent,
                3600
            );
    }
}
