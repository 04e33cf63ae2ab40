// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReportWord} from "../libraries/ReportWord.sol";
import {Slot} from "../libraries/Slot.sol";
import {Tally} from "../libraries/Tally.sol";
import {IEpochClock} from "../registry/IEpochClock.sol";
import {ISkippingBatch} from "./ISkippingBatch.sol";

/// @title IProofOfService
/// @notice Auditors inspect services that a private draw assigns to them, commit to their votes, reveal them an
/// epoch later, and claim pay for votes that agree with the stake-weighted median. `Settlement` pays the services by
/// the verdicts.
interface IProofOfService is IEpochClock, ISkippingBatch {
    /// @notice A chunk of a round, with the data that opens the round's commitment; `hashes` are those of all chunks.
    /// `words` are report words (see `ReportWord`) as plain integers: the compiler hashes an array of integers at
    /// once, but an array of a user-defined type element by element.
    struct Chunk {
        address auditor;
        uint32 epoch;
        uint16 index;
        uint16 count;
        uint32 base;
        bytes32 evidenceRoot;
        bytes32 secret;
        uint256[] words;
        bytes32[] hashes;
    }

    /// @notice Evidence for one sampled vote: the service in the slot of the vote, the salt of the nonce, the signed
    /// receipt of the service, and its proof under the evidence root.
    struct Sample {
        uint64 number;
        bytes32 salt;
        bytes32 channel;
        uint64 issuedAt;
        bytes signature;
        bytes32[] proof;
    }

    /// @notice The contracts were connected.
    /// @param settlement Pays the services.
    event Wired(address indexed settlement);
    /// @notice An auditor registered the tip of a hash chain.
    /// @param auditor The auditor's owner address.
    /// @param operator The key that commits.
    /// @param tip The tip.
    /// @param since First epoch in which it is usable.
    event TipRegistered(
        address indexed auditor,
        address indexed operator,
        bytes32 tip,
        uint32 since
    );
    /// @notice An auditor set another operator key.
    /// @param auditor The auditor's owner address.
    /// @param operator The key that commits.
    event OperatorSet(address indexed auditor, address indexed operator);
    /// @notice An epoch's seed was proven and its budget reserved.
    /// @param epoch The epoch.
    /// @param seed The seed.
    /// @param providersBudget For services, BLOC in wei.
    /// @param auditorsBudget For auditors, BLOC in wei.
    /// @param activeStake Counted stake of the services that can be audited in the epoch, BLOC in wei.
    /// @param enrolledStake Counted stake of the auditors that can be drawn in the epoch, BLOC in wei.
    /// @param activeServices Services that can be audited in the epoch.
    event Ticked(
        uint32 indexed epoch,
        bytes32 seed,
        uint256 providersBudget,
        uint256 auditorsBudget,
        uint96 activeStake,
        uint96 enrolledStake,
        uint32 activeServices
    );
    /// @notice An auditor committed to its round.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    event Committed(address indexed auditor, uint32 indexed epoch);
    /// @notice A chunk was revealed.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    /// @param votes Number of its votes.
    event Revealed(address indexed auditor, uint32 indexed epoch, uint16 index, uint256 votes);
    /// @notice A chunk was claimed: its reward can be collected.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    /// @param paidVotes Number of votes that earned pay.
    /// @param reward BLOC in wei.
    event Claimed(
        address indexed auditor,
        uint32 indexed epoch,
        uint16 index,
        uint256 paidVotes,
        uint256 reward
    );
    /// @notice An auditor received its claimed pay.
    /// @param auditor The auditor's owner address.
    /// @param amount BLOC in wei.
    event Collected(address indexed auditor, uint256 amount);
    /// @notice A round that was committed to and not revealed was reported.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    /// @param reporter The receiver of half of the slash.
    event Reported(address indexed auditor, uint32 indexed epoch, address indexed reporter);
    // Deployment

    /// @notice Only the deployer may connect the contracts.
    /// @param caller The caller.
    error PosNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param settlement The connected contract.
    error PosAlreadyWired(address settlement);
    /// @notice Two given contracts do not belong together.
    /// @param one A contract.
    /// @param other Another contract, which does not name it.
    error PosWiringMismatch(address one, address other);

    // tick

    /// @notice The header is not that of a known block (8,191 blocks back).
    /// @param number Its block number.
    /// @param hash Hash of the given bytes.
    error PosUnknownBlock(uint256 number, bytes32 hash);
    /// @notice The second header is not the parent of the first.
    /// @param expected Parent hash in the first header.
    /// @param actual Hash of the second.
    error PosNotParent(bytes32 expected, bytes32 actual);
    /// @notice The block is not the first of its epoch: its parent is in the same epoch.
    /// @param epoch The block's epoch.
    /// @param parentTimestamp Unix seconds.
    error PosNotFirstBlock(uint32 epoch, uint64 parentTimestamp);
    /// @notice The block is older than the epoch clock.
    /// @param timestamp Unix seconds.
    error PosBeforeGenesis(uint256 timestamp);
    /// @notice Seeds are recorded in order.
    /// @param epoch The epoch given.
    /// @param newest The newest epoch that has a seed.
    error PosSeedOutOfOrder(uint32 epoch, uint32 newest);
    /// @notice The chain has no randomness: a half of `prevrandao` is zero, or equals the half of the newest seed in
    /// its low 112 bits.
    /// @param prevrandao The value.
    error PosWeakRandomness(uint256 prevrandao);

    // enrol, setOperator

    /// @notice The tip of a hash chain must not be 0.
    error PosTipZero();
    /// @notice Only one tip may be pending.
    /// @param since First epoch in which the pending tip is usable.
    error PosTipPending(uint32 since);
    /// @notice The operator key must not be 0.
    error PosOperatorZero();
    /// @notice The auditor never enrolled, or its tip is not usable yet.
    /// @param auditor The auditor's owner address.
    /// @param epoch The epoch.
    error PosNotEnrolled(address auditor, uint32 epoch);

    // commit

    /// @notice A round can be committed to only in the epoch that it audits.
    /// @param epoch The epoch given.
    /// @param current The current epoch.
    error PosNotCommitEpoch(uint32 epoch, uint32 current);
    /// @notice Only the auditor's operator may commit.
    /// @param auditor The auditor's owner address.
    /// @param caller The caller.
    /// @param operator The key that commits.
    error PosNotOperator(address auditor, address caller, address operator);
    /// @notice The auditor has already committed in this epoch.
    /// @param auditor The auditor's owner address.
    /// @param epoch The epoch.
    error PosAlreadyCommitted(address auditor, uint32 epoch);

    // reveal

    /// @notice A round can be revealed only in the epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotRevealEpoch(uint32 epoch, uint32 current);
    /// @notice The epoch has no seed in the ring: it was never proven, or is overwritten.
    /// @param epoch The epoch.
    error PosNoSeed(uint32 epoch);
    /// @notice The chunk's index or its round's count is out of range.
    /// @param index The chunk.
    /// @param count Chunks in the round.
    error PosChunkRange(uint16 index, uint16 count);
    /// @notice The chunk has too many words.
    /// @param words Their number.
    /// @param maximum The maximum number.
    error PosChunkTooLarge(uint256 words, uint256 maximum);
    /// @notice Chunks must be revealed in order, each once.
    /// @param index The given chunk.
    /// @param next The next chunk.
    error PosChunkOutOfOrder(uint16 index, uint16 next);
    /// @notice The chunk does not open the commitment.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    error PosCommitmentMismatch(address auditor, uint32 epoch);
    /// @notice The secret is not the chain element of the epoch.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    error PosSecretMismatch(address auditor, uint32 epoch);
    /// @notice The last revealed element is too old: register a new tip.
    /// @param steps Hash steps needed.
    /// @param maximum Hash steps allowed.
    error PosTooManySteps(uint256 steps, uint256 maximum);
    /// @notice A report word is malformed.
    /// @param word The word.
    error PosMalformedWord(ReportWord word);
    /// @notice Shards must rise strictly through a round.
    /// @param shard The shard.
    /// @param minimum The lowest valid next shard.
    error PosShardOrder(uint256 shard, uint256 minimum);
    /// @notice The shard is out of range.
    /// @param shard The shard.
    /// @param bound The first invalid shard.
    error PosShardRange(uint256 shard, uint256 bound);
    /// @notice The auditor did not draw the shard.
    /// @param shard The shard.
    error PosNotDrawn(uint256 shard);
    /// @notice A vote is on a service that was not active in the epoch.
    /// @param shard The shard.
    /// @param lanes The offending votes.
    error PosInactiveLane(uint256 shard, uint256 lanes);

    // claim, collect

    /// @notice A round can be claimed from the second epoch after the audited one on, for `CLAIM_EPOCHS` epochs.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotClaimEpoch(uint32 epoch, uint32 current);
    /// @notice Only a revealed chunk can be claimed, once.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    error PosNotClaimable(address auditor, uint32 epoch, uint16 index);
    /// @notice The sample seed is not the first one recorded in an epoch at least two after the audited one.
    /// @param sampleEpoch The epoch given.
    /// @param previous The epoch recorded before it.
    error PosNotSampleEpoch(uint32 sampleEpoch, uint32 previous);
    /// @notice A claim must contain exactly the required samples.
    /// @param given Number of given samples.
    /// @param expected Number of required samples.
    error PosSampleCount(uint256 given, uint256 expected);
    /// @notice A sampled receipt is not under the evidence root.
    /// @param number The service whose vote was sampled.
    error PosEvidenceMissing(uint64 number);
    /// @notice A sample names a service that is not in the slot of the vote.
    /// @param number The named service.
    /// @param slot The slot.
    error PosSampleSlot(uint64 number, Slot slot);
    /// @notice A sampled receipt was not signed by the service's key of the epoch.
    /// @param number The service whose vote was sampled.
    /// @param signer The signer.
    error PosReceiptSigner(uint64 number, address signer);
    /// @notice A sampled receipt is dated outside the epoch.
    /// @param number The service whose vote was sampled.
    /// @param issuedAt Its time in milliseconds.
    error PosReceiptTime(uint64 number, uint64 issuedAt);
    /// @notice The auditor has no claimed pay to collect.
    /// @param auditor The auditor's owner address.
    error PosNothingToCollect(address auditor);

    // report, lapse

    /// @notice A round can be reported from the second to the eighth epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotReportEpoch(uint32 epoch, uint32 current);
    /// @notice The seed was recorded after the time to reveal, so a reveal was impossible.
    /// @param epoch The audited epoch.
    /// @param recordedAt Unix seconds.
    error PosSeedTooLate(uint32 epoch, uint64 recordedAt);
    /// @notice The auditor did not commit to the round, revealed all of it, or was reported.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    error PosNothingToReport(address auditor, uint32 epoch);
    /// @notice The auditor has not missed more than `LAPSE_EPOCHS` epochs with a seed.
    /// @param auditor The auditor's owner address.
    /// @param lastSeen Epoch of its last reveal, or in which its last tip became usable.
    /// @param missed Number of epochs with a seed that it has missed since.
    error PosNotLapsable(address auditor, uint32 lastSeen, uint256 missed);
    /// @notice Connects the contracts, once, by the deployer.
    /// @param settlement Must name this contract as its own.
    function wire(address settlement) external;

    /// @notice Registers the tip of the caller's hash chain, usable two epochs later, and enrols the caller from that
    /// epoch on. Needs the minimum stake of an auditor.
    /// @param tip Last element of the chain.
    /// @param operator The key that commits.
    function enrol(bytes32 tip, address operator) external;

    /// @notice Sets another operator key for the caller.
    /// @param operator The key that commits.
    function setOperator(address operator) external;

    /// @notice Proves the first block of an epoch, records the seed and reserves the budget. By anyone, while the
    /// chain knows the block. The first caller earns the bounty; a second tick neither reverts nor pays.
    /// @param firstHeader RLP of the epoch's first block header.
    /// @param parentHeader RLP of its parent's.
    function tick(bytes calldata firstHeader, bytes calldata parentHeader) external;

    /// @notice Commits to the round of the current epoch; only the operator, once.
    /// @param auditor The auditor's owner address.
    /// @param epoch The current epoch, so that a late transaction does not commit to the next one.
    /// @param commitment See `RoundLib.commitment`.
    function commit(address auditor, uint32 epoch, bytes32 commitment) external;

    /// @notice Reveals a chunk of the previous epoch's round and adds its votes to the tallies. By anyone who knows
    /// the chunk.
    /// @param chunk The chunk.
    function reveal(Chunk calldata chunk) external;

    /// @notice Credits a revealed chunk's pay to the auditor, who can {collect} it. By anyone who knows the chunk.
    /// @param chunk The chunk, as it was revealed.
    /// @param sampleEpoch First epoch with a seed, at least two after the audited one.
    /// @param samples Evidence for the sampled votes.
    /// @return reward BLOC in wei.
    function claim(
        Chunk calldata chunk,
        uint32 sampleEpoch,
        Sample[] calldata samples
    ) external returns (uint256 reward);

    /// @notice Pays the claimed pay of an auditor to its owner. By anyone.
    /// @param auditor The auditor's owner address.
    /// @return amount BLOC in wei.
    function collect(address auditor) external returns (uint256 amount);

    /// @notice Slashes an auditor that committed to a round and did not reveal all of it: 0.01% of its counted stake.
    /// By anyone; half goes to the caller, the rest is burned.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch; from the second to the eighth after it.
    /// @return slashed BLOC in wei.
    function report(address auditor, uint32 epoch) external returns (uint256 slashed);

    /// @notice Ends the enrolment of an auditor that missed more than `LAPSE_EPOCHS` epochs with a seed, because idle
    /// stake would starve quorums. A seed counts if it was recorded before the time to reveal was over. By anyone;
    /// the auditor loses no stake, and {enrol} with a new tip enrols it again.
    /// @param auditor The auditor's owner address.
    function lapse(address auditor) external;

    /// @notice The recorded data of an epoch.
    /// @param epoch The epoch.
    /// @return seed The seed; 0 if the ring has none.
    /// @return previous The epoch recorded before it.
    /// @return activeServices Number of services that could be audited.
    /// @return recordedAt Time at which the seed was recorded, Unix seconds.
    function seedOf(
        uint32 epoch
    )
        external
        view
        returns (bytes32 seed, uint32 previous, uint32 activeServices, uint64 recordedAt);

    /// @notice An epoch's budget for auditors, and the stake by which they are drawn.
    /// @param epoch The epoch.
    /// @return budget BLOC in wei; 0 if the ring does not hold the epoch.
    /// @return left The unspent part, BLOC in wei.
    /// @return contributed The contributed part of the budget, BLOC in wei.
    /// @return enrolledStake Counted stake of the epoch's enrolled auditors, BLOC in wei.
    function budgetOf(
        uint32 epoch
    )
        external
        view
        returns (uint256 budget, uint256 left, uint256 contributed, uint256 enrolledStake);

    /// @notice An auditor's keys and hash chain.
    /// @param auditor The auditor's owner address.
    /// @return operator The key that commits.
    /// @return element First 24 bytes of the last revealed element, or of the tip.
    /// @return elementEpoch The epoch of the element.
    /// @return pendingTip A tip that is not in use yet; 0 for none.
    /// @return pendingSince First epoch in which it is usable.
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
        );

    /// @notice The claimed pay of an auditor that is not collected.
    /// @param auditor The auditor's owner address.
    /// @return BLOC in wei.
    function earnedOf(address auditor) external view returns (uint256);

    /// @notice The progress of an auditor's round.
    /// @param auditor The auditor's owner address.
    /// @param epoch The audited epoch.
    /// @return committed Whether there is a commitment.
    /// @return revealed Number of revealed chunks.
    /// @return claimed Bit `i` is set if chunk `i` was claimed.
    function roundOf(
        address auditor,
        uint32 epoch
    ) external view returns (bool committed, uint8 revealed, uint64 claimed);

    /// @notice The votes on a shard.
    /// @param shard The shard.
    /// @param epoch The epoch.
    /// @return The tally; 0 if nothing was revealed.
    function tallyOf(uint256 shard, uint32 epoch) external view returns (Tally);

    /// @notice The newest epoch with a seed.
    /// @return The epoch, 0 for none.
    function newestSeed() external view returns (uint32);

    /// @notice The staking contract.
    /// @return Its address.
    function staking() external view returns (address);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);

    /// @notice The reward pool.
    /// @return Its address.
    function rewardPool() external view returns (address);

    /// @notice The contract that pays the services.
    /// @return Its address; 0 before {wire}.
    function settlement() external view returns (address);
}
