// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EpochBudget} from "../../contracts/libraries/EmissionLib.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IBlocToken} from "../support/Interfaces.sol";
import {
    AUDITOR_STAKE,
    EPOCH_SECONDS,
    System,
    SystemLib,
    TREASURY,
    UNBONDING_SECONDS,
    YIELD_PERCENT
} from "../support/System.sol";

contract RewardPoolTest is Deployment {
    using SystemLib for System;

    function test_TheScheduleIsFivePercentOfTheSupplyAYear() public view {
        uint256 year = (pool.epochBudget() * 31_557_600) / EPOCH_SECONDS;

        vm.assertLe(year, 500_000_000e18, "never more");
        vm.assertGt(year, 499_999_999e18, "rounding apart");
    }

    function test_EachSpenderPaysFromItsOwnReserve() public {
        uint256 providers = (pool.epochBudget() * 60) / 100;
        uint256 auditors = pool.epochBudget() - providers;
        vm.expectEmit(address(pool));
        emit IRewardPool.Reserved(7, providers, auditors, 0, 1e18);
        _open(7);
        vm.assertEq(pool.reservedForProviders(), providers, "for services");
        vm.assertEq(pool.reservedForAuditors(), auditors + 1e18, "for auditors and the tick");
        vm.assertEq(pool.lastReserved(), 7, "epoch");

        vm.expectEmit(address(pool));
        emit IRewardPool.Paid(STRANGER, 30e18);
        vm.prank(address(pos));
        pool.pay(STRANGER, 30e18);
        vm.prank(address(settlement));
        pool.pay(STRANGER, 5e18);
        vm.assertEq(token.balanceOf(STRANGER), 35e18, "paid by both");
        vm.assertEq(pool.reservedForAuditors(), auditors - 29e18, "its own");
        vm.assertEq(pool.reservedForProviders(), providers - 5e18, "its own");

        vm.expectEmit(address(pool));
        emit IRewardPool.Released(address(settlement), providers - 5e18, 0);
        vm.prank(address(settlement));
        pool.release(providers - 5e18, 0);
        vm.assertEq(pool.reservedForProviders(), 0, "all given back");
        vm.assertEq(pool.reservedForAuditors(), auditors - 29e18, "untouched");
    }

    function test_ABudgetIsBoundedByWhatTheUnreservedPoolHolds() public {
        uint256 budget = pool.epochBudget();
        uint256 balance = token.balanceOf(address(pool));
        vm.prank(address(pool));
        token.transfer(TREASURY, balance - budget - 7e18);

        vm.assertEq(_open(1), budget, "a full one, and a bounty");
        vm.assertEq(_open(2), 5e18, "the rest, after a bounty");
        vm.assertEq(_open(3), 0, "an empty pool");

        vm.prank(address(pos));
        pool.release(4e18, 0);
        vm.assertEq(_open(4), 3e18, "what came back, after a bounty");
    }

    function test_ContributionsRaiseTheAuditorsBudgetsAboveTheCap() public {
        _contribute(1_680e18);
        vm.assertEq(pool.contributions(), 1_680e18, "wait");
        uint256 auditors = pool.epochBudget() - (pool.epochBudget() * 60) / 100;
        EpochBudget memory first = _openAs(1);
        vm.assertEq(first.contributed, 10e18, "1/168");
        vm.assertEq(first.auditors, auditors + 10e18, "above the emission");
        vm.assertEq(pool.contributions(), 1_670e18, "less waits");
        vm.assertEq(_openAs(2).contributed, uint256(1_670e18) / 168, "1/168 of the rest");

        // The unspent part is returned.
        vm.prank(address(pos));
        pool.release(12e18, 10e18);
        vm.assertEq(pool.contributions(), 1_680e18 - uint256(1_670e18) / 168, "returned");
    }

    function test_ContributionsAreNeitherEmittedNorPaidToServices() public {
        uint256 balance = token.balanceOf(address(pool));
        vm.prank(address(pool));
        token.transfer(TREASURY, balance);
        _contribute(168e18);
        EpochBudget memory budget = _openAs(1);
        vm.assertEq(budget.providers + budget.bounty, 0, "the pool itself is empty");
        vm.assertEq(budget.auditors, 1e18, "the contribution's part");
    }

    function test_WithoutServicesOrAuditorsNothingIsSetAsideButTheBounty() public {
        _contribute(168e18);
        vm.startPrank(address(pos));
        EpochBudget memory none = pool.open(1, 0, 5_000e18);
        vm.assertEq(none.providers + none.auditors, 0, "no services");
        vm.assertEq(none.bounty, 1e18, "the tick is paid");
        none = pool.open(2, 1_000e18, 0);
        vm.assertEq(none.auditors, 0, "no auditors");
        vm.assertGt(none.providers, 0, "services are");
        vm.assertEq(pool.contributions(), 168e18, "all waits");
    }

    function test_RevertsWhen_NothingIsContributedOrThePoolIsNotConnected() public {
        vm.expectRevert(IRewardPool.RewardPoolContributionZero.selector);
        pool.contribute(0);
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        vm.expectRevert(IRewardPool.RewardPoolNotWired.selector);
        other.contribute(1);
    }

    function test_RevertsWhen_AnotherThanTheDeployerWires() public {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolNotDeployer.selector, STRANGER)
        );
        vm.prank(STRANGER);
        pool.wire(address(token), address(pos), address(settlement));
    }

    function test_RevertsWhen_WiredTwice() public {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyWired.selector, address(pos))
        );
        pool.wire(address(token), address(pos), address(settlement));
    }

    function test_RevertsWhen_WiredToAContractWithAnotherPool() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        IBlocToken coin = Artifacts.newToken(address(other), TREASURY);
        _expectMismatch(other, coin, _rounds(coin, pool));
    }

    function test_RevertsWhen_WiredToATokenThatIsNotStaked() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        IBlocToken coin = Artifacts.newToken(address(other), TREASURY);
        _expectMismatch(other, coin, _rounds(token, other));
    }

    function test_RevertsWhen_WiredToAClockOfAnotherPace() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS + 1, YIELD_PERCENT);
        IBlocToken coin = Artifacts.newToken(address(other), TREASURY);
        _expectMismatch(other, coin, _rounds(coin, other));
    }

    function test_RevertsWhen_WiredToATokenThatGaveItNothing() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        _expectMismatch(other, token, _rounds(token, other));
    }

    function test_RevertsWhen_WiredToTheSettlementOfOtherRounds() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        IBlocToken coin = Artifacts.newToken(address(other), TREASURY);
        IProofOfService rounds = _rounds(coin, other);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardPool.RewardPoolWiringMismatch.selector,
                address(coin),
                address(rounds),
                address(settlement)
            )
        );
        other.wire(address(coin), address(rounds), address(settlement));
    }

    function test_WiresOnceEverythingFits() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        IBlocToken coin = Artifacts.newToken(address(other), TREASURY);
        IProofOfService rounds = _rounds(coin, other);
        address payer = rounds.settlement();
        vm.expectEmit(address(other));
        emit IRewardPool.Wired(address(coin), address(rounds), payer);
        other.wire(address(coin), address(rounds), payer);
        vm.assertEq(other.token(), address(coin), "token");
        vm.assertEq(other.proofOfService(), address(rounds), "rounds");
        vm.assertEq(other.settlement(), payer, "settlement");
    }

    function test_RevertsWhen_AnotherMovesRewards() public {
        bytes memory refusal = abi.encodeWithSelector(
            IRewardPool.RewardPoolNotSpender.selector,
            STRANGER
        );
        vm.startPrank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolNotProofOfService.selector, STRANGER)
        );
        pool.open(1, 1, 1);
        vm.expectRevert(refusal);
        pool.release(0, 0);
        vm.expectRevert(refusal);
        pool.pay(STRANGER, 0);
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardPool.RewardPoolNotProofOfService.selector,
                address(settlement)
            )
        );
        vm.prank(address(settlement));
        pool.open(1, 1, 1);
    }

    function test_BeforeTheWiringNobodyMovesRewards() public {
        IRewardPool other = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolNotProofOfService.selector, address(this))
        );
        other.open(1, 1, 1);
    }

    function test_RevertsWhen_AnEpochIsReservedTwiceOrOutOfOrder() public {
        _open(9);
        vm.startPrank(address(pos));
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyReserved.selector, 9, 9)
        );
        pool.open(9, 1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyReserved.selector, 8, 9)
        );
        pool.open(8, 1, 1);
    }

    function test_RevertsWhen_ASpenderAsksForTheOthersReserve() public {
        _open(1);
        _expectRefused(address(pos), pool.reservedForAuditors());
        _expectRefused(address(settlement), pool.reservedForProviders());
    }

    function test_RevertsWhen_MoreWouldBeReturnedToTheContributionsThanIsReleased() public {
        _open(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolExceedsReserved.selector, 5, 4)
        );
        vm.prank(address(pos));
        pool.release(4, 5);
    }

    function _expectRefused(address spender, uint256 reserved) private {
        bytes memory refusal = abi.encodeWithSelector(
            IRewardPool.RewardPoolExceedsReserved.selector,
            reserved + 1,
            reserved
        );
        vm.startPrank(spender);
        vm.expectRevert(refusal);
        pool.pay(STRANGER, reserved + 1);
        vm.expectRevert(refusal);
        pool.release(reserved + 1, 0);
        vm.stopPrank();
    }

    function _contribute(uint256 amount) private {
        system().fund(STRANGER, amount);
        vm.startPrank(STRANGER);
        token.approve(address(pool), amount);
        vm.expectEmit(address(pool));
        emit IRewardPool.Contributed(STRANGER, amount);
        pool.contribute(amount);
        vm.stopPrank();
    }

    /// @dev Both budgets of an epoch with enough stake for the schedule.
    function _open(uint32 epoch) private returns (uint256) {
        EpochBudget memory budget = _openAs(epoch);
        return budget.providers + budget.auditors;
    }

    function _openAs(uint32 epoch) private returns (EpochBudget memory) {
        vm.prank(address(pos));
        return pool.open(epoch, 1_000e18, 5_000e18);
    }

    /// @dev A `ProofOfService` that pays from a given pool, with staking of a given token.
    function _rounds(IBlocToken coin, IRewardPool payer) private returns (IProofOfService rounds) {
        IStaking stakes = Artifacts.newStaking(
            address(coin),
            address(registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        rounds = Artifacts.newProofOfService(address(registry), address(stakes), address(payer));
        ISettlement pays = Artifacts.newSettlement(address(rounds));
        rounds.wire(address(pays));
    }

    function _expectMismatch(IRewardPool other, IBlocToken coin, IProofOfService rounds) private {
        address payer = rounds.settlement();
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardPool.RewardPoolWiringMismatch.selector,
                address(coin),
                address(rounds),
                payer
            )
        );
        other.wire(address(coin), address(rounds), payer);
    }
}
