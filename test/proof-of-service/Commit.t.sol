// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

contract CommitTest is Deployment {
    bytes32 private constant COMMITMENT = keccak256("a round");

    AuditorActor private _alice;
    address private _operator;

    function setUp() public override {
        super.setUp();
        _alice = newAuditor("alice", 5_000e18);
        _operator = _alice.OPERATOR();
    }

    function test_TheOperatorCommitsForTheCurrentEpoch() public {
        enter(2);
        vm.expectEmit(address(pos));
        emit IProofOfService.Committed(address(_alice), 2);
        _commit(2);

        (bool committed, uint8 revealed, uint64 claimed) = pos.roundOf(address(_alice), 2);
        vm.assertTrue(committed, "committed");
        vm.assertEq(uint256(revealed) + claimed, 0, "nothing else");
        (committed, , ) = pos.roundOf(address(_alice), 2 + 256);
        vm.assertFalse(committed, "not for the epoch that shares the entry");
    }

    function test_EachEpochTakesACommitment() public {
        for (uint32 epoch = 2; epoch < 5; ++epoch) {
            enter(epoch);
            _commit(epoch);
        }
        // Epoch 258 reuses the entry of epoch 2.
        enter(258);
        _commit(258);
        (bool committed, , ) = pos.roundOf(address(_alice), 2);
        vm.assertFalse(committed, "epoch 2 is forgotten");
        (committed, , ) = pos.roundOf(address(_alice), 258);
        vm.assertTrue(committed, "epoch 258");
    }

    function test_RevertsWhen_CommittedTwice() public {
        enter(2);
        _commit(2);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosAlreadyCommitted.selector, address(_alice), 2)
        );
        _commit(2);
    }

    function test_RevertsWhen_AnotherThanTheOperatorCommits() public {
        enter(2);
        // Not even the owner, because the keys have different duties.
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotOperator.selector,
                address(_alice),
                address(_alice),
                _operator
            )
        );
        vm.prank(address(_alice));
        pos.commit(address(_alice), 2, COMMITMENT);

        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotOperator.selector,
                STRANGER,
                STRANGER,
                address(0)
            )
        );
        vm.prank(STRANGER);
        pos.commit(STRANGER, 2, COMMITMENT);
    }

    function test_RevertsWhen_TheTipIsNotUsableYet() public {
        enter(1);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotEnrolled.selector, address(_alice), 1)
        );
        _commit(1);
    }

    function test_RevertsWhen_TheTransactionComesTooLate() public {
        enter(3);
        // As a commitment to epoch 3 it would block the round of epoch 3 and could never be revealed.
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotCommitEpoch.selector, 2, 3));
        vm.prank(_operator);
        pos.commit(address(_alice), 2, COMMITMENT);
    }

    function _commit(uint32 epoch) private {
        vm.prank(_operator);
        pos.commit(address(_alice), epoch, COMMITMENT);
    }
}
