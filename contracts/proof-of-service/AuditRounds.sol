// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {EpochTagLib, RING} from "../libraries/Epochs.sol";
import {PayLib} from "../libraries/PayLib.sol";
import {ReceiptLib} from "../libraries/ReceiptLib.sol";
import {LANE_BITS, ReportWord, ReportWordLib} from "../libraries/ReportWord.sol";
import {RoundState, RoundStateLib} from "../libraries/RoundState.sol";
import {RoundLib} from "../libraries/RoundLib.sol";
import {ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {MAX_SHARDS, Slot, SlotLib} from "../libraries/Slot.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {Tally, TallyLib} from "../libraries/Tally.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {AuditorRoster} from "./AuditorRoster.sol";
import {IProofOfService} from "./IProofOfService.sol";

/// @title AuditRounds
/// @notice The part of `ProofOfService` for rounds: commit, reveal and claim, and the report of a round that was
/// not revealed.
abstract contract AuditRounds is AuditorRoster {
    /// @notice Number of epochs in which a round can be claimed.
    uint32 public constant CLAIM_EPOCHS = 128;
    /// @notice Maximum distance of a receipt's time from its epoch, milliseconds.
    uint64 public constant RECEIPT_SLACK_MS = 60_000;
    /// @notice Last epoch, counted from the audited one, in which an unrevealed round can be reported.
    uint32 public constant REPORT_EPOCHS = 8;
    /// @notice Divisor of the slash for such a round: 0.01% of the stake.
    uint256 public constant NO_SHOW_DIVISOR = 10_000;

    struct Round {
        // slot 0: the commitment's upper 244 bits over the epoch's tag
        uint256 commitment;
        // slot 1
        RoundState state;
    }

    /// @dev A struct, so that a reveal computes the index of a tally once and not for each access.
    struct Cell {
        // slot 0
        Tally tally;
    }

    mapping(address auditor => Round[RING]) private _rounds;
    /// @dev Tallies in the form of `TallyLib`, `RING` for each shard. A plain table instead of a mapping saves a hash
    /// for each shard of a reveal.
    Cell[MAX_SHARDS * RING] private _tallies;

    /// @inheritdoc IProofOfService
    function commit(address auditor, uint32 epoch, bytes32 commitment) external {
        uint32 current = currentEpoch();
        require(epoch == current, PosNotCommitEpoch(epoch, current));
        _checkCommitter(auditor, epoch);
        Round storage round = _rounds[auditor][epoch % RING];
        require(!_isCommitted(round, epoch), PosAlreadyCommitted(auditor, epoch));

        round.commitment = EpochTagLib.tagged(commitment, epoch);
        emit Committed(auditor, epoch);
    }

    /// @inheritdoc IProofOfService
    function reveal(Chunk calldata chunk) external {
        uint32 current = currentEpoch();
        // In 256 bits, so that the epoch does not overflow.
        require(current == uint256(chunk.epoch) + 1, PosNotRevealEpoch(chunk.epoch, current));
        Epoch storage entry = _seeded(chunk.epoch);
        Round storage round = _rounds[chunk.auditor][chunk.epoch % RING];
        _checkOpening(chunk, round);
        RoundState state = round.state;
        bool begun = state.isOf(chunk.epoch);
        uint256 next = begun ? state.revealed() : 0;
        require(chunk.index == next, PosChunkOutOfOrder(chunk.index, uint16(next)));

        _showSecret(chunk.auditor, chunk.epoch, chunk.secret);
        uint256 expected = begun ? state.expected() : _expectedWeight(chunk, entry);
        (uint256 nextShard, uint256 votes) = _count(
            chunk,
            SortitionLib.drawKey(entry.seed, chunk.secret, chunk.auditor),
            expected,
            begun ? state.nextShard() : 0
        );
        round.state = RoundStateLib.pack(
            chunk.epoch,
            nextShard,
            next + 1,
            chunk.count,
            begun ? state.claimed() : 0,
            expected
        );
        emit Revealed(chunk.auditor, chunk.epoch, chunk.index, votes);
    }

    /// @inheritdoc IProofOfService
    function claim(
        Chunk calldata chunk,
        uint32 sampleEpoch,
        Sample[] calldata samples
    ) external returns (uint256 reward) {
        uint32 current = currentEpoch();
        uint256 first = uint256(chunk.epoch) + 2;
        require(
            current >= first && current < first + CLAIM_EPOCHS,
            PosNotClaimEpoch(chunk.epoch, current)
        );
        Epoch storage entry = _seeded(chunk.epoch);
        Round storage round = _rounds[chunk.auditor][chunk.epoch % RING];
        bytes32 chunkHash = _checkOpening(chunk, round);
        RoundState state = round.state;
        require(
            state.isOf(chunk.epoch) &&
                chunk.index < state.revealed() &&
                (state.claimed() >> chunk.index) & 1 == 0,
            PosNotClaimable(chunk.auditor, chunk.epoch, chunk.index)
        );
        bytes32 y = SortitionLib.drawKey(entry.seed, chunk.secret, chunk.auditor);
        _checkSamples(chunk, y, chunkHash, sampleEpoch, samples);

        round.state = state.withClaim(chunk.index);
        uint256 paidVotes;
        (reward, paidVotes) = _payOf(
            chunk,
            y,
            state.expected(),
            PayLib.quarterPay(entry.auditorsBudget, entry.activeServices)
        );
        uint96 left = entry.auditorsLeft;
        if (reward > left) reward = left;
        entry.auditorsLeft = left - uint96(reward);
        if (reward != 0) _credit(chunk.auditor, reward);
        emit Claimed(chunk.auditor, chunk.epoch, chunk.index, paidVotes, reward);
    }

    /// @inheritdoc IProofOfService
    function report(address auditor, uint32 epoch) external returns (uint256 slashed) {
        uint32 current = currentEpoch();
        uint256 first = uint256(epoch) + 2;
        require(
            current >= first && current < first + REPORT_EPOCHS - 1,
            PosNotReportEpoch(epoch, current)
        );
        // A reveal needs a seed that was recorded before the time to reveal was over.
        uint64 recordedAt = genesis + _seeded(epoch).recordedAt;
        require(recordedAt < epochStart(epoch + 2), PosSeedTooLate(epoch, recordedAt));
        Round storage round = _rounds[auditor][epoch % RING];
        bool complete = round.state.isOf(epoch) && round.state.isComplete();
        require(_isCommitted(round, epoch) && !complete, PosNothingToReport(auditor, epoch));

        // Prevents a second report, and claims of the revealed chunks.
        round.commitment = 0;
        uint256 stake = IStaking(staking).auditorStakeAt(auditor, epoch);
        // Rounded up, against the auditor.
        uint96 penalty = uint96((stake + NO_SHOW_DIVISOR - 1) / NO_SHOW_DIVISOR);
        emit Reported(auditor, epoch, msg.sender);

        // The staking contract pays half to the caller and burns the rest.
        return IStaking(staking).slashAuditor(auditor, penalty, msg.sender);
    }

    /// @inheritdoc IProofOfService
    function roundOf(
        address auditor,
        uint32 epoch
    ) external view returns (bool committed, uint8 revealed, uint64 claimed) {
        Round storage round = _rounds[auditor][epoch % RING];
        committed = _isCommitted(round, epoch);
        RoundState state = round.state;
        if (state.isOf(epoch)) (revealed, claimed) = (uint8(state.revealed()), state.claimed());
    }

    /// @inheritdoc IProofOfService
    function tallyOf(uint256 shard, uint32 epoch) external view returns (Tally) {
        require(shard < MAX_SHARDS, PosShardRange(shard, MAX_SHARDS));
        Tally tally = _tallies[_place(shard, epoch)].tally;
        // A tally of another epoch in the same ring entry counts as empty.
        return tally.tag() == EpochTagLib.tagOf(epoch) ? tally.withoutMarks() : Tally.wrap(0);
    }

    /// @dev Adds a chunk's votes to the tallies. The arithmetic is unchecked: shards and their number are bounded,
    /// and counts fit their lanes.
    function _count(
        Chunk calldata chunk,
        bytes32 y,
        uint256 expected,
        uint256 firstShard
    ) private returns (uint256 nextShard, uint256 votes) {
        nextShard = firstShard;
        uint256[] calldata words = chunk.words;
        uint256 base = chunk.base;
        uint32 epoch = chunk.epoch;
        uint256 tag = EpochTagLib.tagOf(epoch);
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                ReportWord word = ReportWord.wrap(words[i]);
                uint256 shard = base + word.offset();
                require(shard < MAX_SHARDS, PosShardRange(shard, MAX_SHARDS));
                require(shard >= nextShard, PosShardOrder(shard, nextShard));
                nextShard = shard + 1;
                uint256 weight = SortitionLib.weight(y, shard, expected);
                require(weight != 0, PosNotDrawn(shard));
                votes += _addReport(shard, epoch, tag, word, weight);
            }
        }
        // At most 512 in a lane, and 7,680 in all.
        votes = ReportWordLib.sum(votes);
    }

    /// @dev Adds one report to its tally. Returns lanes with 1 for each vote.
    function _addReport(
        uint256 shard,
        uint32 epoch,
        uint256 tag,
        ReportWord word,
        uint256 weight
    ) private returns (uint256 said) {
        bool wellFormed;
        (said, wellFormed) = word.parse();
        require(wellFormed, PosMalformedWord(word));
        Cell storage cell = _tallies[_place(shard, epoch)];
        Tally stored = cell.tally;
        if (stored.isEmpty() || stored.tag() != tag) {
            // The shard's first report of the epoch (an empty entry has the tag of the first epochs). The active
            // lanes of an epoch are fixed before it begins.
            stored = TallyLib.start(tag, IServiceRegistry(registry).activeLanes(shard, epoch));
        }
        uint256 votes = word.lanes();
        // If such votes were only ignored, an auditor could vote on its own inactive services to steer its samples
        // to them.
        uint256 refused = votes & stored.inactive();
        require(refused == 0, PosInactiveLane(shard, refused));
        cell.tally = stored.add(votes, weight);
    }

    /// @dev Pay of a chunk, before the budget's bound. Unchecked: a vote earns less than a budget.
    function _payOf(
        Chunk calldata chunk,
        bytes32 y,
        uint256 expected,
        uint256 quarterPay
    ) private view returns (uint256 reward, uint256 paidVotes) {
        uint256[16] memory table = PayLib.rates(quarterPay);
        uint256[] calldata words = chunk.words;
        uint256 base = chunk.base;
        uint256 tag = EpochTagLib.tagOf(chunk.epoch);
        uint256 entry = _place(0, chunk.epoch);
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                ReportWord word = ReportWord.wrap(words[i]);
                uint256 shard = base + word.offset();
                Tally stored = _tallies[shard * RING + entry].tally;
                if (stored.tag() != tag) continue;
                (uint256 pay, uint256 paid) = PayLib.report(stored.withoutMarks(), word, table);
                if (paid == 0) continue;
                paidVotes += paid;
                reward += pay * SortitionLib.weight(y, shard, expected);
            }
        }
        paidVotes = ReportWordLib.sum(paidVotes);
    }

    /// @dev Checks a chunk against the commitment.
    function _checkOpening(
        Chunk calldata chunk,
        Round storage round
    ) private view returns (bytes32 chunkHash) {
        require(
            chunk.index < chunk.count && chunk.count <= RoundLib.MAX_CHUNKS,
            PosChunkRange(chunk.index, chunk.count)
        );
        require(
            chunk.words.length <= RoundLib.MAX_WORDS,
            PosChunkTooLarge(chunk.words.length, RoundLib.MAX_WORDS)
        );
        uint256 last =
            chunk.words.length == 0
                ? chunk.base
                : chunk.base + ReportWord.wrap(chunk.words[chunk.words.length - 1]).offset();
        require(last < MAX_SHARDS, PosShardRange(last, MAX_SHARDS));
        chunkHash = RoundLib.chunkHash(chunk.index, chunk.base, chunk.words);
        bytes32 opened = RoundLib.commitment(
            chunk.auditor,
            chunk.epoch,
            RoundLib.chunksRoot(chunk.hashes),
            chunk.count,
            chunk.evidenceRoot,
            chunk.secret
        );
        require(
            chunk.hashes.length == chunk.count &&
                chunk.hashes[chunk.index] == chunkHash &&
                round.commitment == EpochTagLib.tagged(opened, chunk.epoch),
            PosCommitmentMismatch(chunk.auditor, chunk.epoch)
        );
    }

    /// @dev Checks the evidence for the votes that the sample seed selects.
    function _checkSamples(
        Chunk calldata chunk,
        bytes32 y,
        bytes32 chunkHash,
        uint32 sampleEpoch,
        Sample[] calldata samples
    ) private view {
        uint256[] calldata words = chunk.words;
        uint256 contacts = 0;
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                contacts += ReportWord.wrap(words[i]).contacts();
            }
        }
        contacts = ReportWordLib.sum(contacts);
        uint256 wanted = contacts == 0 ? 0 : RoundLib.SAMPLES;
        require(samples.length == wanted, PosSampleCount(samples.length, wanted));
        if (wanted == 0) return;

        Epoch storage entry = _seeded(sampleEpoch);
        uint32 previous = entry.previous;
        require(
            sampleEpoch >= chunk.epoch + 2 && previous < chunk.epoch + 2,
            PosNotSampleEpoch(sampleEpoch, previous)
        );
        bytes32 seed = entry.seed;
        for (uint256 i = 0; i < wanted; ++i) {
            uint256 place = RoundLib.sampledVote(seed, chunkHash, i, contacts);
            _checkReceipt(chunk, y, _contactAt(chunk, place), samples[i]);
        }
    }

    /// @dev Slot of a contact vote, by its index in word-then-lane order.
    function _contactAt(Chunk calldata chunk, uint256 place) private pure returns (Slot) {
        uint256[] calldata words = chunk.words;
        unchecked {
            uint256 i = 0;
            uint256 lanes = ReportWord.wrap(words[0]).contacts();
            for (
                uint256 count = ReportWordLib.sum(lanes);
                place >= count;
                count = ReportWordLib.sum(lanes)
            ) {
                place -= count;
                lanes = ReportWord.wrap(words[++i]).contacts();
            }
            uint256 lane = 0;
            for (; ; ++lane) {
                if ((lanes >> (lane * LANE_BITS)) & 1 == 0) continue;
                if (place == 0) break;
                --place;
            }
            return SlotLib.place(chunk.base + ReportWord.wrap(words[i]).offset(), lane);
        }
    }

    function _checkReceipt(
        Chunk calldata chunk,
        bytes32 y,
        Slot slot,
        Sample calldata sample
    ) private view {
        uint64 number = sample.number;
        (Slot held, bool active, address key) = IServiceRegistry(registry).auditAt(
            number,
            chunk.epoch
        );
        require(active && held.equals(slot), PosSampleSlot(number, slot));
        bytes32 leaf = RoundLib.evidenceLeaf(
            number,
            sample.salt,
            sample.channel,
            sample.issuedAt,
            sample.signature
        );
        require(
            MerkleProof.verifyCalldata(sample.proof, chunk.evidenceRoot, leaf),
            PosEvidenceMissing(number)
        );
        uint256 start = uint256(epochStart(chunk.epoch)) * 1000;
        uint256 end = uint256(epochStart(chunk.epoch + 1)) * 1000;
        // In 256 bits, so that the time does not overflow.
        uint256 issuedAt = sample.issuedAt;
        require(
            issuedAt + RECEIPT_SLACK_MS >= start && issuedAt < end + RECEIPT_SLACK_MS,
            PosReceiptTime(number, sample.issuedAt)
        );
        address signer = ReceiptLib.signer(
            _domainSeparator(),
            ReceiptLib.structHash(
                ServiceIdLib.root(number),
                RoundLib.nonce(y, number, sample.salt),
                sample.channel,
                sample.issuedAt
            ),
            sample.signature
        );
        require(signer != address(0) && signer == key, PosReceiptSigner(number, signer));
    }

    /// @dev The stakes of an epoch are fixed before it begins, so the total at its tick is valid for all reveals.
    function _expectedWeight(
        Chunk calldata chunk,
        Epoch storage entry
    ) private view returns (uint256) {
        uint256 stake = IStaking(staking).auditorStakeAt(chunk.auditor, chunk.epoch);
        return stake == 0 ? 0 : SortitionLib.expectedWeight(stake, entry.enrolledStake);
    }

    /// @dev The index of a shard's tally. The caller has bounded the shard.
    function _place(uint256 shard, uint32 epoch) private pure returns (uint256) {
        unchecked {
            return shard * RING + (epoch % RING);
        }
    }

    function _isCommitted(Round storage round, uint32 epoch) private view returns (bool) {
        return EpochTagLib.carries(round.commitment, epoch);
    }
}
