// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {HeaderLib} from "../support/HeaderLib.sol";
import {
    AUDITOR_STAKE,
    GENESIS,
    GENESIS_BLOCK,
    System,
    SystemLib,
    TREASURY,
    UNBONDING_SECONDS
} from "../support/System.sol";

contract TickTest is Deployment {
    using SystemLib for System;

    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function test_ATickRecordsTheSeedAndSharesTheBudget() public {
        registerServices(2);
        newAuditor("alice", 5_000e18);
        enter(2);
        (bytes memory first, bytes memory parent) = SystemLib.headers(2, SystemLib.randao(2));
        bytes32 seed = system().seed(2);
        uint256 budget = pool.epochBudget();
        uint256 providers = (budget * 60) / 100;
        uint256 auditors = budget - providers;

        vm.expectEmit(address(pool));
        emit IRewardPool.Reserved(2, providers, auditors, 0, 1e18);
        vm.expectEmit(address(pos));
        emit IProofOfService.Ticked(2, seed, providers, auditors, 2_000e18, 5_000e18, 2);
        vm.prank(STRANGER);
        pos.tick(first, parent);

        (bytes32 recorded, uint32 previous, uint32 active, ) = pos.seedOf(2);
        vm.assertEq(recorded, seed, "seed");
        vm.assertEq(previous, 0, "none before");
        vm.assertEq(active, 2, "active services");
        _assertBudgets(2, providers, auditors);
        vm.assertEq(token.balanceOf(STRANGER), 1e18, "bounty, beside the budget");
        vm.assertEq(setAside(), providers + auditors, "reserved");
        vm.assertEq(pos.newestSeed(), 2, "newest");
    }

    function test_ASecondTickIsSilentAndUnpaid() public {
        enterAndTick(3);
        (bytes memory first, bytes memory parent) = SystemLib.headers(3, SystemLib.randao(3));
        uint256 reserved = setAside();
        vm.recordLogs();
        vm.prank(STRANGER);
        pos.tick(first, parent);

        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        vm.assertEq(token.balanceOf(STRANGER), 0, "no bounty");
        vm.assertEq(setAside(), reserved, "no budget");
    }

    function test_SkippedEpochsAreLinked() public {
        enterAndTick(3);
        enterAndTick(9);

        (, uint32 previous, , ) = pos.seedOf(9);
        vm.assertEq(previous, 3, "the one recorded before");
        (bytes32 seed, , , ) = pos.seedOf(5);
        vm.assertEq(seed, 0, "none in between");
        _assertBudgets(5, 0, 0);
    }

    function test_ATickMayComeLate() public {
        enter(20);
        tick(7);

        vm.assertEq(pos.newestSeed(), 7, "newest");
    }

    function test_AnOldBlockIsProvenByTheHistoryContract() public {
        // 600 epochs of 12 s: beyond BLOCKHASH, within the 8,191 blocks of EIP-2935.
        enter(607);
        uint256 number = GENESIS_BLOCK + 7 * 12;
        bytes memory parent = HeaderLib.encode(0, number - 1, GENESIS + 7 * 12 - 1, 1);
        bytes memory first = HeaderLib.encode(
            keccak256(parent),
            number,
            GENESIS + 7 * 12,
            SystemLib.randao(7)
        );
        vm.mockCall(HISTORY, abi.encode(number), abi.encode(keccak256(first)));
        pos.tick(first, parent);

        vm.assertEq(pos.newestSeed(), 7, "newest");
    }

    function test_EpochZeroNeedsNoSeedAndHasNoBudget() public {
        jump(0, 3);
        (bytes memory first, bytes memory parent) = SystemLib.headersAt(
            GENESIS_BLOCK,
            GENESIS,
            SystemLib.randao(0)
        );
        vm.recordLogs();
        pos.tick(first, parent);

        vm.assertEq(vm.getRecordedLogs().length, 0, "silent");
        vm.assertEq(setAside(), 0, "no budget");
        vm.assertEq(pos.newestSeed(), 0, "no seed");
    }

    function test_WhatIsUnspentComesBackWhenTheEntryIsReused() public {
        registerService();
        newAuditor("alice", 5_000e18);
        enterAndTick(5);
        (uint256 providers, , uint256 auditors, ) = budgetOf(5);
        enterAndTick(6);
        uint256 reserved = setAside();
        enter(261);
        (bytes memory first, bytes memory parent) = SystemLib.headers(261, SystemLib.randao(261));
        vm.expectEmit(address(pool));
        emit IRewardPool.Released(address(pos), auditors, 0);
        vm.expectEmit(address(pool));
        emit IRewardPool.Released(address(settlement), providers, 0);
        pos.tick(first, parent);

        vm.assertEq(setAside(), reserved, "one budget went, one came");
        (bytes32 seed, , , ) = pos.seedOf(5);
        vm.assertEq(seed, 0, "forgotten");
        _assertBudgets(5, 0, 0);
    }

    function test_ANearlyEmptyPoolGivesWhatItHas() public {
        registerService();
        newAuditor("alice", 5_000e18);
        uint256 balance = token.balanceOf(address(pool));
        vm.prank(address(pool));
        token.transfer(TREASURY, balance - 11e18);
        enter(2);
        _tickAs(STRANGER, 2);
        vm.assertEq(token.balanceOf(STRANGER), 1e18, "bounty first");
        _assertBudgets(2, 6e18, 4e18);

        enter(3);
        _tickAs(STRANGER, 3);
        vm.assertEq(token.balanceOf(STRANGER), 1e18, "nothing left");
        _assertBudgets(3, 0, 0);
        (bytes32 seed, , , ) = pos.seedOf(3);
        vm.assertEq(seed, system().seed(3), "but a seed");
    }

    function test_ABountyIsBoundedByWhatThePoolHolds() public {
        uint256 balance = token.balanceOf(address(pool));
        vm.prank(address(pool));
        token.transfer(TREASURY, balance - 0.4e18);
        enter(1);
        _tickAs(STRANGER, 1);

        vm.assertEq(token.balanceOf(STRANGER), 0.4e18, "all of it");
        vm.assertEq(setAside(), 0, "nothing set aside");
    }

    function test_RevertsWhen_OutOfOrder() public {
        enterAndTick(4);
        (bytes memory first, bytes memory parent) = SystemLib.headers(3, SystemLib.randao(3));
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosSeedOutOfOrder.selector, 3, 4));
        pos.tick(first, parent);
    }

    function test_RevertsWhen_EpochZeroComesAfterItsEntryIsTaken() public {
        enterAndTick(256);
        bytes memory parent = HeaderLib.encode(0, GENESIS_BLOCK - 1, GENESIS - 1, 1);
        bytes32 parentHash = keccak256(parent);
        bytes memory first = HeaderLib.encode(parentHash, GENESIS_BLOCK, GENESIS, 1 << 100);
        vm.mockCall(HISTORY, abi.encode(GENESIS_BLOCK), abi.encode(keccak256(first)));
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosSeedOutOfOrder.selector, 0, 256));
        pos.tick(first, parent);
    }

    function test_RevertsWhen_TheBlockIsNotTheFirst() public {
        enter(4);
        (bytes memory first, bytes memory parent) = SystemLib.headersAt(
            GENESIS_BLOCK + 48,
            GENESIS + 49,
            SystemLib.randao(4)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotFirstBlock.selector, 4, GENESIS + 48)
        );
        pos.tick(first, parent);
    }

    function test_RevertsWhen_TheSecondHeaderIsNotTheParent() public {
        enter(4);
        (bytes memory first, bytes memory parent) = SystemLib.headers(4, SystemLib.randao(4));
        bytes memory other = HeaderLib.encode(0, GENESIS_BLOCK + 47, GENESIS + 40, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotParent.selector,
                keccak256(parent),
                keccak256(other)
            )
        );
        pos.tick(first, other);
    }

    function test_RevertsWhen_TheChainDoesNotKnowTheBlock() public {
        enter(4);
        (, bytes memory parent) = SystemLib.headers(4, SystemLib.randao(4));
        uint256 number = GENESIS_BLOCK + 48;
        // A header that differs only in the randomness.
        bytes memory forged = HeaderLib.encode(keccak256(parent), number, GENESIS + 48, 1 << 200);
        _expectUnknown(number, forged);
        pos.tick(forged, parent);

        // The current block's hash is not known yet.
        bytes memory now_ = HeaderLib.encode(0, number + 1, GENESIS + 49, 1 << 200);
        _expectUnknown(number + 1, now_);
        pos.tick(now_, parent);
    }

    function test_RevertsWhen_TheBlockIsOlderThanTheClock() public {
        enter(1);
        (bytes memory first, bytes memory parent) = SystemLib.headersAt(
            GENESIS_BLOCK - 1,
            GENESIS - 1,
            SystemLib.randao(1)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosBeforeGenesis.selector, GENESIS - 1)
        );
        pos.tick(first, parent);
    }

    function test_RevertsWhen_DeployedOverStakingOfAnotherRegistry() public {
        address other = address(0x0de4);
        vm.mockCall(other, abi.encodeWithSignature("genesis()"), abi.encode(1));
        vm.mockCall(other, abi.encodeWithSignature("epochSeconds()"), abi.encode(12));
        IStaking stranger = Artifacts.newStaking(
            address(token),
            other,
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosWiringMismatch.selector,
                address(registry),
                address(stranger)
            )
        );
        Artifacts.newProofOfService(address(registry), address(stranger), address(pool));
    }

    function _tickAs(address keeper, uint32 epoch) private {
        (bytes memory first, bytes memory parent) = SystemLib.headers(
            epoch,
            SystemLib.randao(epoch)
        );
        vm.prank(keeper);
        pos.tick(first, parent);
    }

    function _assertBudgets(uint32 epoch, uint256 providers, uint256 auditors) private view {
        (uint256 a, uint256 b, uint256 c, uint256 d) = budgetOf(epoch);
        vm.assertEq(a, providers, "providers' budget");
        vm.assertEq(b, providers, "providers' left");
        vm.assertEq(c, auditors, "auditors' budget");
        vm.assertEq(d, auditors, "auditors' left");
    }

    function _expectUnknown(uint256 number, bytes memory header) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosUnknownBlock.selector,
                number,
                keccak256(header)
            )
        );
    }
}
