// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChainHead, ChainHeadLib} from "../libraries/ChainHead.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {EpochLedger} from "./EpochLedger.sol";
import {IProofOfService} from "./IProofOfService.sol";

/// @title AuditorRoster
/// @notice The part of `ProofOfService` for auditors: enrolment and lapse, operator keys, hash chains.
abstract contract AuditorRoster is EpochLedger {
    /// @notice Number of epochs with a seed that an auditor may miss before it can be lapsed.
    uint32 public constant LAPSE_EPOCHS = 24;

    struct Auditor {
        // slot 0
        address operator;
        // claimed pay that is not collected
        uint96 earned;
        // slot 1
        ChainHead head;
        // slot 2
        bytes32 pendingTip;
    }

    mapping(address auditor => Auditor) private _auditors;

    /// @inheritdoc IProofOfService
    function enrol(bytes32 tip, address operator) external {
        require(tip != bytes32(0), PosTipZero());
        require(operator != address(0), PosOperatorZero());
        Auditor storage auditor = _auditors[msg.sender];
        uint32 current = currentEpoch();
        // A tip that became usable in this epoch is still pending, because the old chain has one last reveal.
        ChainHead head = auditor.head;
        if (current != 0) head = _promote(auditor, head, current - 1);
        uint32 pending = head.pendingSince();
        require(pending == 0, PosTipPending(pending));

        uint32 since = _since();
        auditor.operator = operator;
        auditor.pendingTip = tip;
        auditor.head = head.withPending(since);
        emit TipRegistered(msg.sender, operator, tip, since);

        // The staking contract checks the stake and enrols the auditor.
        IStaking(staking).enrol(msg.sender);
    }

    /// @inheritdoc IProofOfService
    function setOperator(address operator) external {
        require(operator != address(0), PosOperatorZero());
        require(
            _auditors[msg.sender].operator != address(0),
            PosNotEnrolled(msg.sender, currentEpoch())
        );

        _auditors[msg.sender].operator = operator;
        emit OperatorSet(msg.sender, operator);
    }

    /// @inheritdoc IProofOfService
    function collect(address auditor) external returns (uint256 amount) {
        amount = _auditors[auditor].earned;
        require(amount != 0, PosNothingToCollect(auditor));

        _auditors[auditor].earned = 0;
        emit Collected(auditor, amount);

        // The pool makes no call back; the token has no hooks.
        IRewardPool(rewardPool).pay(auditor, amount);
    }

    /// @inheritdoc IProofOfService
    function lapse(address auditor) external {
        Auditor storage state = _auditors[auditor];
        uint32 lastSeen = state.head.epoch();
        uint32 pending = state.head.pendingSince();
        if (pending > lastSeen) lastSeen = pending;
        uint32 current = currentEpoch();
        // Counts the missed epochs from the newest seed back. If every seed was recorded in time, the loop takes at
        // most `LAPSE_EPOCHS + 2` steps, because the two newest epochs may still be audited or revealed. It never
        // takes more than `RING`.
        uint256 missed = 0;
        uint32 epoch = newestSeed;
        while (missed <= LAPSE_EPOCHS && epoch > lastSeen) {
            Epoch storage entry = _entry(epoch);
            // Epochs that the ring has overwritten do not count.
            if (entry.epoch != epoch) break;
            // An epoch whose seed was recorded after the time to reveal does not count.
            uint32 end = epoch + 2;
            if (end <= current && entry.recordedAt / epochSeconds < end) ++missed;
            epoch = entry.previous;
        }
        require(missed > LAPSE_EPOCHS, PosNotLapsable(auditor, lastSeen, missed));

        // The staking contract removes an enrolled auditor from the total.
        IStaking(staking).lapse(auditor);
    }

    /// @inheritdoc IProofOfService
    function auditorOf(
        address auditor
    )
        external
        view
        returns (
            address operator,
            bytes24 element,
            uint32 elementEpoch,
            bytes32 pendingTip,
            uint32 pendingSince
        )
    {
        Auditor storage state = _auditors[auditor];
        return (
            state.operator,
            state.head.element(),
            state.head.epoch(),
            state.pendingTip,
            state.head.pendingSince()
        );
    }

    /// @inheritdoc IProofOfService
    function earnedOf(address auditor) external view returns (uint256) {
        return _auditors[auditor].earned;
    }

    /// @dev Credits an auditor. The budgets of all epochs are far below 2^96.
    function _credit(address auditor, uint256 amount) internal {
        _auditors[auditor].earned += uint96(amount);
    }

    /// @dev Requires the operator and a usable hash chain.
    function _checkCommitter(address auditor, uint32 epoch) internal view {
        Auditor storage state = _auditors[auditor];
        address operator = state.operator;
        require(msg.sender == operator, PosNotOperator(auditor, msg.sender, operator));
        ChainHead head = state.head;
        require(head.epoch() != 0 || head.pendingSince() <= epoch, PosNotEnrolled(auditor, epoch));
    }

    /// @dev Checks the secret against the hash chain and moves the head to it.
    function _showSecret(address owner, uint32 epoch, bytes32 secret) internal {
        Auditor storage auditor = _auditors[owner];
        ChainHead head = _promote(auditor, auditor.head, epoch);
        uint32 from = head.epoch();
        require(from != 0 && from <= epoch, PosNotEnrolled(owner, epoch));
        uint256 steps = epoch - from;
        require(steps <= SortitionLib.MAX_STEPS, PosTooManySteps(steps, SortitionLib.MAX_STEPS));
        require(
            bytes24(SortitionLib.advance(secret, steps)) == head.element(),
            PosSecretMismatch(owner, epoch)
        );

        if (steps != 0) head = head.moved(secret, epoch);
        auditor.head = head;
    }

    /// @dev The head for reveals of `epoch` and later; a usable pending tip becomes the head.
    function _promote(
        Auditor storage auditor,
        ChainHead head,
        uint32 epoch
    ) private returns (ChainHead) {
        uint32 since = head.pendingSince();
        if (since == 0 || since > epoch) return head;
        head = ChainHeadLib.fresh(auditor.pendingTip, since - 1);
        auditor.pendingTip = 0;
        return head;
    }
}
