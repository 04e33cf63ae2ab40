// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "../token/PermitLib.sol";

/// @title IChallengeBook
/// @notice Challenges: anyone may ask an active service on chain, for a bond, to prove that it is online. A valid
/// answer in time earns the service most of the bond. Without an answer it loses stake and is suspended.
///
/// The question is drawn from the first seed recorded in an epoch after the opening, so no account can choose it.
/// The time to answer starts when that seed is recorded.
interface IChallengeBook {
    /// @notice State of a challenge.
    enum State {
        None,
        Open,
        Answered,
        Unanswered,
        Annulled
    }

    /// @notice A challenge, with the values that were frozen at its opening.
    struct Challenge {
        // slot 0
        address challenger;
        uint64 number;
        uint32 openedIn;
        // slot 1
        address key;
        // penalty without an answer, BLOC in wei
        uint96 penalty;
        // slot 2: the staker of the penalty
        address staker;
        State state;
        // slot 3
        address verifier;
    }

    /// @notice A challenge was opened.
    /// @param id Its number.
    /// @param number The service number.
    /// @param challenger The account that pays the bond.
    /// @param key The service key that must answer.
    event ChallengeOpened(
        uint256 indexed id,
        uint64 indexed number,
        address indexed challenger,
        address key
    );
    /// @notice A challenge was answered in time.
    /// @param id Its number.
    /// @param number The service number.
    /// @param payout The receiver of the part of the bond that was not burned.
    /// @param amount That part, BLOC in wei.
    event ChallengeAnswered(
        uint256 indexed id,
        uint64 indexed number,
        address indexed payout,
        uint256 amount
    );
    /// @notice A challenge was not answered in time.
    /// @param id Its number.
    /// @param number The service number.
    /// @param slashed The slash, BLOC in wei.
    /// @param resolver The account that closes the challenge.
    event ChallengeUnanswered(
        uint256 indexed id,
        uint64 indexed number,
        uint96 slashed,
        address indexed resolver
    );
    /// @notice A challenge got no question, because no seed was recorded in time. The bond was returned.
    /// @param id Its number.
    /// @param number The service number.
    event ChallengeAnnulled(uint256 indexed id, uint64 indexed number);

    // Deployment

    /// @notice The window to answer must be longer than 0.
    error ChallengeWindowZero();
    /// @notice The unbonding time must be long enough that an unanswered challenge can still slash the stake.
    /// @param unbondingSeconds The staking contract's unbonding time.
    /// @param minimum The unbonding time must be longer than this.
    error ChallengeWindowTooLong(uint256 unbondingSeconds, uint256 minimum);
    /// @notice The ring must hold the question until the time to answer is over.
    /// @param windowSeconds The given window.
    /// @param maximum The longest allowed window.
    error ChallengeWindowBeyondRing(uint256 windowSeconds, uint256 maximum);

    // challenge

    /// @notice Only a service that is active in the current epoch can be challenged.
    /// @param number The service number.
    /// @param epoch The current epoch.
    error ChallengeNotActive(uint64 number, uint32 epoch);
    /// @notice The service has an open challenge.
    /// @param number The service number.
    /// @param id The open challenge.
    error ChallengeAlreadyOpen(uint64 number, uint256 id);
    /// @notice The cool-down after an unanswered challenge is not over.
    /// @param number The service number.
    /// @param until First second at which it can be challenged again, Unix seconds.
    error ChallengeCoolingDown(uint64 number, uint64 until);

    // respond, resolve, annul

    /// @notice The challenge is not open.
    /// @param id Its number.
    /// @param state Its state.
    error ChallengeNotOpen(uint256 id, State state);
    /// @notice The challenge has no question yet: wait for the next epoch's seed to be recorded.
    /// @param id Its number.
    error ChallengeNoQuestion(uint256 id);
    /// @notice The time to answer is over.
    /// @param id The challenge.
    /// @param deadline Last second to answer, Unix seconds.
    error ChallengeTooLate(uint256 id, uint64 deadline);
    /// @notice The time to answer is not over.
    /// @param id The challenge.
    /// @param deadline Last second to answer, Unix seconds.
    error ChallengeTooEarly(uint256 id, uint64 deadline);
    /// @notice The class's verifier does not accept the proof; the challenge stays open.
    /// @param id The challenge.
    error ChallengeProofRejected(uint256 id);
    /// @notice The challenge has a question, may still get one, or is so old that it counts as unanswered.
    /// @param id The challenge.
    error ChallengeNotAnnullable(uint256 id);

    /// @notice Challenges a service that is active in the current epoch; takes the bond from the caller.
    /// A service has at most one open challenge. Its key, its class's verifier and 2% of its stake are frozen.
    /// @param number The service number.
    /// @return id Number of the challenge, from 1.
    function challenge(uint64 number) external returns (uint256 id);

    /// @notice As {challenge}, with the allowance for the bond in the same transaction.
    /// @param number The service number.
    /// @param permit The caller's permit for this contract; if it fails, the allowance must suffice.
    /// @return id Number of the challenge, from 1.
    function challengeWithPermit(
        uint64 number,
        Permit calldata permit
    ) external returns (uint256 id);

    /// @notice Answers a challenge; by anyone with the proof. 20% of the bond, rounded up, are burned; the
    /// rest goes to the service's payout address.
    /// @param id The challenge.
    /// @param proof A proof that the class's verifier accepts.
    function respond(uint256 id, bytes calldata proof) external;

    /// @notice Closes a challenge that was not answered in time, or that is still open `RING` epochs after its
    /// opening. Slashes the stake, returns the bond, and suspends the service unless it was sold or retired since.
    /// By anyone: of the slash, 30% go to the challenger and 20% to the caller.
    /// @param id The challenge.
    function resolve(uint256 id) external;

    /// @notice Closes a challenge that got no question in time, and returns the bond. By anyone, while the ring
    /// still holds the epochs whose seeds could have decided the question.
    /// @param id The challenge.
    function annul(uint256 id) external;

    /// @notice A challenge.
    /// @param id Its number.
    /// @return The challenge; all zeros for an unknown one.
    function challengeOf(uint256 id) external view returns (Challenge memory);

    /// @notice The open challenge of a service.
    /// @param number The service number.
    /// @return id The challenge; 0 for none.
    function openChallenge(uint64 number) external view returns (uint256 id);

    /// @notice The question of a challenge, and its deadline.
    /// @param id The challenge.
    /// @return nonce The question; 0 if there is none yet, or the ring has forgotten its seed.
    /// @return deadline Last second to answer, Unix seconds.
    function questionOf(uint256 id) external view returns (bytes32 nonce, uint64 deadline);

    /// @notice First second at which a service can be challenged again after an unanswered challenge.
    /// @param number The service number.
    /// @return Unix seconds.
    function quietUntil(uint64 number) external view returns (uint64);

    /// @notice Number of challenges that were opened; their IDs begin at 1.
    /// @return The number.
    function challengeCount() external view returns (uint256);

    /// @notice The bond of a challenger.
    /// @return BLOC in wei.
    function bond() external view returns (uint96);

    /// @notice Time to answer.
    /// @return Seconds.
    function windowSeconds() external view returns (uint64);

    /// @notice Time without challenges after an unanswered one.
    /// @return Seconds.
    function coolDownSeconds() external view returns (uint64);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);

    /// @notice The staking contract.
    /// @return Its address.
    function staking() external view returns (address);

    /// @notice The contract that records the seeds.
    /// @return Its address.
    function proofOfService() external view returns (address);
}
