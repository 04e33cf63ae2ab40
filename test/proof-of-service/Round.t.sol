// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice A complete round.
contract RoundTest is Deployment {
    function test_TwoAuditorsAndThreeServicesThroughARound() public {
        registerServices(3);
        AuditorActor alice = newAuditor("alice", 5_000e18);
        AuditorActor bob = newAuditor("bob", 5_000e18);

        enterAndTick(2);
        alice.commit(2, 3);
        bob.commit(2, 3);

        enterAndTick(3);
        alice.reveal(2);
        bob.reveal(2);
        (uint8 grade, bool quorate) = settlement.verdictOf(1, 2);
        vm.assertTrue(quorate, "quorum");
        vm.assertEq(grade, 3, "verdict");

        enterAndTick(4);
        uint256 paid = alice.claim(2, 4) + bob.claim(2, 4);
        (, , uint256 budget, uint256 left) = budgetOf(2);
        vm.assertGt(paid, 0, "auditors earn");
        vm.assertEq(budget - left, paid, "out of the budget");
        vm.assertEq(pos.collect(address(alice)) + pos.collect(address(bob)), paid, "collected");
        vm.assertEq(token.balanceOf(address(alice)) + token.balanceOf(address(bob)), paid, "paid");

        uint256 reward = settlement.settle(1, 2);
        (uint256 providers, , , ) = budgetOf(2);
        vm.assertEq(reward, providers / 3, "a third of the stake");
        vm.assertEq(token.balanceOf(PROVIDER), reward, "to the owner");
    }
}
