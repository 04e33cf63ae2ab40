// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEpochClock} from "../registry/IEpochClock.sol";

/// @title IProofOfService
/// @notice Auditors inspect services that a private draw assigns to them, commit to what they saw, reveal
/// it an epoch later, and claim pay for the votes that agree with the stake-weighted median. Providers are
/// paid by the verdicts.
interface IProofOfService is IEpochClock {
    /// @notice A chunk of a round, with what opens the round's commitment: `hashes` of all its chunks.
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

    /// @notice Evidence for one sampled vote: the salt of the nonce, the provider's signed receipt, and
    /// its place under the evidence root.
    struct Sample {
        bytes32 salt;
        bytes32 channel;
        uint64 issuedAt;
        bytes signature;
        bytes32[] proof;
    }

    /// @notice An auditor registered the tip of a hash chain.
    /// @param auditor The owner.
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
    /// @param auditor The owner.
    /// @param operator The key that commits.
    event OperatorSet(address indexed auditor, address indexed operator);
    /// @notice An epoch's seed was proven and its budget set aside.
    /// @param epoch The epoch.
    /// @param seed The seed.
    /// @param providersBudget BLOC in wei.
    /// @param auditorsBudget BLOC in wei.
    /// @param activeServices Services that can be audited in the epoch.
    event Ticked(
        uint32 indexed epoch,
        bytes32 seed,
        uint256 providersBudget,
        uint256 auditorsBudget,
        uint32 activeServices
    );
    /// @notice An auditor committed to its round.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    event Committed(address indexed auditor, uint32 indexed epoch);
    /// @notice A chunk was revealed.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    /// @param votes Votes it holds.
    event Revealed(address indexed auditor, uint32 indexed epoch, uint16 index, uint256 votes);
    /// @notice A chunk was claimed: its reward waits to be collected.
    /// @param auditor The owner.
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
    /// @param auditor The owner.
    /// @param amount BLOC in wei.
    event Collected(address indexed auditor, uint256 amount);
    /// @notice A service was paid for one epoch.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @param grade The verdict that counted.
    /// @param reward BLOC in wei.
    event Settled(uint64 indexed number, uint32 indexed epoch, uint8 grade, uint256 reward);
    /// @notice A round that was committed to and not revealed was reported.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    /// @param reporter Who receives half of the slash.
    event Reported(address indexed auditor, uint32 indexed epoch, address indexed reporter);
    /// @notice A service was suspended for a run of FAILED verdicts.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch.
    event Suspended(uint64 indexed number, uint32 lastEpoch);
    /// @notice One call of a {tryMulticall} failed and was undone.
    /// @param index Its place.
    /// @param reason Its revert data, cut to 256 bytes.
    event CallFailed(uint256 indexed index, bytes reason);

    /// @notice The given contracts do not belong together.
    /// @param registry The registry.
    /// @param staking Staking names another registry.
    error PosWiringMismatch(address registry, address staking);
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
    /// @notice A hash chain needs a tip.
    error PosTipZero();
    /// @notice One tip at a time may be pending.
    /// @param since First epoch in which the pending tip is usable.
    error PosTipPending(uint32 since);
    /// @notice An auditor needs an operator key.
    error PosOperatorZero();
    /// @notice The auditor never enrolled, or its tip is not usable yet.
    /// @param auditor The owner.
    /// @param epoch The epoch.
    error PosNotEnrolled(address auditor, uint32 epoch);
    /// @notice Only the auditor's operator commits.
    /// @param auditor The owner.
    /// @param caller Who called.
    /// @param operator The key that commits.
    error PosNotOperator(address auditor, address caller, address operator);
    /// @notice The auditor has committed in this epoch.
    /// @param auditor The owner.
    /// @param epoch The epoch.
    error PosAlreadyCommitted(address auditor, uint32 epoch);
    /// @notice A round is committed to in the epoch that it audits.
    /// @param epoch The epoch given.
    /// @param current The current epoch.
    error PosNotCommitEpoch(uint32 epoch, uint32 current);
    /// @notice A round is revealed in the epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotRevealEpoch(uint32 epoch, uint32 current);
    /// @notice A round is claimed from the second epoch after the audited one, for `CLAIM_EPOCHS`.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotClaimEpoch(uint32 epoch, uint32 current);
    /// @notice The epoch has no seed in the ring: never proven, or overwritten.
    /// @param epoch The epoch.
    error PosNoSeed(uint32 epoch);
    /// @notice The chunk does not open the commitment made.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    error PosCommitmentMismatch(address auditor, uint32 epoch);
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
    /// @notice The secret is not the chain element of the epoch.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    error PosSecretMismatch(address auditor, uint32 epoch);
    /// @notice The last element is too far back; register a new tip.
    /// @param steps Hash steps needed.
    /// @param maximum Hash steps allowed.
    error PosTooManySteps(uint256 steps, uint256 maximum);
    /// @notice A report word is malformed.
    /// @param word The word.
    error PosMalformedWord(uint256 word);
    /// @notice Shards must rise strictly through a round.
    /// @param shard The shard.
    /// @param minimum The lowest that may come next.
    error PosShardOrder(uint256 shard, uint256 minimum);
    /// @notice The auditor did not draw the shard.
    /// @param shard The shard.
    error PosNotDrawn(uint256 shard);
    /// @notice Only a revealed chunk can be claimed, once.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    /// @param index The chunk.
    error PosNotClaimable(address auditor, uint32 epoch, uint16 index);
    /// @notice A shard lies beyond what can exist.
    /// @param shard The shard.
    /// @param bound The first that cannot exist.
    error PosShardRange(uint256 shard, uint256 bound);
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
    /// @notice A sampled receipt was not signed by the service's key of the epoch.
    /// @param number The service whose vote was sampled.
    /// @param signer Who signed.
    error PosReceiptSigner(uint64 number, address signer);
    /// @notice A sampled receipt is dated outside the epoch.
    /// @param number The service whose vote was sampled.
    /// @param issuedAt Its time in milliseconds.
    error PosReceiptTime(uint64 number, uint64 issuedAt);
    /// @notice An epoch is final from the second after it on.
    /// @param upTo The last epoch asked for.
    /// @param current The current epoch.
    error PosNotFinal(uint32 upTo, uint32 current);
    /// @notice There is no such service.
    /// @param number The number given.
    error PosUnknownService(uint64 number);
    /// @notice A call of a {tryMulticall} ran out of gas: send the transaction again with more.
    /// @param index Its place.
    error PosCallOutOfGas(uint256 index);

    /// @notice A vote on a service that was not active in the epoch.
    /// @param shard The shard.
    /// @param lanes The offending votes.
    error PosInactiveLane(uint256 shard, uint256 lanes);
    /// @notice The auditor has shown itself within the last `LAPSE_EPOCHS` epochs that have a seed.
    /// @param auditor The owner.
    /// @param lastSeen Epoch of its last reveal, or in which its last tip became usable.
    /// @param missed Epochs with a seed that it let pass since.
    error PosNotLapsable(address auditor, uint32 lastSeen, uint256 missed);
    /// @notice A round is reported from the second to the eighth epoch after the audited one.
    /// @param epoch The audited epoch.
    /// @param current The current epoch.
    error PosNotReportEpoch(uint32 epoch, uint32 current);
    /// @notice The seed was recorded after the time to reveal: nobody could.
    /// @param epoch The audited epoch.
    /// @param recordedAt Unix seconds.
    error PosSeedTooLate(uint32 epoch, uint64 recordedAt);
    /// @notice The auditor has claimed nothing that it has not received.
    /// @param auditor The owner.
    error PosNothingToCollect(address auditor);
    /// @notice The auditor did not commit to the round, revealed all of it, or was reported.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    error PosNothingToReport(address auditor, uint32 epoch);
    /// @notice The run of FAILED verdicts ended too long ago.
    /// @param lastEpoch The run's last epoch.
    /// @param current The current epoch.
    error PosRunTooOld(uint32 lastEpoch, uint32 current);
    /// @notice The run reaches back before the service's last reinstatement, or before epoch 1.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch.
    /// @param since First epoch that may be in it.
    error PosRunTooShort(uint64 number, uint32 lastEpoch, uint32 since);
    /// @notice The service was not found FAILED in an epoch of the run.
    /// @param number The service number.
    /// @param epoch That epoch.
    error PosNotDown(uint64 number, uint32 epoch);
    /// @notice The service is suspended.
    /// @param number The service number.
    error PosAlreadySuspended(uint64 number);

    /// @notice Registers the tip of the caller's hash chain, usable from the next epoch but one, and
    /// enrols the caller. Needs the least stake of an auditor.
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
    /// @param auditor The owner.
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
    /// @param auditor The owner.
    /// @return amount BLOC in wei.
    function collect(address auditor) external returns (uint256 amount);

    /// @notice Slashes an auditor that committed to a round and did not reveal all of it: 0.01% of the
    /// stake that counted. By anyone; half goes to the caller, the rest is burned.
    /// @param auditor The owner.
    /// @param epoch The audited epoch; from the second to the eighth after it.
    /// @return slashed BLOC in wei.
    function report(address auditor, uint32 epoch) external returns (uint256 slashed);

    /// @notice Takes an auditor out of the enrolled that let more than `LAPSE_EPOCHS` epochs with a seed
    /// pass without a reveal: idle stake would starve every quorum. A seed counts that was recorded before
    /// the time to reveal was over. By anyone; it costs the auditor nothing, and {enrol} with a new tip
    /// brings it back.
    /// @param auditor The owner.
    function lapse(address auditor) external;

    /// @notice Suspends a service whose verdict was FAILED in `DOWN_EPOCHS` consecutive epochs in which it
    /// was active, all since its last reinstatement. By anyone; it costs no stake.
    /// @param number The service number.
    /// @param lastEpoch The run's last epoch: final, since at most `DOWN_FRESH_EPOCHS` epochs.
    function suspend(uint64 number, uint32 lastEpoch) external;

    /// @notice Pays a service for all epochs from the last one settled to `upTo`, to its payout address.
    /// By anyone.
    /// @param number The service number.
    /// @param upTo The last epoch to settle; final, so at least two before the current one. Epochs after
    /// the newest seed are left for later.
    /// @return reward BLOC in wei.
    function settle(uint64 number, uint32 upTo) external returns (uint256 reward);

    /// @notice Runs several calls of this contract; one that fails is undone and noted, and the others
    /// stand.
    /// @param calls Encoded calls.
    /// @return ok Which of them succeeded.
    function tryMulticall(bytes[] calldata calls) external returns (bool[] memory ok);

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

    /// @notice An epoch's budgets and what is left of them.
    /// @param epoch The epoch.
    /// @return providersBudget BLOC in wei.
    /// @return providersLeft BLOC in wei.
    /// @return auditorsBudget BLOC in wei.
    /// @return auditorsLeft BLOC in wei.
    function budgetOf(
        uint32 epoch
    )
        external
        view
        returns (
            uint256 providersBudget,
            uint256 providersLeft,
            uint256 auditorsBudget,
            uint256 auditorsLeft
        );

    /// @notice An auditor's keys and hash chain.
    /// @param auditor The owner.
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
    /// @param auditor The owner.
    /// @return BLOC in wei.
    function earnedOf(address auditor) external view returns (uint256);

    /// @notice How far an auditor's round has come.
    /// @param auditor The owner.
    /// @param epoch The audited epoch.
    /// @return committed Whether there is a commitment.
    /// @return revealed Chunks revealed.
    /// @return claimed Bit `i` is set when chunk `i` was claimed.
    function roundOf(
        address auditor,
        uint32 epoch
    ) external view returns (bool committed, uint16 revealed, uint128 claimed);

    /// @notice The verdict on a service in an epoch, so far as it was revealed.
    /// @param number The service number.
    /// @param epoch The epoch.
    /// @return grade 0 FAILED, 1 POOR, 2 GOOD, 3 EXCELLENT.
    /// @return quorate False when the votes missed the quorum: there is no verdict.
    function verdictOf(
        uint64 number,
        uint32 epoch
    ) external view returns (uint8 grade, bool quorate);

    /// @notice The tally word of a shard.
    /// @param shard The shard.
    /// @param epoch The epoch.
    /// @return The word; 0 when nothing was revealed.
    function tallyOf(uint256 shard, uint32 epoch) external view returns (uint256);

    /// @notice The last epoch up to which a service was settled.
    /// @param number The service number.
    /// @return The epoch.
    function settledThrough(uint64 number) external view returns (uint32);

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
}
