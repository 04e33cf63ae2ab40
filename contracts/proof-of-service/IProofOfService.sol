// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReportWord} from "../libraries/ReportWord.sol";
import {Slot} from "../libraries/Slot.sol";
import {Tally} from "../libraries/Tally.sol";
import {IEpochClock} from "../registry/IEpochClock.sol";
import {ISkippingBatch} from "./ISkippingBatch.sol";

/// @title IProofOfService
/// @notice Auditors inspect services that a private draw assigns to them, commit to what they saw, reveal
/// it an epoch later, and claim pay for the votes that agree with the stake-weighted median. `Settlement`
/// pays the services by the verdicts.
interface IProofOfService is IEpochClock, ISkippingBatch {
    /// @notice A chunk of a round, with what opens the round's commitment: `hashes` of all its chunks.
    /// `words` are report words (see `ReportWord`), as plain integers: the compiler hashes an array of
    /// those at once, and one of a type of ours element by element.
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

    /// @notice Evidence for one sampled vote: the service in the slot that was voted on, the salt of the
    /// nonce, the provider's signed receipt, and its place under the evidence root.
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
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param operator The key that commits.
    /// @param tip The tip.
    /// @param since First epoch in which it is usable.
    event TipRegistered(
        address indexed auditor,
        address indexed operator,
        bytes32 tip,
        uint32 since
    );
    /// @notice An auditor named another operator key.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param operator The key that commits.
    event OperatorSet(address indexed auditor, address indexed operator);
    /// @notice An epoch's seed was proven and its budget set aside.
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
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    event Committed(address indexed auditor, uint32 indexed epoch);
    /// @notice A chunk was revealed.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    /// @param votes Votes it holds.
    event Revealed(address indexed auditor, uint32 indexed epoch, uint16 index, uint256 votes);
    /// @notice A chunk was claimed: its reward waits to be collected.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    /// @param paidVotes Votes that earned something.
    /// @param reward BLOC in wei.
    event Claimed(
        address indexed auditor,
        uint32 indexed epoch,
        uint16 index,
        uint256 paidVotes,
        uint256 reward
    );
    /// @notice An auditor received what it had claimed.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param amount BLOC in wei.
    event Collected(address indexed auditor, uint256 amount);
    /// @notice A round that was committed to and not revealed was reported.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    /// @param reporter Who receives half of the slash.
    event Reported(address indexed auditor, uint32 indexed epoch, address indexed reporter);
    // Deployment

    /// @notice Only the deployer connects the contracts.
    /// @param caller Who called.
    error PosNotDeployer(address caller);
    /// @notice The contracts are connected already.
    /// @param settlement To which.
    error PosAlreadyWired(address settlement);
    /// @notice Two given contracts do not belong together.
    /// @param one A contract.
    /// @param other Another, which names a third in its place.
    error PosWiringMismatch(address one, address other);

    // tick

    /// @notice A header is not that of a block the chain knows (8,191 blocks back).
    /// @param number Its block number.
    /// @param hash Hash of the bytes given.
    error PosUnknownBlock(uint256 number, bytes32 hash);
    /// @notice The second header is not the parent of the first.
    /// @param expected Parent hash in the first header.
    /// @param actual Hash of the second.
    error PosNotParent(bytes32 expected, bytes32 actual);
    /// @notice The block is not the first of its epoch: its parent lies in the same one.
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
    /// @notice The chain gives no randomness: `prevrandao` is below 2^64 or did not change.
    /// @param prevrandao The value.
    error PosWeakRandomness(uint256 prevrandao);

    // enrol, setOperator

    /// @notice A hash chain needs a tip.
    error PosTipZero();
    /// @notice One tip at a time may be pending.
    /// @param since First epoch in which the pending tip is usable.
    error PosTipPending(uint32 since);
    /// @notice An auditor needs an operator key.
    error PosOperatorZero();
    /// @notice The auditor never enrolled, or its tip is not usable yet.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The epoch.
    error PosNotEnrolled(address auditor, uint32 epoch);

    // commit

    /// @notice A round is committed to in the epoch that it audits.
    /// @param epoch The epoch given.
    /// @param current The current epoch.
    error PosNotCommitEpoch(uint32 epoch, uint32 current);
    /// @notice Only the auditor's operator commits.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param caller Who called.
    /// @param operator The key that commits.
    error PosNotOperator(address auditor, address caller, address operator);
    /// @notice The auditor has committed in this epoch.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The epoch.
    error PosAlreadyCommitted(address auditor, uint32 epoch);

    // reveal

    /// @notice A round is revealed in the epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotRevealEpoch(uint32 epoch, uint32 current);
    /// @notice The epoch has no seed in the ring: never proven, or overwritten.
    /// @param epoch The epoch.
    error PosNoSeed(uint32 epoch);
    /// @notice A chunk's index or its round's count is out of range.
    /// @param index The chunk.
    /// @param count Chunks in the round.
    error PosChunkRange(uint16 index, uint16 count);
    /// @notice Too many words in a chunk.
    /// @param words How many.
    /// @param maximum How many may be.
    error PosChunkTooLarge(uint256 words, uint256 maximum);
    /// @notice Chunks are revealed in order, each once.
    /// @param index The chunk given.
    /// @param next The chunk that is next.
    error PosChunkOutOfOrder(uint16 index, uint16 next);
    /// @notice The chunk does not open the commitment made.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    error PosCommitmentMismatch(address auditor, uint32 epoch);
    /// @notice The secret is not the chain element of the epoch.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    error PosSecretMismatch(address auditor, uint32 epoch);
    /// @notice The last element is too far back; register a new tip.
    /// @param steps Hash steps needed.
    /// @param maximum Hash steps allowed.
    error PosTooManySteps(uint256 steps, uint256 maximum);
    /// @notice A report word is malformed.
    /// @param word The word.
    error PosMalformedWord(ReportWord word);
    /// @notice Shards must rise strictly through a round.
    /// @param shard The shard.
    /// @param minimum The lowest that may come next.
    error PosShardOrder(uint256 shard, uint256 minimum);
    /// @notice A shard lies beyond what can exist.
    /// @param shard The shard.
    /// @param bound The first that cannot exist.
    error PosShardRange(uint256 shard, uint256 bound);
    /// @notice The auditor did not draw the shard.
    /// @param shard The shard.
    error PosNotDrawn(uint256 shard);
    /// @notice A vote on a service that was not active in the epoch.
    /// @param shard The shard.
    /// @param lanes The offending votes.
    error PosInactiveLane(uint256 shard, uint256 lanes);

    // claim, collect

    /// @notice A round is claimed from the second epoch after the audited one, for `CLAIM_EPOCHS`.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotClaimEpoch(uint32 epoch, uint32 current);
    /// @notice Only a revealed chunk can be claimed, once.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    error PosNotClaimable(address auditor, uint32 epoch, uint16 index);
    /// @notice The sample seed is not the first recorded in an epoch at least two after the audited one.
    /// @param sampleEpoch The epoch given.
    /// @param previous The epoch recorded before it.
    error PosNotSampleEpoch(uint32 sampleEpoch, uint32 previous);
    /// @notice A claim brings exactly the samples that are asked for.
    /// @param given Samples given.
    /// @param expected Samples asked for.
    error PosSampleCount(uint256 given, uint256 expected);
    /// @notice A sampled receipt does not lie under the evidence root.
    /// @param number The service whose vote was sampled.
    error PosEvidenceMissing(uint64 number);
    /// @notice A sample names a service that is not in the slot that was voted on.
    /// @param number The service named.
    /// @param slot The slot.
    error PosSampleSlot(uint64 number, Slot slot);
    /// @notice A sampled receipt was not signed by the service's key of the epoch.
    /// @param number The service whose vote was sampled.
    /// @param signer Who signed.
    error PosReceiptSigner(uint64 number, address signer);
    /// @notice A sampled receipt is dated outside the epoch.
    /// @param number The service whose vote was sampled.
    /// @param issuedAt Its time in milliseconds.
    error PosReceiptTime(uint64 number, uint64 issuedAt);
    /// @notice The auditor has claimed nothing that it has not received.
    /// @param auditor The auditor, by the address that owns its stake.
    error PosNothingToCollect(address auditor);

    // report, lapse

    /// @notice A round is reported from the second to the eighth epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotReportEpoch(uint32 epoch, uint32 current);
    /// @notice The seed was recorded after the time to reveal: nobody could.
    /// @param epoch The audited epoch.
    /// @param recordedAt Unix seconds.
    error PosSeedTooLate(uint32 epoch, uint64 recordedAt);
    /// @notice The auditor did not commit to the round, revealed all of it, or was reported.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    error PosNothingToReport(address auditor, uint32 epoch);
    /// @notice The auditor has shown itself within the last `LAPSE_EPOCHS` epochs that have a seed.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param lastSeen Epoch of its last reveal, or in which its last tip became usable.
    /// @param missed Epochs with a seed that it let pass since.
    error PosNotLapsable(address auditor, uint32 lastSeen, uint256 missed);
    /// @notice Connects the contracts, once, by the deployer.
    /// @param settlement Must name this contract as its own.
    function wire(address settlement) external;

    /// @notice Registers the tip of the caller's hash chain, usable from the next epoch but one, and
    /// enrols the caller from that epoch on. Needs the least stake of an auditor.
    /// @param tip Last element of the chain.
    /// @param operator The key that commits.
    function enrol(bytes32 tip, address operator) external;

    /// @notice Names another operator key for the caller.
    /// @param operator The key that commits.
    function setOperator(address operator) external;

    /// @notice Proves the first block of an epoch, records the seed and sets the budget aside. By anyone,
    /// at any time while the chain knows the block; the first to do so earns the bounty, and a second tick
    /// returns without reverting or paying.
    /// @param firstHeader RLP of the epoch's first block header.
    /// @param parentHeader RLP of its parent's.
    function tick(bytes calldata firstHeader, bytes calldata parentHeader) external;

    /// @notice Commits to the round of the current epoch; only the operator, once.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The current epoch: a transaction that comes too late must not commit to the next one.
    /// @param commitment See `RoundLib.commitment`.
    function commit(address auditor, uint32 epoch, bytes32 commitment) external;

    /// @notice Reveals a chunk of the previous epoch's round and adds its votes to the tallies. By anyone
    /// who knows it.
    /// @param chunk The chunk.
    function reveal(Chunk calldata chunk) external;

    /// @notice Credits a revealed chunk's pay to the auditor, who can {collect} it. By anyone who knows it.
    /// @param chunk The chunk, as it was revealed.
    /// @param sampleEpoch First epoch with a seed among those at least two after the audited one.
    /// @param samples Evidence for the sampled votes.
    /// @return reward BLOC in wei.
    function claim(
        Chunk calldata chunk,
        uint32 sampleEpoch,
        Sample[] calldata samples
    ) external returns (uint256 reward);

    /// @notice Pays out to an auditor's owner all that was claimed for it. By anyone.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @return amount BLOC in wei.
    function collect(address auditor) external returns (uint256 amount);

    /// @notice Slashes an auditor that committed to a round and did not reveal all of it: 0.01% of the
    /// stake that counted. By anyone; half goes to the caller, the rest is burned.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch; from the second to the eighth after it.
    /// @return slashed BLOC in wei.
    function report(address auditor, uint32 epoch) external returns (uint256 slashed);

    /// @notice Takes an auditor out of the enrolled that let more than `LAPSE_EPOCHS` epochs with a seed
    /// pass without a reveal: idle stake would starve every quorum. A seed counts that was recorded before
    /// the time to reveal was over. By anyone; it costs the auditor nothing, and {enrol} with a new tip
    /// brings it back.
    /// @param auditor The auditor, by the address that owns its stake.
    function lapse(address auditor) external;

    /// @notice What is recorded of an epoch.
    /// @param epoch The epoch.
    /// @return seed 0 when it has none in the ring.
    /// @return previous The epoch recorded before it.
    /// @return activeServices Services that could be audited.
    /// @return recordedAt When the seed was recorded, Unix seconds.
    function seedOf(
        uint32 epoch
    )
        external
        view
        returns (bytes32 seed, uint32 previous, uint32 activeServices, uint64 recordedAt);

    /// @notice An epoch's budget for auditors, and what their draw and their pay are computed from.
    /// @param epoch The epoch.
    /// @return budget BLOC in wei; 0 when the ring does not hold the epoch.
    /// @return left What is left of it, BLOC in wei.
    /// @return contributed The part of the budget that was contributed, BLOC in wei.
    /// @return enrolledStake Counted stake of the epoch's enrolled auditors, BLOC in wei.
    function budgetOf(
        uint32 epoch
    )
        external
        view
        returns (uint256 budget, uint256 left, uint256 contributed, uint256 enrolledStake);

    /// @notice An auditor's keys and hash chain.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @return operator The key that commits.
    /// @return element First 24 bytes of the last element shown, or of the tip.
    /// @return elementEpoch The epoch that the element belongs to.
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

    /// @notice What was claimed for an auditor and not collected.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @return BLOC in wei.
    function earnedOf(address auditor) external view returns (uint256);

    /// @notice How far an auditor's round has come.
    /// @param auditor The auditor, by the address that owns its stake.
    /// @param epoch The audited epoch.
    /// @return committed Whether there is a commitment.
    /// @return revealed Chunks revealed.
    /// @return claimed Bit `i` is set when chunk `i` was claimed.
    function roundOf(
        address auditor,
        uint32 epoch
    ) external view returns (bool committed, uint8 revealed, uint64 claimed);

    /// @notice The votes on a shard.
    /// @param shard The shard.
    /// @param epoch The epoch.
    /// @return The tally; 0 when nothing was revealed.
    function tallyOf(uint256 shard, uint32 epoch) external view returns (Tally);

    /// @notice The newest epoch that has a seed.
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
