// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {Round} from "../support/RoundKit.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

contract EnrolTest is Deployment {
    AuditorActor private _alice;
    address private _operator;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = new AuditorActor(system(), "alice");
        _operator = _alice.OPERATOR();
        _alice.stake(5_000e18);
    }

    function test_ATipIsUsableFromTheNextEpochButOne() public {
        enter(3);
        bytes32 tip = _alice.nextTip();
        vm.expectEmit(address(pos));
        emit IProofOfService.TipRegistered(address(_alice), _operator, tip, 5);
        _alice.enrol();
        _assertChain(0, 0, tip, 5);

        enter(4);
        _expectNotEnrolled(4);
        vm.prank(_operator);
        pos.commit(address(_alice), 4, keccak256("too early"));

        _round(5);
        _assertChain(_alice.secret(5), 5, 0, 0);
    }

    function test_TheTipItselfIsNeverASecret() public {
        _alice.enrol();
        bytes32 tip = _alice.lastTip();
        _round(2);

        vm.assertEq(keccak256(abi.encode(_alice.secret(2))), tip, "one step below the tip");
    }

    function test_ANewTipReplacesTheChainWithoutAGap() public {
        _alice.enrol();
        _round(2);
        // In epoch 3, after the reveal for 2: the new tip counts from 5 on.
        _alice.enrol();
        enterAndTick(3);
        _alice.commit(3, 3);
        enterAndTick(4);
        _alice.reveal(3);
        _alice.commit(4, 3);
        enterAndTick(5);
        // The old chain serves the reveal of the epoch before, though the new tip is usable now.
        _alice.reveal(4);
        _assertChain(_alice.secret(4), 4, _alice.lastTip(), 5);
        _alice.commit(5, 3);
        enterAndTick(6);
        _alice.reveal(5);
        _assertChain(_alice.secret(5), 5, 0, 0);
        _alice.commit(6, 3);
        enter(7);
        _alice.reveal(6);
    }

    function test_TheOldChainDoesNotServeOnceTheNewOneCounts() public {
        _alice.enrol();
        bytes32 old = _alice.secret(5);
        enter(3);
        _alice.enrol();
        _expectWrongSecret(5, old);
    }

    function test_AfterALongSilenceANewTipHelps() public {
        _alice.enrol();
        // 513 steps below the tip of epoch 1.
        _commitIn(514);
        enter(515);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(514, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosTooManySteps.selector, 513, 512));
        pos.reveal(chunk);

        _alice.enrol();
        _round(517);
    }

    function test_TheLastStepThatAFirstRevealMayTake() public {
        _alice.enrol();
        _round(513);
    }

    function test_SkippingEpochsKeepsThePlaceInTheChain() public {
        _alice.enrol();
        _round(2);
        _commitIn(40);
        enter(41);
        _alice.reveal(40);
        _assertChain(_alice.secret(40), 40, 0, 0);
    }

    function test_AnEarlierOrLaterElementIsNoSecretOfTheEpoch() public {
        _alice.enrol();
        _expectWrongSecret(40, _alice.secret(39));
        _expectWrongSecret(42, _alice.secret(43));
    }

    function test_TheOwnerNamesAnotherOperator() public {
        _alice.enrol();
        vm.expectEmit(address(pos));
        emit IProofOfService.OperatorSet(address(_alice), STRANGER);
        _alice.setOperator(STRANGER);

        enter(2);
        vm.prank(STRANGER);
        pos.commit(address(_alice), 2, keccak256("round"));
    }

    function test_RevertsWhen_ASecondTipIsPending() public {
        enter(3);
        _alice.enrol();
        _expectPending(5);
        _alice.enrol();
        // Still refused in the epoch in which it became usable: the old chain has one reveal left.
        enter(5);
        _expectPending(5);
        _alice.enrol();
        enter(6);
        _alice.enrol();
    }

    function test_RevertsWhen_TipOrOperatorIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosTipZero.selector));
        pos.enrol(0, STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosOperatorZero.selector));
        pos.enrol(keccak256("tip"), address(0));
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosOperatorZero.selector));
        pos.setOperator(address(0));
    }

    function test_RevertsWhen_SomeoneNotEnrolledNamesAnOperator() public {
        enter(3);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotEnrolled.selector, address(this), 3)
        );
        pos.setOperator(STRANGER);
    }

    function _commitIn(uint32 epoch) private {
        enterAndTick(epoch);
        _alice.commit(epoch, 3);
    }

    function _round(uint32 epoch) private {
        _commitIn(epoch);
        enter(epoch + 1);
        _alice.reveal(epoch);
    }

    function _expectWrongSecret(uint32 epoch, bytes32 wrong) private {
        enterAndTick(epoch);
        Round memory round = _alice.build(epoch, 3, wrong);
        _alice.commitRound(epoch, round);
        enter(epoch + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosSecretMismatch.selector,
                address(_alice),
                epoch
            )
        );
        pos.reveal(round.chunks[0]);
    }

    function _assertChain(
        bytes32 element,
        uint32 elementEpoch,
        bytes32 pendingTip,
        uint32 pendingSince
    ) private view {
        (, bytes32 a, uint32 b, bytes32 c, uint32 d) = pos.auditorOf(address(_alice));
        vm.assertEq(a, bytes32(bytes24(element)), "24 bytes of the element");
        vm.assertEq(b, elementEpoch, "its epoch");
        vm.assertEq(c, pendingTip, "pending tip");
        vm.assertEq(d, pendingSince, "usable from");
    }

    function _expectPending(uint32 since) private {
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosTipPending.selector, since));
    }

    function _expectNotEnrolled(uint32 epoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosNotEnrolled.selector, address(_alice), epoch)
        );
    }
}
