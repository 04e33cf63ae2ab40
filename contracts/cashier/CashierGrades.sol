// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RING} from "../libraries/Epochs.sol";
import {ServiceId, ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {Slot} from "../libraries/Slot.sol";
import {ISettlement} from "../proof-of-service/ISettlement.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {CashierTabs} from "./CashierTabs.sol";
import {ICashier} from "./ICashier.sol";

/// @title CashierGrades
/// @notice The grades of `ICashier`: reads verdicts, and judges a voucher's `minGrade` by them.
/// @dev Every view is tried, with bounded gas, so that one item cannot fail a batch.
abstract contract CashierGrades is CashierTabs, EpochClock, ICashier {
    using ServiceIdLib for ServiceId;

    /// @notice Highest grade.
    uint256 public constant HIGHEST_GRADE = 3;
    /// @notice A graded voucher is due from this number of epochs after its own.
    uint256 public constant DUE_AFTER = 3;
    /// @notice Gas for one view of registry or settlement; the longest search needs about 65,000.
    uint256 public constant VIEW_GAS = 100_000;

    /// @dev The newest grade of a batch: neighbours often have the same service and epoch, so it is read once for them.
    struct Grade {
        bool isRead;
        bytes32 service;
        uint32 epoch;
        // 0 if there is a grade
        bytes4 refusal;
        uint256 grade;
    }

    /// @inheritdoc ICashier
    address public immutable settlement;

    /// @notice Sets the value that never changes.
    /// @param settlement_ Gives the verdicts.
    constructor(address settlement_) {
        settlement = settlement_;
        // A payer that announces to close must not void graded vouchers: those of the current epoch become due within
        // `DUE_AFTER` epochs, and one more is left to redeem them.
        uint256 longest = NOTICE / (DUE_AFTER + 1);
        require(epochSeconds <= longest, CashierEpochTooLong(epochSeconds, longest));
    }

    /// @inheritdoc ICashier
    function gradeOf(
        bytes32 service,
        uint32 epoch
    ) external view returns (uint256 grade, bool known) {
        Grade memory found;
        (bytes4 refusal, , ) = _refusalByGrade(service, epoch, 0, found);
        return (found.grade, refusal == 0);
    }

    /// @dev Why a graded voucher is not payable. Selector and last two parameters of the error; 0 if it is payable.
    function _refusalByGrade(
        bytes32 service,
        uint32 epoch,
        uint256 minGrade,
        Grade memory found
    ) internal view returns (bytes4 refusal, uint256 a, uint256 b) {
        if (minGrade > HIGHEST_GRADE) {
            return (CashierGradeUnknown.selector, minGrade, HIGHEST_GRADE);
        }
        uint256 current = currentEpoch();
        uint256 due = uint256(epoch) + DUE_AFTER;
        if (current < due) return (CashierNotDue.selector, due, current);
        // The verdict of `epoch - 1` is overwritten by the reveals of one ring later, which begin in the epoch after
        // `last`. So waiting never removes one of the three.
        uint256 last = uint256(epoch) + RING - 1;
        if (current > last) return (CashierVerdictGone.selector, last, current);

        if (!found.isRead || found.epoch != epoch || found.service != service) {
            _read(found, service, epoch);
        }
        if (found.refusal != 0) return (found.refusal, uint256(service), epoch);
        if (found.grade < minGrade) return (CashierGradeMissed.selector, found.grade, minGrade);
        return (0, 0, 0);
    }

    /// @dev Reads the grade that counts for an epoch.
    function _read(Grade memory found, bytes32 service, uint32 epoch) private view {
        uint64 number = ServiceId.wrap(service).prefix();
        (found.isRead, found.service, found.epoch, found.grade) = (true, service, epoch, 0);
        (bool ok, bool active) = _isActive(number, epoch);
        if (!ok || !active) {
            found.refusal = ok ? CashierServiceInactive.selector : CashierViewFailed.selector;
            return;
        }
        uint256[3] memory grades;
        uint256 count;
        // A service is active from epoch 2 on, so `epoch - 1` exists.
        for (uint32 i = epoch - 1; i <= epoch + 1; ++i) {
            uint256 grade;
            bool quorate;
            (ok, grade, quorate) = _verdict(number, i);
            if (!ok) {
                found.refusal = CashierViewFailed.selector;
                return;
            }
            if (quorate) grades[count++] = grade;
        }
        found.refusal = count == 0 ? CashierNoVerdict.selector : bytes4(0);
        found.grade = _middle(grades, count);
    }

    function _isActive(uint64 number, uint32 epoch) private view returns (bool ok, bool active) {
        _needGas(VIEW_GAS);
        try IServiceRegistry(registry).auditAt{gas: VIEW_GAS}(number, epoch) returns (
            Slot,
            bool active_,
            address
        ) {
            return (true, active_);
        } catch {
            return (false, false);
        }
    }

    function _verdict(
        uint64 number,
        uint32 epoch
    ) private view returns (bool ok, uint256 grade, bool quorate) {
        _needGas(VIEW_GAS);
        try ISettlement(settlement).verdictOf{gas: VIEW_GAS}(number, epoch) returns (
            uint8 grade_,
            bool quorate_
        ) {
            return (true, grade_, quorate_);
        } catch {
            return (false, 0, false);
        }
    }

    /// @dev The median of three; of two the higher, in the provider's favour; 0 of none.
    function _middle(uint256[3] memory grades, uint256 count) private pure returns (uint256) {
        (uint256 a, uint256 b, uint256 c) = (grades[0], grades[1], grades[2]);
        if (count == 3) {
            // The higher of the two lower ones.
            (a, b) = a < b ? (a, b) : (b, a);
            if (c < b) b = c;
        }
        return a > b ? a : b;
    }
}
