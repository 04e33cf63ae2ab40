// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

contract SettleTest is Deployment {
    using SystemLib for System;

    AuditorActor private _alice;

    function setUp() public override {
        super.setUp();
        registerService();
        system().register(PROVIDER, 3_000e18);
        // Alone she has weight 7 in every shard, so her vote is the verdict.
        _alice = newAuditor("alice", 5_000e18);
    }

    function test_PayFollowsStakeAndVerdict() public {
        uint256[4] memory percent = [uint256(0), 40, 80, 100];
        for (uint32 grade = 0; grade < 4; ++grade) {
            uint32 epoch = 2 + grade * 2;
            _audit(epoch, grade);
            enter(epoch + 2);
            uint256 budget = _providersBudget(epoch);
            uint256 expected = (budget * 3 * percent[grade]) / 400;
            vm.expectEmit(address(settlement));
            emit ISettlement.Settled(2, epoch, uint8(grade), expected);
            vm.prank(STRANGER);
            vm.assertEq(settlement.settle(2, epoch), expected, "three quarters of the stake");
            vm.assertEq(
                settlement.settle(1, epoch),
                (budget * percent[grade]) / 400,
                "one quarter of the stake"
            );
        }
    }

    function test_SeveralEpochsAreSettledAtOnceAndOnceOnly() public {
        _audit(2, 3);
        _audit(3, 2);
        enterAndTick(5);
        uint256 expected = _providersBudget(2) / 4 + (_providersBudget(3) * 80) / 400;
        vm.assertEq(settlement.settle(1, 3), expected, "both");
        vm.assertEq(token.balanceOf(PROVIDER), expected, "paid");
        vm.assertEq(settlement.settledThrough(1), 3, "pointer");

        vm.assertEq(settlement.settle(1, 3), 0, "nothing twice");
        vm.assertEq(settlement.settle(1, 2), 0, "nor part of it");
        vm.assertEq(settlement.settledThrough(1), 3, "the pointer never goes back");
    }

    function test_AVerdictStandsInForFourEpochs() public {
        _audit(2, 3);
        for (uint32 epoch = 3; epoch < 10; ++epoch) {
            enterAndTick(epoch);
        }
        uint256 share = _providersBudget(2) / 4;
        vm.assertEq(settlement.settle(1, 6), 5 * share, "its own epoch and four more");
        vm.assertEq(settlement.settle(1, 7), 0, "not a fifth");
    }

    function test_TheLastVerdictStandsInNotTheBest() public {
        _audit(2, 3);
        _audit(3, 0);
        enterAndTick(4);
        enterAndTick(6);
        vm.assertEq(settlement.settle(1, 2), _providersBudget(2) / 4, "EXCELLENT");
        vm.assertEq(settlement.settle(1, 4), 0, "FAILED, and FAILED stands in");
    }

    function test_AnEpochWithoutSeedPaysNothing() public {
        _audit(2, 3);
        enterAndTick(4);
        enter(6);
        vm.assertEq(settlement.settle(1, 3), _providersBudget(2) / 4, "epoch 3 has no budget");
        vm.assertEq(settlement.settle(1, 4), _providersBudget(4) / 4, "epoch 2 stands in for 4");
    }

    function test_AnInactiveEpochPaysNothing() public {
        _audit(2, 3);
        vm.prank(PROVIDER);
        staking.unstakeService(1, 1);
        enterAndTick(4);
        enterAndTick(5);
        enter(7);
        // In epoch 3: inactive from 5 on, where the old verdict would otherwise be carried, as in 4.
        vm.assertEq(
            settlement.settle(1, 5),
            _providersBudget(2) / 4 + _providersBudget(4) / 4,
            "nothing for 5"
        );
        vm.assertEq(settlement.settle(2, 2), (_providersBudget(2) * 3) / 4, "the other one still");
    }

    function test_EpochsBeforeTheRegistrationPayNothing() public {
        _audit(2, 3);
        uint64 late = registerService();
        _audit(4, 3);
        _audit(5, 3);
        enter(7);
        vm.assertEq(registry.firstEpoch(late), 5, "from epoch 5 on");
        vm.assertEq(settlement.settle(late, 5), _providersBudget(5) / 5, "its share of the stake");
    }

    function test_TheOwnerOfTheMomentIsPaid() public {
        _audit(2, 3);
        enter(4);
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, 1);
        uint256 reward = settlement.settle(1, 2);

        vm.assertEq(token.balanceOf(STRANGER), reward, "the new owner");
        vm.assertEq(token.balanceOf(PROVIDER), 0, "not the old one");
    }

    function test_ThePayoutAddressOfTheMomentIsPaid() public {
        _audit(2, 3);
        _audit(3, 3);
        enter(5);
        address first = address(0x9a71);
        address second = address(0x9a72);
        vm.prank(PROVIDER);
        registry.setPayout(1, first);
        uint256 reward = settlement.settle(1, 2);
        vm.assertEq(token.balanceOf(first), reward, "as named");
        vm.prank(PROVIDER);
        registry.setPayout(1, second);
        reward = settlement.settle(1, 3);
        vm.assertGt(reward, 0, "paid");
        vm.assertEq(token.balanceOf(second), reward, "as named later");
        vm.assertEq(token.balanceOf(PROVIDER), 0, "not to the owner");
    }

    function test_TheSellersPayoutAddressIsNotTheBuyers() public {
        _audit(2, 3);
        enter(4);
        vm.startPrank(PROVIDER);
        registry.setPayout(1, address(0x9a71));
        registry.transferFrom(PROVIDER, STRANGER, 1);
        vm.stopPrank();
        uint256 reward = settlement.settle(1, 2);
        vm.assertEq(token.balanceOf(STRANGER), reward, "the new owner");
    }

    function test_ARetiredServiceIsPaidForWhatItServed() public {
        _audit(2, 3);
        vm.prank(PROVIDER);
        registry.retire(1);
        _audit(3, 3);
        enterAndTick(4);
        enterAndTick(5);
        enter(7);
        vm.assertEq(
            settlement.settle(1, 5),
            _providersBudget(2) / 4 + _providersBudget(3) / 4 + _providersBudget(4) / 4,
            "to 4"
        );
    }

    function test_EpochsOfMaintenanceAndSuspensionAreUnpaid() public {
        _audit(2, 3);
        // In epoch 3: inactive from 4 on. The verdict of 2 would otherwise be carried to 3 to 6.
        vm.prank(PROVIDER);
        registry.setMaintenance(1, true);
        vm.prank(address(book));
        registry.suspend(2);
        for (uint32 epoch = 3; epoch <= 5; ++epoch) {
            enterAndTick(epoch);
        }
        vm.startPrank(PROVIDER);
        registry.setMaintenance(1, false);
        registry.reinstate(2);
        vm.stopPrank();
        enterAndTick(6);
        enter(8);
        // Both were active in 2, 3 and 6; the stakes are one and three quarters.
        vm.assertEq(settlement.settle(1, 6), 3 * (_providersBudget(2) / 4), "service 1");
        vm.assertEq(settlement.settle(2, 6), 3 * ((_providersBudget(2) * 3) / 4), "service 2");
    }

    function test_TheRingRemembers255Epochs() public {
        _audit(2, 3);
        enterAndTick(257);
        uint256 expected = _providersBudget(2) / 4;
        vm.assertEq(settlement.settle(1, 2), expected, "the last moment");
    }

    function test_WhatTheRingForgotIsNotPaid() public {
        _audit(2, 3);
        _audit(3, 3);
        enterAndTick(258);
        uint256 expected = _providersBudget(3) / 4;
        vm.assertEq(settlement.settle(1, 256), expected, "epoch 3, but not 2");
        vm.assertEq(settlement.settledThrough(1), 256, "pointer");
    }

    function test_AVerdictIsNeverThatOfAnEpochThatSharesTheEntry() public {
        _audit(2, 3);
        enterAndTick(258);
        (, bool quorate) = settlement.verdictOf(1, 258);
        vm.assertFalse(quorate, "the tally of epoch 2 has another tag");
        enterAndTick(260);
        vm.assertEq(settlement.settle(1, 258), 0, "nothing");
    }

    function test_ALongAbsenceFitsATransaction() public {
        registerServices(13);
        _audit(2, 3);
        for (uint32 epoch = 3; epoch < 260; ++epoch) {
            enterAndTick(epoch);
            if (epoch % 5 == 0) {
                _alice.commit(epoch, 3);
                enter(epoch + 1);
                _alice.reveal(epoch);
            }
        }
        uint256 before = gasleft();
        vm.assertGt(settlement.settle(15, 257), 0, "paid");
        vm.assertLt(before - gasleft(), 12_000_000, "gas");
    }

    function test_RevertsWhen_NotFinal() public {
        _audit(2, 3);
        _expectNotFinal(2, 3);
        settlement.settle(1, 2);
        _expectNotFinal(type(uint32).max, 3);
        settlement.settle(1, type(uint32).max);
    }

    function test_RevertsWhen_TheServiceIsUnknown() public {
        enter(4);
        _expectUnknown(3);
        settlement.settle(3, 2);
        _expectUnknown(0);
        settlement.settle(0, 2);
        (, bool quorate) = settlement.verdictOf(0, 2);
        vm.assertFalse(quorate, "no verdict");
    }

    function _audit(uint32 epoch, uint256 grade) private {
        enter(epoch);
        (bytes32 seed, , , ) = pos.seedOf(epoch);
        if (seed == 0) tick(epoch);
        _alice.commit(epoch, grade);
        enter(epoch + 1);
        _alice.reveal(epoch);
    }

    function _providersBudget(uint32 epoch) private view returns (uint256 budget) {
        (budget, , , ) = budgetOf(epoch);
    }

    function _expectNotFinal(uint32 upTo, uint32 current) private {
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.SettlementNotFinal.selector, upTo, current)
        );
    }

    function _expectUnknown(uint64 number) private {
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.SettlementUnknownService.selector, number)
        );
    }
}
