// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {ICashierTabs} from "../../contracts/cashier/ICashierTabs.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {CashierStage} from "../support/CashierStage.sol";

/// @notice A payer can insist on verified service: vouchers with a least grade.
contract CashierGradesTest is CashierStage {
    uint32 private constant EPOCH = 5;
    uint32 private constant RING_EPOCHS = 256;
    /// @dev No verdict with a quorum.
    uint8 private constant NONE = 9;

    function setUp() public override {
        super.setUp();
        open();
        next.epoch = EPOCH;
        next.minGrade = 2;
    }

    function test_AnAuditorsVerdictDecides() public {
        // Alone she has weight 7 in every shard, so her vote is the verdict.
        AuditorActor alice = newAuditor("alice", 5_000e18);
        _audit(alice, EPOCH - 1, 1);
        _audit(alice, EPOCH, 3);
        _audit(alice, EPOCH + 1, 2);
        enterAndTick(EPOCH + 3);
        (uint256 grade, bool known) = cashier.gradeOf(service, EPOCH);
        vm.assertTrue(known, "known");
        vm.assertEq(grade, 2, "the median");
        next.minGrade = 3;
        redeemFails(voucher(1e18), _refusal(ICashier.CashierGradeMissed.selector, 2, 3));
        next.minGrade = 2;
        vm.assertEq(redeem(voucher(1e18)), 1e18, "reached");
    }

    /// @dev All 125 cases of three epochs, against sorting.
    function test_TheMedianOfThreeTheHigherOfTwo() public {
        enter(EPOCH + 3);
        for (uint256 i = 0; i < 125; ++i) {
            uint8[3] memory verdicts;
            for (uint256 j = 0; j < 3; ++j) {
                uint8 digit = uint8((i / 5 ** j) % 5);
                verdicts[j] = digit == 4 ? NONE : digit;
                _verdict(EPOCH - 1 + uint32(j), verdicts[j]);
            }
            (uint256 expected, bool expectedKnown) = _plainly(verdicts);
            (uint256 grade, bool known) = cashier.gradeOf(service, EPOCH);
            vm.assertEq(known, expectedKnown, vm.toString(i));
            vm.assertEq(grade, expected, vm.toString(i));
        }
    }

    function test_ItIsDueFromTheThirdEpochAfterToTheEndOfTheRing() public {
        _verdicts(3, 3, 3);
        enter(EPOCH + 2);
        redeemFails(voucher(1e18), _refusal(ICashier.CashierNotDue.selector, EPOCH + 3, EPOCH + 2));
        enter(EPOCH + 3);
        redeem(voucher(1e18));
        enter(EPOCH + RING_EPOCHS - 1);
        redeem(voucher(2e18));
        enter(EPOCH + RING_EPOCHS);
        redeemFails(
            voucher(3e18),
            _refusal(
                ICashier.CashierVerdictGone.selector,
                EPOCH + RING_EPOCHS - 1,
                EPOCH + RING_EPOCHS
            )
        );
        // The highest epoch does not overflow.
        next.epoch = type(uint32).max;
        redeemFails(
            voucher(3e18),
            _refusal(
                ICashier.CashierNotDue.selector,
                uint256(type(uint32).max) + 3,
                EPOCH + RING_EPOCHS
            )
        );
    }

    function test_RevertsWhen_NothingVerifiesTheService() public {
        enter(EPOCH + 3);
        redeemFails(
            voucher(1e18),
            _refusal(ICashier.CashierNoVerdict.selector, uint256(service), EPOCH)
        );
        _verdicts(3, 3, 3);
        // It is active from epoch 2 on.
        for (uint32 epoch = 0; epoch < 2; ++epoch) {
            next.epoch = epoch;
            redeemFails(
                voucher(1e18),
                _refusal(ICashier.CashierServiceInactive.selector, uint256(service), epoch)
            );
        }
        next.epoch = EPOCH;
        next.minGrade = 4;
        redeemFails(voucher(1e18), _refusal(ICashier.CashierGradeUnknown.selector, 4, 3));
        next.minGrade = 3;
        vm.assertEq(redeem(voucher(1e18)), 1e18, "verified");
    }

    /// @dev A missed epoch is not paid with a later one: the next voucher's base is above it.
    function test_AMissedEpochStaysUnpaid() public {
        _verdicts(0, 0, 0);
        enter(EPOCH + 7);
        redeemFails(voucher(4e18), _refusal(ICashier.CashierGradeMissed.selector, 0, 2));
        for (uint32 epoch = EPOCH + 3; epoch <= EPOCH + 5; ++epoch) {
            _verdict(epoch, 3);
        }
        next.epoch = EPOCH + 4;
        next.base = 4e18;
        vm.assertEq(redeem(voucher(6e18)), 2e18, "the later epoch alone");
        vm.prank(COLLECTOR);
        cashier.closeAsCollector(payer, service, SALT);
        vm.assertEq(free(payer), ESCROW - 2e18, "the missed epoch's amount is back");
    }

    /// @dev One item's failing view does not fail the batch, nor is it taken for a verdict.
    function test_AFailingViewSkipsItsItemAlone() public {
        _verdicts(3, 3, 3);
        enter(EPOCH + 3);
        bytes memory call = abi.encodeCall(ISettlement.verdictOf, (number, EPOCH));
        vm.mockCallRevert(address(settlement), call, "broken");
        bytes memory refusal = _refusal(
            ICashier.CashierViewFailed.selector,
            uint256(service),
            EPOCH
        );
        redeemFails(voucher(1e18), refusal);
        ICashier.Redemption[] memory items = new ICashier.Redemption[](2);
        items[0] = voucher(1e18);
        next.minGrade = 0;
        items[1] = voucher(2e18);
        vm.expectEmit(address(cashier));
        emit ICashier.RedemptionSkipped(0, tab, refusal);
        vm.prank(COLLECTOR);
        vm.assertEq(cashier.redeemBatch(items), 2e18, "the other one");
        vm.clearMockedCalls();
        call = abi.encodeCall(IServiceRegistry.auditAt, (number, EPOCH));
        vm.mockCallRevert(address(registry), call, "broken");
        next.minGrade = 2;
        redeemFails(voucher(3e18), refusal);
    }

    /// @dev Too little gas for the views must not look like a failing view.
    function test_RevertsWhen_TheViewsHaveTooLittleGas() public {
        enter(EPOCH + 3);
        ICashier.Redemption[] memory items = new ICashier.Redemption[](1);
        items[0] = voucher(1e18);
        vm.prank(COLLECTOR);
        try cashier.redeemBatch{gas: 90_000}(items) {
            vm.assertTrue(false, "must revert");
        } catch (bytes memory reason) {
            vm.assertEq(
                bytes32(bytes4(reason)),
                bytes32(ICashierTabs.CashierGas.selector),
                "says what is missing"
            );
        }
    }

    /// @dev The batch remembers one grade; another epoch or service must not get it.
    function test_ABatchReadsEachEpochsGrade() public {
        for (uint32 epoch = EPOCH - 1; epoch <= EPOCH + 6; ++epoch) {
            _verdict(epoch, epoch > EPOCH + 2 ? 1 : 3);
        }
        enter(EPOCH + 10);
        ICashier.Redemption[] memory items = new ICashier.Redemption[](3);
        items[0] = voucher(1e18);
        next.epoch = EPOCH + 5;
        items[1] = voucher(2e18);
        next.epoch = EPOCH;
        items[2] = voucher(3e18);
        vm.expectEmit(address(cashier));
        emit ICashier.RedemptionSkipped(
            1,
            tab,
            _refusal(ICashier.CashierGradeMissed.selector, 1, 2)
        );
        vm.prank(COLLECTOR);
        vm.assertEq(cashier.redeemBatch(items), 3e18, "the two of the good epoch");
    }

    function _audit(AuditorActor auditor, uint32 epoch, uint256 grade) private {
        enterAndTick(epoch);
        auditor.commit(epoch, grade);
        enterAndTick(epoch + 1);
        auditor.reveal(epoch);
    }

    function _verdicts(uint8 a, uint8 b, uint8 c) private {
        _verdict(EPOCH - 1, a);
        _verdict(EPOCH, b);
        _verdict(EPOCH + 1, c);
    }

    function _verdict(uint32 epoch, uint8 grade) private {
        vm.mockCall(
            address(settlement),
            abi.encodeCall(ISettlement.verdictOf, (number, epoch)),
            grade == NONE ? abi.encode(0, false) : abi.encode(grade, true)
        );
    }

    function _plainly(uint8[3] memory v) private pure returns (uint256 grade, bool known) {
        uint8[] memory sorted = new uint8[](3);
        uint256 count = 0;
        for (uint8 grade_ = 0; grade_ < 4; ++grade_) {
            for (uint256 i = 0; i < 3; ++i) {
                if (v[i] == grade_) sorted[count++] = grade_;
            }
        }
        if (count == 0) return (0, false);
        return (sorted[count == 1 ? 0 : 1], true);
    }

    function _refusal(bytes4 selector, uint256 a, uint256 b) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, tab, a, b);
    }
}
