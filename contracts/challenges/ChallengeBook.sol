// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ChallengeLib} from "../libraries/ChallengeLib.sol";
import {RING} from "../libraries/Epochs.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {Permit, PermitLib} from "../token/PermitLib.sol";
import {IServiceVerifier} from "../verifiers/IServiceVerifier.sol";
import {IChallengeBook} from "./IChallengeBook.sol";

/// @title ChallengeBook
/// @notice See {IChallengeBook}. No account holds a privilege.
/// @dev Holds only the bonds of open challenges. BLOC has no hooks; the verifier is called statically, before any
/// state changes.
contract ChallengeBook is IChallengeBook {
    using SafeERC20 for IERC20;

    /// @notice Number of epochs after the opening whose seeds can decide the question.
    uint32 public constant SEED_EPOCHS = 3;
    /// @notice Penalty of an unanswered challenge, percent of the stake.
    uint256 public constant PENALTY_PERCENT = 2;
    /// @notice Burned part of the bond of an answered challenge, percent: an owner that blocks other challenges by
    /// its own pays for each.
    uint256 public constant BOND_BURN_PERCENT = 20;

    /// @inheritdoc IChallengeBook
    address public immutable registry;
    /// @inheritdoc IChallengeBook
    address public immutable staking;
    /// @inheritdoc IChallengeBook
    address public immutable proofOfService;
    /// @inheritdoc IChallengeBook
    uint64 public immutable windowSeconds;
    /// @inheritdoc IChallengeBook
    uint64 public immutable coolDownSeconds;
    /// @inheritdoc IChallengeBook
    uint96 public immutable bond;
    IERC20 private immutable _token;

    /// @inheritdoc IChallengeBook
    uint256 public challengeCount;
    mapping(uint256 id => Challenge) private _challenges;
    /// @inheritdoc IChallengeBook
    mapping(uint64 number => uint256 id) public openChallenge;
    /// @inheritdoc IChallengeBook
    mapping(uint64 number => uint64 time) public quietUntil;

    /// @notice Sets the values that never change.
    /// @param proofOfService_ Records the seeds; names the registry and the staking contract.
    /// @param windowSeconds_ Time to answer.
    /// @param coolDownSeconds_ Time without challenges after an unanswered one.
    /// @param bond_ Bond of a challenger, BLOC in wei: about three times the gas of an answer.
    constructor(
        address proofOfService_,
        uint64 windowSeconds_,
        uint64 coolDownSeconds_,
        uint96 bond_
    ) {
        IProofOfService rounds = IProofOfService(proofOfService_);
        registry = rounds.registry();
        staking = rounds.staking();
        proofOfService = proofOfService_;
        require(windowSeconds_ != 0, ChallengeWindowZero());
        // Stake that counts at the opening may have left in the first second of the previous epoch. It must stay
        // slashable until the deadline, and one epoch longer to resolve.
        uint256 longest = windowSeconds_ + uint256(SEED_EPOCHS + 3) * rounds.epochSeconds();
        uint64 unbonding = IStaking(staking).unbondingSeconds();
        require(unbonding > longest, ChallengeWindowTooLong(unbonding, longest));
        // The seed may be recorded in the last second before `annul` is possible. The ring must hold the question
        // until the deadline, and the deadline must come before the challenge counts as unanswered.
        uint256 longestWindow = uint256(RING - SEED_EPOCHS - 1) * rounds.epochSeconds();
        require(
            windowSeconds_ <= longestWindow,
            ChallengeWindowBeyondRing(windowSeconds_, longestWindow)
        );
        windowSeconds = windowSeconds_;
        coolDownSeconds = coolDownSeconds_;
        bond = bond_;
        _token = IERC20(IStaking(staking).token());
    }

    /// @inheritdoc IChallengeBook
    function challengeWithPermit(
        uint64 number,
        Permit calldata permit
    ) external returns (uint256 id) {
        PermitLib.tryPermit(address(_token), address(this), permit);
        return challenge(number);
    }

    /// @inheritdoc IChallengeBook
    function challenge(uint64 number) public returns (uint256 id) {
        IServiceRegistry services = IServiceRegistry(registry);
        uint32 epoch = services.currentEpoch();
        require(
            services.statusAt(number, epoch) == IServiceRegistry.Status.Active,
            ChallengeNotActive(number, epoch)
        );
        require(openChallenge[number] == 0, ChallengeAlreadyOpen(number, openChallenge[number]));
        uint64 until = quietUntil[number];
        require(block.timestamp >= until, ChallengeCoolingDown(number, until));

        id = ++challengeCount;
        openChallenge[number] = id;
        // Values that count in this epoch, not the newest ones: an owner who sees the challenge cannot escape it by
        // unstaking, another key or a transfer.
        address key = services.keyAt(number, epoch);
        (uint256 stake, ) = IStaking(staking).serviceStakeAt(number, epoch);
        _challenges[id] = Challenge({
            challenger: msg.sender,
            number: number,
            openedIn: epoch,
            key: key,
            // Rounded up, against the staker.
            penalty: uint96((stake * PENALTY_PERCENT + 99) / 100),
            staker: IStaking(staking).stakerAt(number, epoch),
            state: State.Open,
            verifier: services.classAt(services.classOf(number)).verifier
        });
        emit ChallengeOpened(id, number, msg.sender, key);

        _token.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @inheritdoc IChallengeBook
    function respond(uint256 id, bytes calldata proof) external {
        Challenge storage entry = _open(id);
        (bytes32 nonce, uint64 deadline) = _questioned(id);
        require(block.timestamp <= deadline, ChallengeTooLate(id, deadline));
        uint64 number = entry.number;
        require(
            IServiceVerifier(entry.verifier).verify(number, entry.key, nonce, proof),
            ChallengeProofRejected(id)
        );

        _close(entry, State.Answered);
        address payout = IServiceRegistry(registry).payoutOf(number);
        // Rounded up, against the service.
        uint256 burned = (bond * BOND_BURN_PERCENT + 99) / 100;
        emit ChallengeAnswered(id, number, payout, bond - burned);

        ERC20Burnable(address(_token)).burn(burned);
        _token.safeTransfer(payout, bond - burned);
    }

    /// @inheritdoc IChallengeBook
    function resolve(uint256 id) external {
        Challenge storage entry = _open(id);
        uint64 number = entry.number;
        address challenger = entry.challenger;
        // After the ring may have overwritten the question, the challenge counts as unanswered.
        if (_current() < uint256(entry.openedIn) + RING) {
            (, uint64 deadline) = _questioned(id);
            require(block.timestamp > deadline, ChallengeTooEarly(id, deadline));
        }

        _close(entry, State.Unanswered);
        quietUntil[number] = uint64(block.timestamp) + coolDownSeconds;

        // These contracts make no call back.
        uint96 slashed = IStaking(staking).slashService(
            number,
            entry.staker,
            entry.penalty,
            challenger,
            msg.sender
        );
        emit ChallengeUnanswered(id, number, slashed, msg.sender);
        // After a sale or retirement only the old staker is punished, because the buyer is not at fault.
        if (IStaking(staking).stakerOf(number) == entry.staker)
            IServiceRegistry(registry).suspend(number);
        _token.safeTransfer(challenger, bond);
    }

    /// @inheritdoc IChallengeBook
    function annul(uint256 id) external {
        Challenge storage entry = _open(id);
        uint256 openedIn = entry.openedIn;
        uint32 current = _current();
        // While the ring holds the seeds, it shows whether there was none.
        require(
            current > openedIn + SEED_EPOCHS && current < openedIn + RING,
            ChallengeNotAnnullable(id)
        );
        (bytes32 nonce, ) = questionOf(id);
        require(nonce == 0, ChallengeNotAnnullable(id));

        _close(entry, State.Annulled);
        emit ChallengeAnnulled(id, entry.number);

        _token.safeTransfer(entry.challenger, bond);
    }

    /// @inheritdoc IChallengeBook
    function challengeOf(uint256 id) external view returns (Challenge memory) {
        return _challenges[id];
    }

    /// @inheritdoc IChallengeBook
    function questionOf(uint256 id) public view returns (bytes32 nonce, uint64 deadline) {
        uint32 openedIn = _challenges[id].openedIn;
        if (_challenges[id].state == State.None) return (0, 0);
        IProofOfService rounds = IProofOfService(proofOfService);
        // Seeds are recorded in order, so the first epoch with a seed has the first recorded one.
        for (uint32 epoch = openedIn + 1; epoch <= openedIn + SEED_EPOCHS; ++epoch) {
            (bytes32 seed, , , uint64 recordedAt) = rounds.seedOf(epoch);
            if (seed == 0) continue;
            if (recordedAt >= _seedBy(openedIn)) return (0, 0);
            return (ChallengeLib.nonce(seed, id), recordedAt + windowSeconds);
        }
    }

    /// @dev The time before which the question's seed must be recorded.
    function _seedBy(uint32 openedIn) private view returns (uint64) {
        return IServiceRegistry(registry).epochStart(openedIn + 1 + SEED_EPOCHS);
    }

    function _current() private view returns (uint32) {
        return IServiceRegistry(registry).currentEpoch();
    }

    function _close(Challenge storage entry, State state) private {
        entry.state = state;
        delete openChallenge[entry.number];
    }

    function _open(uint256 id) private view returns (Challenge storage entry) {
        entry = _challenges[id];
        require(entry.state == State.Open, ChallengeNotOpen(id, entry.state));
    }

    function _questioned(uint256 id) private view returns (bytes32 nonce, uint64 deadline) {
        (nonce, deadline) = questionOf(id);
        require(nonce != 0, ChallengeNoQuestion(id));
    }
}
