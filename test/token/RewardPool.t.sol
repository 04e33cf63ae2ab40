// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ProofOfService} from "../../contracts/proof-of-service/ProofOfService.sol";
import {Staking} from "../../contracts/staking/Staking.sol";
import {BlocToken} from "../../contracts/token/BlocToken.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {RewardPool} from "../../contracts/token/RewardPool.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {AUDITOR_STAKE, EPOCH_SECONDS, TREASURY, UNBONDING_SECONDS} from "../support/System.sol";

contract RewardPoolTest is Deployment {
    function test_TheBudgetIsFivePercentOfTheSupplyAYear() public view {
        uint256 year = (pool.epochBudget() * 31_557_600) / EPOCH_SECONDS;

        vm.assertLe(year, 500_000_000e18, "never more");
        vm.assertGt(year, 499_999_999e18, "rounding apart");
    }

    function test_ReservesPaysAndReleases() public {
        uint256 budget = pool.epochBudget();
        vm.startPrank(address(pos));

        vm.expectEmit(address(pool));
        emit IRewardPool.Reserved(7, budget);
        pool.reserve(7);
        vm.assertEq(pool.reserved(), budget, "set aside");
        vm.assertEq(pool.lastReserved(), 7, "epoch");

        vm.expectEmit(address(pool));
        emit IRewardPool.Paid(STRANGER, 30e18);
        pool.pay(STRANGER, 30e18);
        vm.assertEq(token.balanceOf(STRANGER), 30e18, "paid");
        vm.assertEq(pool.reserved(), budget - 30e18, "less is set aside");

        vm.expectEmit(address(pool));
        emit IRewardPool.Released(budget - 30e18);
        pool.release(budget - 30e18);
        vm.assertEq(pool.reserved(), 0, "all given back");
    }

    function test_ABudgetIsBoundedByWhatTheUnreservedPoolHolds() public {
        uint256 budget = pool.epochBudget();
        uint256 balance = token.balanceOf(address(pool));
        vm.prank(address(pool));
        token.transfer(TREASURY, balance - budget - 5e18);

        vm.startPrank(address(pos));
        vm.assertEq(pool.reserve(1), budget, "a full one");
        vm.assertEq(pool.reserve(2), 5e18, "the rest");
        vm.assertEq(pool.reserve(3), 0, "an empty pool");

        pool.release(4e18);
        vm.assertEq(pool.reserve(4), 4e18, "what came back");
    }

    function test_RevertsWhen_AnotherThanTheDeployerWires() public {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolNotDeployer.selector, STRANGER)
        );
        vm.prank(STRANGER);
        pool.wire(address(token), address(pos));
    }

    function test_RevertsWhen_WiredTwice() public {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyWired.selector, address(pos))
        );
        pool.wire(address(token), address(pos));
    }

    function test_RevertsWhen_WiredToAContractWithAnotherPool() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS);
        BlocToken coin = new BlocToken(address(other), TREASURY);
        address target = _rounds(coin, pool);
        _expectMismatch(address(coin), target);
        other.wire(address(coin), target);
    }

    function test_RevertsWhen_WiredToATokenThatIsNotStaked() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS);
        BlocToken coin = new BlocToken(address(other), TREASURY);
        address target = _rounds(token, other);
        _expectMismatch(address(coin), target);
        other.wire(address(coin), target);
    }

    function test_RevertsWhen_WiredToAClockOfAnotherPace() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS + 1);
        BlocToken coin = new BlocToken(address(other), TREASURY);
        address target = _rounds(coin, other);
        _expectMismatch(address(coin), target);
        other.wire(address(coin), target);
    }

    function test_RevertsWhen_WiredToATokenThatGaveItNothing() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS);
        address target = _rounds(token, other);
        _expectMismatch(address(token), target);
        other.wire(address(token), target);
    }

    function test_WiresOnceEverythingFits() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS);
        BlocToken coin = new BlocToken(address(other), TREASURY);
        address target = _rounds(coin, other);
        vm.expectEmit(address(other));
        emit IRewardPool.Wired(address(coin), target);
        other.wire(address(coin), target);
    }

    function test_RevertsWhen_AnotherThanProofOfServiceMovesRewards() public {
        bytes memory refusal = abi.encodeWithSelector(
            IRewardPool.RewardPoolNotProofOfService.selector,
            STRANGER
        );
        vm.startPrank(STRANGER);
        vm.expectRevert(refusal);
        pool.reserve(1);
        vm.expectRevert(refusal);
        pool.release(0);
        vm.expectRevert(refusal);
        pool.pay(STRANGER, 0);
    }

    function test_BeforeTheWiringNobodyMovesRewards() public {
        RewardPool other = new RewardPool(EPOCH_SECONDS);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolNotProofOfService.selector, address(this))
        );
        other.reserve(1);
    }

    function test_RevertsWhen_AnEpochIsReservedTwiceOrOutOfOrder() public {
        vm.startPrank(address(pos));
        pool.reserve(9);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyReserved.selector, 9, 9)
        );
        pool.reserve(9);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolAlreadyReserved.selector, 8, 9)
        );
        pool.reserve(8);
    }

    function test_RevertsWhen_MoreThanTheReservedMoves() public {
        vm.startPrank(address(pos));
        uint256 budget = pool.reserve(1);
        bytes memory refusal = abi.encodeWithSelector(
            IRewardPool.RewardPoolExceedsReserved.selector,
            budget + 1,
            budget
        );
        vm.expectRevert(refusal);
        pool.pay(STRANGER, budget + 1);
        vm.expectRevert(refusal);
        pool.release(budget + 1);
    }

    /// @dev Rounds that pay from a pool, on stakes of a coin.
    function _rounds(BlocToken coin, RewardPool payer) private returns (address) {
        Staking stakes = new Staking(
            address(coin),
            address(registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        return address(new ProofOfService(address(registry), address(stakes), address(payer)));
    }

    function _expectMismatch(address coin, address target) private {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardPool.RewardPoolWiringMismatch.selector, coin, target)
        );
    }
}
