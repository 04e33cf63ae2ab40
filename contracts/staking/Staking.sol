// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {ScheduledTotal} from "../libraries/ScheduledTotal.sol";
import {UnbondingLib} from "../libraries/UnbondingLib.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "./IStaking.sol";

/// @title Staking
/// @notice See {IStaking}. Holders of privilege: the deployer may call {wire} once; the registry opens
/// services; `ProofOfService` enrols. Nobody can move a staker's BLOC but the staker.
/// @dev BLOC is our own ERC-20 without hooks: no foreign code runs in a transfer. The only other calls
/// go to the registry, which calls back nothing but views.
contract Staking is EpochClock, IStaking {
    using EpochTrace for EpochTrace.Trace;
    using ScheduledTotal for ScheduledTotal.Total;
    using UnbondingLib for UnbondingLib.Queue;
    using SafeERC20 for IERC20;

    uint256 private constant MIN_UNBONDING_EPOCHS = 10;

    address private immutable DEPLOYER;
    IERC20 private immutable TOKEN;
    /// @inheritdoc IStaking
    address public immutable registry;
    /// @inheritdoc IStaking
    uint64 public immutable unbondingSeconds;
    /// @inheritdoc IStaking
    uint96 public immutable minimumAuditorStake;

    /// @inheritdoc IStaking
    address public proofOfService;
    /// @dev `services (64) << 96 | stake (96)`, active services only.
    EpochTrace.Trace private _active;
    ScheduledTotal.Total private _enrolled;
    mapping(uint64 number => EpochTrace.Trace) private _serviceStakes;
    mapping(uint64 number => address) private _stakers;
    mapping(uint64 number => UnbondingLib.Queue) private _serviceUnbonding;
    /// @dev `enrolledSince (32) << 96 | stake (96)`.
    mapping(address auditor => EpochTrace.Trace) private _auditorStakes;
    mapping(address auditor => UnbondingLib.Queue) private _auditorUnbonding;

    /// @notice Sets what never changes afterwards.
    /// @param token BLOC.
    /// @param registry_ The registry, whose clock is taken over.
    /// @param unbondingSeconds_ How long stake stays after it was taken out; at least 10 epochs.
    /// @param minimumAuditorStake_ The least stake of an auditor, BLOC in wei.
    constructor(
        address token,
        address registry_,
        uint64 unbondingSeconds_,
        uint96 minimumAuditorStake_
    )
        EpochClock(
            IServiceRegistry(registry_).genesis(),
            IServiceRegistry(registry_).epochSeconds()
        )
    {
        uint256 minimum = MIN_UNBONDING_EPOCHS * epochSeconds;
        require(unbondingSeconds_ >= minimum, StakingUnbondingTooShort(unbondingSeconds_, minimum));
        DEPLOYER = msg.sender;
        TOKEN = IERC20(token);
        registry = registry_;
        unbondingSeconds = unbondingSeconds_;
        minimumAuditorStake = minimumAuditorStake_;
    }

    /// @inheritdoc IStaking
    function wire(address proofOfService_) external {
        require(msg.sender == DEPLOYER, StakingNotDeployer(msg.sender));
        require(proofOfService == address(0), StakingAlreadyWired(proofOfService));
        require(
            IProofOfService(proofOfService_).staking() == address(this),
            StakingWiringMismatch(proofOfService_)
        );

        proofOfService = proofOfService_;
        emit Wired(proofOfService_);
    }

    /// @inheritdoc IStaking
    function openService(uint64 number, address staker, uint96 stake, uint96 fee) external {
        require(msg.sender == registry, StakingNotRegistry(msg.sender));

        _stakers[number] = staker;
        if (stake != 0) _setServiceStake(number, 0, stake);

        uint256 amount = uint256(stake) + fee;
        if (amount != 0) TOKEN.safeTransferFrom(staker, address(this), amount);
        if (fee != 0) ERC20Burnable(address(TOKEN)).burn(fee);
    }

    /// @inheritdoc IStaking
    function stakeService(uint64 number, uint96 amount) external {
        _checkStaker(number);
        require(amount != 0, StakingAmountZero());

        uint96 stake = uint96(_serviceStakes[number].latest());
        _setServiceStake(number, stake, SafeCast.toUint96(uint256(stake) + amount));

        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstakeService(uint64 number, uint96 amount) external {
        _checkStaker(number);
        require(amount != 0, StakingAmountZero());
        uint96 stake = uint96(_serviceStakes[number].latest());
        require(amount <= stake, StakingInsufficient(amount, stake));

        _setServiceStake(number, stake, stake - amount);
        _startUnbonding(_serviceUnbonding[number], amount);
    }

    /// @inheritdoc IStaking
    function withdrawService(uint64 number) external {
        _withdraw(_serviceUnbonding[number]);
    }

    /// @inheritdoc IStaking
    function stakeAuditor(uint96 amount) external {
        require(amount != 0, StakingAmountZero());
        (uint96 stake, ) = auditorStake(msg.sender);
        _setAuditorStake(stake, SafeCast.toUint96(uint256(stake) + amount));

        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstakeAuditor(uint96 amount) external {
        require(amount != 0, StakingAmountZero());
        (uint96 stake, ) = auditorStake(msg.sender);
        require(amount <= stake, StakingInsufficient(amount, stake));

        _setAuditorStake(stake, stake - amount);
        _startUnbonding(_auditorUnbonding[msg.sender], amount);
    }

    /// @inheritdoc IStaking
    function withdrawAuditor(address auditor) external {
        _withdraw(_auditorUnbonding[auditor]);
    }

    /// @inheritdoc IStaking
    function enrol(address auditor, uint32 since) external {
        require(msg.sender == proofOfService, StakingNotProofOfService(msg.sender));
        (uint96 stake, uint32 enrolledSince) = auditorStake(auditor);
        require(
            stake != 0 && stake >= minimumAuditorStake,
            StakingBelowMinimum(stake, minimumAuditorStake)
        );
        if (enrolledSince != 0) return;

        uint32 current = currentEpoch();
        _auditorStakes[auditor].set(current + 1, _packAuditor(stake, since));
        _enrolled.change(current, since, stake, 0);
        emit AuditorEnrolled(auditor, since);
    }

    /// @inheritdoc IStaking
    function serviceStakeAt(uint64 number, uint32 epoch) external view returns (uint96) {
        return uint96(_serviceStakes[number].valueAt(epoch));
    }

    /// @inheritdoc IStaking
    function stakerOf(uint64 number) external view returns (address) {
        return _stakers[number];
    }

    /// @inheritdoc IStaking
    function activeAt(uint32 epoch) external view returns (uint96 stake, uint64 services) {
        uint192 word = _active.valueAt(epoch);
        return (uint96(word), uint64(word >> 96));
    }

    /// @inheritdoc IStaking
    function auditorStakeAt(
        address auditor,
        uint32 epoch
    ) external view returns (uint96 stake, uint96 total) {
        uint192 word = _auditorStakes[auditor].valueAt(epoch);
        uint32 enrolledSince = uint32(word >> 96);
        if (enrolledSince != 0 && enrolledSince <= epoch) stake = uint96(word);
        total = uint96(_enrolled.valueAt(epoch));
    }

    /// @inheritdoc IStaking
    function serviceUnbonding(uint64 number) external view returns (UnbondingLib.Entry[] memory) {
        return _serviceUnbonding[number].list();
    }

    /// @inheritdoc IStaking
    function auditorUnbonding(address auditor) external view returns (UnbondingLib.Entry[] memory) {
        return _auditorUnbonding[auditor].list();
    }

    /// @inheritdoc IStaking
    function auditorStake(
        address auditor
    ) public view returns (uint96 stake, uint32 enrolledSince) {
        uint192 word = _auditorStakes[auditor].latest();
        return (uint96(word), uint32(word >> 96));
    }

    function _checkStaker(uint64 number) private view {
        address staker = _stakers[number];
        require(msg.sender == staker, StakingNotStaker(number, msg.sender, staker));
    }

    /// @dev The registry decides whether the service is active; the totals follow.
    function _setServiceStake(uint64 number, uint96 before, uint96 stake) private {
        uint32 since = currentEpoch() + 1;
        _serviceStakes[number].set(since, stake);
        (bool wasActive, bool isActive) = IServiceRegistry(registry).syncStake(number, stake);

        uint192 word = _active.latest();
        uint96 total = uint96(word) - (wasActive ? before : 0) + (isActive ? stake : 0);
        uint64 services = uint64(word >> 96) - (wasActive ? 1 : 0) + (isActive ? 1 : 0);
        _active.set(since, (uint192(services) << 96) | total);
        emit ServiceStakeChanged(number, since, stake);
    }

    /// @dev Stake of an auditor that is enrolled but does not count yet joins the total with it.
    function _setAuditorStake(uint96 before, uint96 stake) private {
        require(
            stake == 0 || stake >= minimumAuditorStake,
            StakingBelowMinimum(stake, minimumAuditorStake)
        );
        uint32 current = currentEpoch();
        EpochTrace.Trace storage trace = _auditorStakes[msg.sender];
        uint32 enrolledSince = uint32(trace.latest() >> 96);
        trace.set(current + 1, _packAuditor(stake, enrolledSince));
        if (enrolledSince != 0) {
            uint32 since = enrolledSince > current + 1 ? enrolledSince : current + 1;
            _enrolled.change(current, since, stake, before);
        }
        emit AuditorStakeChanged(msg.sender, current + 1, stake);
    }

    function _startUnbonding(UnbondingLib.Queue storage queue, uint96 amount) private {
        uint64 releaseAt = uint64(block.timestamp) + unbondingSeconds;
        queue.push(amount, releaseAt, msg.sender);
        emit UnbondingStarted(msg.sender, amount, releaseAt);
    }

    function _withdraw(UnbondingLib.Queue storage queue) private {
        (uint96 amount, address beneficiary) = queue.pop(block.timestamp);
        require(amount != 0, StakingNothingToWithdraw());
        while (amount != 0) {
            emit Withdrawn(beneficiary, amount);
            TOKEN.safeTransfer(beneficiary, amount);
            (amount, beneficiary) = queue.pop(block.timestamp);
        }
    }

    function _packAuditor(uint96 stake, uint32 enrolledSince) private pure returns (uint192) {
        return (uint192(enrolledSince) << 96) | stake;
    }
}
