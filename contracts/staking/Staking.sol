// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IChallengeBook} from "../challenges/IChallengeBook.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {ScheduledTotal} from "../libraries/ScheduledTotal.sol";
import {UnbondingLib} from "../libraries/UnbondingLib.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "./IStaking.sol";

/// @title Staking
/// @notice See {IStaking}. Holders of privilege: the deployer may call {wire} once; the registry opens
/// services, reports whether they are active, and releases their stake when they are transferred or
/// retired; `ProofOfService` enrols, lapses and slashes auditors; `ChallengeBook` slashes services. All of
/// them act by their rules alone. Otherwise nobody can move a staker's BLOC but the staker.
/// @dev BLOC is our own ERC-20 without hooks: no foreign code runs in a transfer. The only other calls
/// go to the registry, which calls nothing back.
contract Staking is EpochClock, IStaking {
    using EpochTrace for EpochTrace.Trace;
    using ScheduledTotal for ScheduledTotal.Total;
    using UnbondingLib for UnbondingLib.Queue;
    using SafeERC20 for IERC20;

    uint256 private constant MIN_UNBONDING_EPOCHS = 10;

    struct Staker {
        // slot 0: whose stake a service's is from `since` on
        address current;
        uint32 since;
        // slot 1: whose it was in the epoch before `since`; not written while one staker stays
        address previous;
    }

    address private immutable DEPLOYER;
    /// @inheritdoc IStaking
    address public immutable token;
    /// @inheritdoc IStaking
    address public immutable registry;
    /// @inheritdoc IStaking
    uint64 public immutable unbondingSeconds;
    /// @inheritdoc IStaking
    uint96 public immutable minimumAuditorStake;

    /// @inheritdoc IStaking
    address public proofOfService;
    /// @inheritdoc IStaking
    address public challengeBook;
    /// @dev `services (64) << 96 | stake (96)`, active services only.
    EpochTrace.Trace private _active;
    ScheduledTotal.Total private _enrolled;
    mapping(uint64 number => EpochTrace.Trace) private _serviceStakes;
    mapping(uint64 number => Staker) private _stakers;
    mapping(uint64 number => mapping(address staker => UnbondingLib.Queue))
        private _serviceUnbonding;
    /// @dev `enrolledSince (32) << 96 | stake (96)`.
    mapping(address auditor => EpochTrace.Trace) private _auditorStakes;
    mapping(address auditor => UnbondingLib.Queue) private _auditorUnbonding;

    modifier onlyRegistry() {
        require(msg.sender == registry, StakingNotRegistry(msg.sender));
        _;
    }

    modifier onlyProofOfService() {
        require(msg.sender == proofOfService, StakingNotProofOfService(msg.sender));
        _;
    }

    /// @notice Sets what never changes afterwards.
    /// @param token_ BLOC.
    /// @param registry_ The registry, whose clock is taken over.
    /// @param unbondingSeconds_ How long stake stays after it was taken out; at least 10 epochs.
    /// @param minimumAuditorStake_ The least stake of an auditor, BLOC in wei.
    constructor(
        address token_,
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
        token = token_;
        registry = registry_;
        unbondingSeconds = unbondingSeconds_;
        minimumAuditorStake = minimumAuditorStake_;
    }

    /// @inheritdoc IStaking
    function wire(address proofOfService_, address challengeBook_) external {
        require(msg.sender == DEPLOYER, StakingNotDeployer(msg.sender));
        require(proofOfService == address(0), StakingAlreadyWired(proofOfService));
        require(
            IProofOfService(proofOfService_).staking() == address(this),
            StakingWiringMismatch(proofOfService_)
        );
        IChallengeBook book = IChallengeBook(challengeBook_);
        require(
            book.staking() == address(this) && book.proofOfService() == proofOfService_,
            StakingWiringMismatch(challengeBook_)
        );

        proofOfService = proofOfService_;
        challengeBook = challengeBook_;
        emit Wired(proofOfService_, challengeBook_);
    }

    /// @inheritdoc IStaking
    function openService(
        uint64 number,
        address staker,
        uint96 stake,
        uint96 fee
    ) external onlyRegistry {
        _stakers[number].current = staker;
        _stakers[number].since = currentEpoch() + 1;
        if (stake != 0) _setServiceStake(number, 0, stake);

        uint256 amount = uint256(stake) + fee;
        if (amount != 0) IERC20(token).safeTransferFrom(staker, address(this), amount);
        if (fee != 0) ERC20Burnable(token).burn(fee);
    }

    /// @inheritdoc IStaking
    function releaseService(uint64 number) external onlyRegistry {
        Staker storage entry = _stakers[number];
        address staker = entry.current;
        if (staker == address(0)) return;

        uint32 current = currentEpoch();
        // Stake of this epoch can still be slashed: who staked it must be known until the epoch is over.
        if (entry.since <= current) entry.previous = staker;
        entry.current = address(0);
        entry.since = current + 1;
        uint96 stake = uint96(_serviceStakes[number].latest());
        if (stake == 0) return;
        _setServiceStake(number, stake, 0);
        _startUnbonding(_serviceUnbonding[number][staker], staker, stake);
    }

    /// @inheritdoc IStaking
    function syncActivity(uint64 number, bool isActive) external onlyRegistry {
        uint96 stake = uint96(_serviceStakes[number].latest());
        if (isActive) _changeActive(0, stake, 0, 1);
        else _changeActive(stake, 0, 1, 0);
    }

    /// @inheritdoc IStaking
    function stakeService(uint64 number, uint96 amount) external {
        require(amount != 0, StakingAmountZero());
        Staker storage entry = _stakers[number];
        address staker = entry.current;
        if (staker == address(0)) {
            // Transferred or retired: who owns it now may stake anew, unless it is gone for ever.
            require(
                IServiceRegistry(registry).statusNow(number) != IServiceRegistry.Status.Retired,
                StakingServiceRetired(number)
            );
            staker = IERC721(registry).ownerOf(number);
            uint32 current = currentEpoch();
            // The old staker's epochs are over, unless the release was in this one.
            if (entry.since <= current) entry.previous = address(0);
            entry.current = staker;
            entry.since = current + 1;
        }
        require(msg.sender == staker, StakingNotStaker(number, msg.sender, staker));

        uint96 stake = uint96(_serviceStakes[number].latest());
        _setServiceStake(number, stake, SafeCast.toUint96(uint256(stake) + amount));

        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstakeService(uint64 number, uint96 amount) external {
        address staker = _stakers[number].current;
        require(msg.sender == staker, StakingNotStaker(number, msg.sender, staker));
        require(amount != 0, StakingAmountZero());
        uint96 stake = uint96(_serviceStakes[number].latest());
        require(amount <= stake, StakingInsufficient(amount, stake));

        _setServiceStake(number, stake, stake - amount);
        _startUnbonding(_serviceUnbonding[number][staker], staker, amount);
    }

    /// @inheritdoc IStaking
    function withdrawService(uint64 number, address staker) external {
        _withdraw(_serviceUnbonding[number][staker], staker);
    }

    /// @inheritdoc IStaking
    function slashService(
        uint64 number,
        address staker,
        uint96 amount,
        address prover
    ) external returns (uint96 slashed) {
        require(msg.sender == challengeBook, StakingNotChallengeBook(msg.sender));

        uint96 stake = uint96(_serviceStakes[number].latest());
        if (_stakers[number].current == staker) {
            slashed = amount < stake ? amount : stake;
            if (slashed != 0) _setServiceStake(number, stake, stake - slashed);
        }
        slashed += _serviceUnbonding[number][staker].cut(amount - slashed);
        emit ServiceSlashed(number, staker, slashed, prover);
        _share(slashed, prover);
    }

    /// @inheritdoc IStaking
    function stakeAuditor(uint96 amount) external {
        require(amount != 0, StakingAmountZero());
        (uint96 stake, ) = auditorStake(msg.sender);
        _setAuditorStake(msg.sender, stake, _leastStake(uint256(stake) + amount));

        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstakeAuditor(uint96 amount) external {
        require(amount != 0, StakingAmountZero());
        (uint96 stake, ) = auditorStake(msg.sender);
        require(amount <= stake, StakingInsufficient(amount, stake));

        _setAuditorStake(msg.sender, stake, _leastStake(stake - amount));
        _startUnbonding(_auditorUnbonding[msg.sender], msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function withdrawAuditor(address auditor) external {
        _withdraw(_auditorUnbonding[auditor], auditor);
    }

    /// @inheritdoc IStaking
    function enrol(address auditor, uint32 since) external onlyProofOfService {
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
    function lapse(address auditor) external onlyProofOfService {
        (uint96 stake, uint32 enrolledSince) = auditorStake(auditor);
        uint32 current = currentEpoch();
        require(
            enrolledSince != 0 && enrolledSince <= current,
            StakingNotEnrolled(auditor, enrolledSince)
        );

        _auditorStakes[auditor].set(current + 1, _packAuditor(stake, 0));
        _enrolled.change(current, current + 1, 0, stake);
        emit AuditorLapsed(auditor, current + 1);
    }

    /// @inheritdoc IStaking
    function slashAuditor(
        address auditor,
        uint96 amount,
        address prover
    ) external onlyProofOfService returns (uint96 slashed) {
        (uint96 stake, ) = auditorStake(auditor);
        slashed = amount < stake ? amount : stake;
        if (slashed != 0) _setAuditorStake(auditor, stake, stake - slashed);
        slashed += _auditorUnbonding[auditor].cut(amount - slashed);
        emit AuditorSlashed(auditor, slashed, prover);
        _share(slashed, prover);
    }

    /// @inheritdoc IStaking
    function serviceStakeAt(uint64 number, uint32 epoch) external view returns (uint96) {
        return uint96(_serviceStakes[number].valueAt(epoch));
    }

    /// @inheritdoc IStaking
    function stakerOf(uint64 number) external view returns (address) {
        return _stakers[number].current;
    }

    /// @inheritdoc IStaking
    function stakerAt(uint64 number, uint32 epoch) external view returns (address) {
        Staker storage entry = _stakers[number];
        return epoch >= entry.since ? entry.current : entry.previous;
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
    function serviceUnbonding(
        uint64 number,
        address staker
    ) external view returns (UnbondingLib.Entry[] memory) {
        return _serviceUnbonding[number][staker].list();
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

    /// @dev The registry decides whether the service is active; the totals follow.
    function _setServiceStake(uint64 number, uint96 before, uint96 stake) private {
        uint32 since = currentEpoch() + 1;
        _serviceStakes[number].set(since, stake);
        emit ServiceStakeChanged(number, since, stake);
        (bool wasActive, bool isActive) = IServiceRegistry(registry).syncStake(number, stake);
        _changeActive(
            wasActive ? before : 0,
            isActive ? stake : 0,
            wasActive ? 1 : 0,
            isActive ? 1 : 0
        );
    }

    /// @dev Changes the totals of active services from the next epoch on.
    function _changeActive(
        uint96 stakeBefore,
        uint96 stake,
        uint64 servicesBefore,
        uint64 services
    ) private {
        uint192 word = _active.latest();
        uint96 total = uint96(word) - stakeBefore + stake;
        uint64 count = uint64(word >> 96) - servicesBefore + services;
        _active.set(currentEpoch() + 1, (uint192(count) << 96) | total);
    }

    /// @dev Stake of an auditor that is enrolled but does not count yet joins the total with it.
    function _setAuditorStake(address auditor, uint96 before, uint96 stake) private {
        uint32 current = currentEpoch();
        EpochTrace.Trace storage trace = _auditorStakes[auditor];
        uint32 enrolledSince = uint32(trace.latest() >> 96);
        trace.set(current + 1, _packAuditor(stake, enrolledSince));
        if (enrolledSince != 0) {
            uint32 since = enrolledSince > current + 1 ? enrolledSince : current + 1;
            _enrolled.change(current, since, stake, before);
        }
        emit AuditorStakeChanged(auditor, current + 1, stake);
    }

    function _startUnbonding(
        UnbondingLib.Queue storage queue,
        address staker,
        uint96 amount
    ) private {
        uint64 releaseAt = uint64(block.timestamp) + unbondingSeconds;
        queue.push(amount, releaseAt);
        emit UnbondingStarted(staker, amount, releaseAt);
    }

    function _withdraw(UnbondingLib.Queue storage queue, address staker) private {
        uint96 amount = queue.popMatured(block.timestamp);
        require(amount != 0, StakingNothingToWithdraw());

        emit Withdrawn(staker, amount);
        IERC20(token).safeTransfer(staker, amount);
    }

    /// @dev Half of what was slashed, rounded down, to whoever proved it; the rest is burned.
    function _share(uint96 slashed, address prover) private {
        uint96 reward = slashed / 2;
        if (slashed != reward) ERC20Burnable(token).burn(slashed - reward);
        if (reward != 0) IERC20(token).safeTransfer(prover, reward);
    }

    /// @dev What an auditor chooses to have at stake must be nothing or at least the minimum.
    function _leastStake(uint256 stake) private view returns (uint96) {
        uint96 amount = SafeCast.toUint96(stake);
        require(
            amount == 0 || amount >= minimumAuditorStake,
            StakingBelowMinimum(amount, minimumAuditorStake)
        );
        return amount;
    }

    function _packAuditor(uint96 stake, uint32 enrolledSince) private pure returns (uint192) {
        return (uint192(enrolledSince) << 96) | stake;
    }
}
