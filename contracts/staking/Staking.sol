// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IChallengeBook} from "../challenges/IChallengeBook.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {UnbondingLib} from "../libraries/UnbondingLib.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {Permit, PermitLib} from "../token/PermitLib.sol";
import {IStaking} from "./IStaking.sol";

/// @title Staking
/// @notice See {IStaking}. Holders of privilege: the deployer may call {wire} once; the registry opens
/// services, reports whether they are active, and releases their stake when they are transferred or
/// retired; `ProofOfService` enrols, lapses and slashes auditors; `ChallengeBook` slashes services. All of them act
/// only by their rules. Otherwise only the staker can move its BLOC.
/// @dev BLOC is an ERC-20 without hooks, so no foreign code runs in a transfer. The only other calls go to the
/// registry, which makes no call back.
contract Staking is EpochClock, IStaking {
    using EpochTrace for EpochTrace.Trace;
    using UnbondingLib for UnbondingLib.Queue;
    using SafeERC20 for IERC20;

    /// @notice The minimum unbonding time, epochs.
    uint256 public constant MIN_UNBONDING_EPOCHS = 11;
    /// @notice Maximum number of unbonding entries, for each staker of a service and each auditor.
    uint256 public constant MAX_OPEN = UnbondingLib.MAX_OPEN;
    /// @notice The challenger's part of the slash of an unanswered challenge, percent.
    uint256 public constant CHALLENGER_PERCENT = 30;
    /// @notice The resolver's part of it, percent.
    uint256 public constant RESOLVER_PERCENT = 20;

    uint200 private constant UPPER = 96;

    address private immutable _deployer;
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
    /// @dev `services (64) << 96 | counted stake (96)`, active services only.
    EpochTrace.Trace private _active;
    /// @dev Stake of enrolled auditors.
    EpochTrace.Trace private _enrolled;
    /// @dev `counted stake (96) << 96 | stake (96)`.
    mapping(uint64 number => EpochTrace.Trace) private _serviceStakes;
    /// @dev Addresses.
    mapping(uint64 number => EpochTrace.Trace) private _stakers;
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

    /// @notice Sets the values that never change.
    /// @param token_ BLOC.
    /// @param registry_ The registry, from which the clock is copied.
    /// @param unbondingSeconds_ The unbonding time; at least `MIN_UNBONDING_EPOCHS`.
    /// @param minimumAuditorStake_ The minimum stake of an auditor, BLOC in wei.
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
        _deployer = msg.sender;
        token = token_;
        registry = registry_;
        unbondingSeconds = unbondingSeconds_;
        minimumAuditorStake = minimumAuditorStake_;
    }

    /// @inheritdoc IStaking
    function wire(address proofOfService_, address challengeBook_) external {
        require(msg.sender == _deployer, StakingNotDeployer(msg.sender));
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
        _stakers[number].set(_since(), uint160(staker));
        if (stake != 0) _setServiceStake(number, stake);

        uint256 amount = uint256(stake) + fee;
        if (amount != 0) IERC20(token).safeTransferFrom(staker, address(this), amount);
        _burn(fee);
    }

    /// @inheritdoc IStaking
    function releaseService(uint64 number) external onlyRegistry {
        address staker = stakerOf(number);
        if (staker == address(0)) return;

        // Stake that counts in earlier epochs can still be slashed; the trace keeps its staker.
        _stakers[number].set(_since(), 0);
        uint96 stake = _serviceStake(number);
        if (stake == 0) return;
        _setServiceStake(number, 0);
        _startUnbonding(_serviceUnbonding[number][staker], staker, stake);
    }

    /// @inheritdoc IStaking
    function syncActivity(uint64 number, bool isActive) external onlyRegistry {
        uint96 counted = uint96(_serviceStakes[number].latest() >> UPPER);
        if (isActive) _changeActive(0, counted, 0, 1);
        else _changeActive(counted, 0, 1, 0);
    }

    /// @inheritdoc IStaking
    function stakeServiceWithPermit(uint64 number, uint96 amount, Permit calldata permit) external {
        PermitLib.tryPermit(token, address(this), permit);
        stakeService(number, amount);
    }

    /// @inheritdoc IStaking
    function stakeService(uint64 number, uint96 amount) public {
        require(amount != 0, StakingAmountZero());
        address staker = stakerOf(number);
        if (staker == address(0)) {
            // After a transfer the new owner may stake; a retired service cannot be staked.
            require(
                IServiceRegistry(registry).statusNow(number) != IServiceRegistry.Status.Retired,
                StakingServiceRetired(number)
            );
            staker = IERC721(registry).ownerOf(number);
            _stakers[number].set(_since(), uint160(staker));
        }
        require(msg.sender == staker, StakingNotStaker(number, msg.sender, staker));

        _setServiceStake(number, SafeCast.toUint96(uint256(_serviceStake(number)) + amount));

        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstakeService(uint64 number, uint96 amount) external {
        address staker = stakerOf(number);
        require(msg.sender == staker, StakingNotStaker(number, msg.sender, staker));
        require(amount != 0, StakingAmountZero());
        uint96 stake = _serviceStake(number);
        require(amount <= stake, StakingInsufficient(amount, stake));

        _setServiceStake(number, stake - amount);
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
        address challenger,
        address resolver
    ) external returns (uint96 slashed) {
        require(msg.sender == challengeBook, StakingNotChallengeBook(msg.sender));

        if (stakerOf(number) == staker) {
            uint96 stake = _serviceStake(number);
            slashed = amount < stake ? amount : stake;
            if (slashed != 0) _setServiceStake(number, stake - slashed);
        }
        slashed += _serviceUnbonding[number][staker].cut(amount - slashed);
        emit ServiceSlashed(number, staker, slashed, challenger, resolver);
        // Both rounded down; the rest is burned.
        uint256 toChallenger = (uint256(slashed) * CHALLENGER_PERCENT) / 100;
        uint256 toResolver = (uint256(slashed) * RESOLVER_PERCENT) / 100;
        _pay(challenger, toChallenger);
        _pay(resolver, toResolver);
        _burn(slashed - toChallenger - toResolver);
    }

    /// @inheritdoc IStaking
    function stakeAuditorWithPermit(uint96 amount, Permit calldata permit) external {
        PermitLib.tryPermit(token, address(this), permit);
        stakeAuditor(amount);
    }

    /// @inheritdoc IStaking
    function stakeAuditor(uint96 amount) public {
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
    function enrol(address auditor) external onlyProofOfService {
        (uint96 stake, uint32 enrolledSince) = auditorStake(auditor);
        require(
            stake != 0 && stake >= minimumAuditorStake,
            StakingBelowMinimum(stake, minimumAuditorStake)
        );
        if (enrolledSince != 0) return;

        uint32 since = _since();
        _auditorStakes[auditor].set(since, _packAuditor(stake, since));
        _changeEnrolled(since, 0, stake);
        emit AuditorEnrolled(auditor, since);
    }

    /// @inheritdoc IStaking
    function lapse(address auditor) external onlyProofOfService {
        (uint96 stake, uint32 enrolledSince) = auditorStake(auditor);
        require(
            enrolledSince != 0 && enrolledSince <= currentEpoch(),
            StakingNotEnrolled(auditor, enrolledSince)
        );

        uint32 since = _since();
        _auditorStakes[auditor].set(since, _packAuditor(stake, 0));
        _changeEnrolled(since, stake, 0);
        emit AuditorLapsed(auditor, since);
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
        // Half, rounded down; the rest is burned.
        uint256 reward = slashed / 2;
        _pay(prover, reward);
        _burn(slashed - reward);
    }

    /// @inheritdoc IStaking
    function serviceStakeAt(
        uint64 number,
        uint32 epoch
    ) external view returns (uint96 stake, uint96 counted) {
        uint200 word = _serviceStakes[number].valueAt(epoch);
        return (uint96(word), uint96(word >> UPPER));
    }

    /// @inheritdoc IStaking
    function stakerAt(uint64 number, uint32 epoch) external view returns (address) {
        return address(uint160(_stakers[number].valueAt(epoch)));
    }

    /// @inheritdoc IStaking
    function totalsAt(
        uint32 epoch
    ) external view returns (uint96 activeStake, uint64 activeServices, uint96 enrolledStake) {
        uint200 word = _active.valueAt(epoch);
        return (uint96(word), uint64(word >> UPPER), uint96(_enrolled.valueAt(epoch)));
    }

    /// @inheritdoc IStaking
    function auditorStakeAt(address auditor, uint32 epoch) external view returns (uint96) {
        uint200 word = _auditorStakes[auditor].valueAt(epoch);
        return word >> UPPER == 0 ? 0 : uint96(word);
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
        uint200 word = _auditorStakes[auditor].latest();
        return (uint96(word), uint32(word >> UPPER));
    }

    /// @inheritdoc IStaking
    function stakerOf(uint64 number) public view returns (address) {
        return address(uint160(_stakers[number].latest()));
    }

    /// @dev Sets the stake and updates the totals. The registry decides whether the service is active, and how much
    /// of its stake counts; it makes no call back.
    function _setServiceStake(uint64 number, uint96 stake) private {
        uint32 since = _since();
        (bool wasActive, bool isActive, uint96 counted) = IServiceRegistry(registry).syncStake(
            number,
            stake
        );
        EpochTrace.Trace storage trace = _serviceStakes[number];
        uint96 before = uint96(trace.latest() >> UPPER);
        trace.set(since, (uint200(counted) << UPPER) | stake);
        emit ServiceStakeChanged(number, since, stake);
        _changeActive(
            wasActive ? before : 0,
            isActive ? counted : 0,
            wasActive ? 1 : 0,
            isActive ? 1 : 0
        );
    }

    /// @dev Changes the totals of active services.
    function _changeActive(
        uint96 stakeBefore,
        uint96 stake,
        uint64 servicesBefore,
        uint64 services
    ) private {
        uint200 word = _active.latest();
        uint96 total = uint96(word) - stakeBefore + stake;
        uint64 count = uint64(word >> UPPER) - servicesBefore + services;
        _active.set(_since(), (uint200(count) << UPPER) | total);
    }

    /// @dev Without stake the enrolment ends. Otherwise many enrolled identities without stake could wait for a draw,
    /// and stake could be moved to the drawn ones.
    function _setAuditorStake(address auditor, uint96 before, uint96 stake) private {
        uint32 since = _since();
        EpochTrace.Trace storage trace = _auditorStakes[auditor];
        uint32 enrolledSince = uint32(trace.latest() >> UPPER);
        if (enrolledSince != 0) _changeEnrolled(since, before, stake);
        trace.set(since, _packAuditor(stake, stake == 0 ? 0 : enrolledSince));
        emit AuditorStakeChanged(auditor, since, stake);
        if (enrolledSince != 0 && stake == 0) emit AuditorLapsed(auditor, since);
    }

    /// @dev Changes the total of enrolled auditors.
    function _changeEnrolled(uint32 since, uint96 before, uint96 stake) private {
        _enrolled.set(since, uint96(_enrolled.latest()) - before + stake);
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

    function _pay(address to, uint256 amount) private {
        if (amount != 0) IERC20(token).safeTransfer(to, amount);
    }

    function _burn(uint256 amount) private {
        if (amount != 0) ERC20Burnable(token).burn(amount);
    }

    /// @dev Requires that the stake of an auditor is 0 or at least the minimum.
    function _leastStake(uint256 stake) private view returns (uint96) {
        uint96 amount = SafeCast.toUint96(stake);
        require(
            amount == 0 || amount >= minimumAuditorStake,
            StakingBelowMinimum(amount, minimumAuditorStake)
        );
        return amount;
    }

    /// @dev Stake of a service, whether or not it counts yet.
    function _serviceStake(uint64 number) private view returns (uint96) {
        return uint96(_serviceStakes[number].latest());
    }

    function _packAuditor(uint96 stake, uint32 enrolledSince) private pure returns (uint200) {
        return (uint200(enrolledSince) << UPPER) | stake;
    }
}
