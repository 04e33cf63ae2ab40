// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {PayLib} from "../libraries/PayLib.sol";
import {ReceiptLib} from "../libraries/ReceiptLib.sol";
import {RoundLib} from "../libraries/RoundLib.sol";
import {ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {MAX_SHARDS, TallyLib} from "../libraries/TallyLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {AuditorRoster} from "./AuditorRoster.sol";
import {IProofOfService} from "./IProofOfService.sol";

/// @title AuditRounds
/// @notice The part of `ProofOfService` that knows rounds: commit, reveal and claim, and the report of a
/// round that was not revealed.
abstract contract AuditRounds is AuditorRoster {
    /// @notice Epochs in which a round can be claimed.
    uint32 public constant CLAIM_EPOCHS = 128;
    /// @notice How far a receipt's time may lie outside its epoch, in milliseconds.
    uint64 public constant RECEIPT_SLACK_MS = 60_000;
    /// @notice A committed round that was not revealed can be reported until this many epochs after it.
    uint32 public constant REPORT_EPOCHS = 8;
    /// @notice Part of its stake that such a round costs an auditor: 0.01%.
    uint256 public constant NO_SHOW_DIVISOR = 10_000;

    struct Round {
        // slot 0: the commitment's upper 244 bits over the epoch's tag
        uint256 commitment;
        // slot 1
        uint32 epoch;
        uint32 nextShard;
        uint16 revealed;
        uint16 count;
        uint128 claimed;
    }

    mapping(address auditor => Round[RING]) private _rounds;
    /// @dev Tallies as `TallyLib` stores them, `RING` for each shard. A plain table instead of a mapping:
    /// no hash for each shard of a reveal.
    uint256[MAX_SHARDS * RING] private _tallies;

    /// @inheritdoc IProofOfService
    function commit(address auditor, uint32 epoch, bytes32 commitment) external {
        uint32 current = currentEpoch();
        require(epoch == current, PosNotCommitEpoch(epoch, current));
        _checkCommitter(auditor, epoch);
        Round storage round = _rounds[auditor][epoch % RING];
        require(!_isCommitted(round, epoch), PosAlreadyCommitted(auditor, epoch));

        round.commitment = _tagged(commitment, epoch);
        emit Committed(auditor, epoch);
    }

    /// @inheritdoc IProofOfService
    function reveal(Chunk calldata chunk) external {
        uint32 current = currentEpoch();
        // In 256 bits, so that no epoch overflows.
        require(current == uint256(chunk.epoch) + 1, PosNotRevealEpoch(chunk.epoch, current));
        bytes32 seed = _seeded(chunk.epoch).seed;
        Round storage round = _rounds[chunk.auditor][chunk.epoch % RING];
        _checkOpening(chunk, round);
        bool begun = round.epoch == chunk.epoch;
        uint16 next = begun ? round.revealed : 0;
        require(chunk.index == next, PosChunkOutOfOrder(chunk.index, next));

        _showSecret(chunk.auditor, chunk.epoch, chunk.secret);
        (uint256 nextShard, uint256 votes) = _count(chunk, seed, begun ? round.nextShard : 0);
        round.epoch = chunk.epoch;
        round.nextShard = uint32(nextShard);
        round.revealed = next + 1;
        round.count = chunk.count;
        if (!begun) round.claimed = 0;
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
        uint128 bit = uint128(1) << chunk.index;
        require(
            round.epoch == chunk.epoch && chunk.index < round.revealed && round.claimed & bit == 0,
            PosNotClaimable(chunk.auditor, chunk.epoch, chunk.index)
        );
        bytes32 y = SortitionLib.drawKey(entry.seed, chunk.secret, chunk.auditor);
        _checkSamples(chunk, y, chunkHash, sampleEpoch, samples);

        round.claimed |= bit;
        uint256 paidVotes;
        (reward, paidVotes) = _payOf(chunk, y, entry.quarterPay);
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
        // Without a seed nobody can reveal, nor with one that was recorded when the time for it was over.
        uint64 recordedAt = genesis + _seeded(epoch).recordedAt;
        require(recordedAt < epochStart(epoch + 2), PosSeedTooLate(epoch, recordedAt));
        Round storage round = _rounds[auditor][epoch % RING];
        bool complete = round.epoch == epoch && round.revealed == round.count;
        require(_isCommitted(round, epoch) && !complete, PosNothingToReport(auditor, epoch));

        // No second report, and no claim of what was revealed of it.
        round.commitment = 0;
        (uint256 stake, ) = IStaking(staking).auditorStakeAt(auditor, epoch);
        // Rounded up, against the auditor.
        uint96 penalty = uint96((stake + NO_SHOW_DIVISOR - 1) / NO_SHOW_DIVISOR);
        emit Reported(auditor, epoch, msg.sender);

        // Our own staking contract: it pays the caller its half and burns the rest.
        return IStaking(staking).slashAuditor(auditor, penalty, msg.sender);
    }

    /// @inheritdoc IProofOfService
    function roundOf(
        address auditor,
        uint32 epoch
    ) external view returns (bool committed, uint16 revealed, uint128 claimed) {
        Round storage round = _rounds[auditor][epoch % RING];
        committed = _isCommitted(round, epoch);
        if (round.epoch == epoch) (revealed, claimed) = (round.revealed, round.claimed);
    }

    /// @inheritdoc IProofOfService
    function tallyOf(uint256 shard, uint32 epoch) external view returns (uint256) {
        require(shard < MAX_SHARDS, PosShardRange(shard, MAX_SHARDS));
        return _tally(shard, epoch);
    }

    /// @dev The tally of a shard; the ring may hold another epoch's, which counts as none.
    function _tally(uint256 shard, uint32 epoch) internal view returns (uint256 tally) {
        tally = _tallies[_place(shard, epoch)];
        tally = tally >> 244 == _tag(epoch) ? TallyLib.tallyOf(tally) : 0;
    }

    /// @dev Adds a chunk's votes to the tallies. Unchecked: shards and their number were bounded, counts
    /// fit their lanes.
    function _count(
        Chunk calldata chunk,
        bytes32 seed,
        uint256 firstShard
    ) private returns (uint256 nextShard, uint256 votes) {
        nextShard = firstShard;
        uint256 expected = _expectedWeight(chunk.auditor, chunk.epoch);
        bytes32 y = SortitionLib.drawKey(seed, chunk.secret, chunk.auditor);
        uint256[] calldata words = chunk.words;
        uint256 base = chunk.base;
        uint32 epoch = chunk.epoch;
        uint256 tag = _tag(epoch);
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                uint256 word = words[i];
                uint256 shard = base + (word >> 240);
                require(shard < MAX_SHARDS, PosShardRange(shard, MAX_SHARDS));
                require(shard >= nextShard, PosShardOrder(shard, nextShard));
                nextShard = shard + 1;
                uint256 weight = SortitionLib.weight(y, shard, expected);
                require(weight != 0, PosNotDrawn(shard));
                votes += _addReport(shard, epoch, tag, word, weight);
            }
        }
        // At most 512 in a lane, and 7,680 in all.
        votes = TallyLib.sum(votes);
    }

    /// @dev Adds one report to its tally. Returns lanes with 1 where there was a vote.
    function _addReport(
        uint256 shard,
        uint32 epoch,
        uint256 tag,
        uint256 word,
        uint256 weight
    ) private returns (uint256 said) {
        bool wellFormed;
        (said, wellFormed) = TallyLib.parse(word);
        require(wellFormed, PosMalformedWord(word));
        uint256 place = _place(shard, epoch);
        uint256 stored = _tallies[place];
        if (stored == 0 || stored >> 244 != tag) {
            // The shard's first report of the epoch (an empty entry has the tag of the first epochs). What
            // is active in an epoch is fixed before it begins.
            stored = TallyLib.start(tag, IServiceRegistry(registry).activeLanes(shard, epoch));
        }
        uint256 votes = TallyLib.lanesOf(word);
        // Were such votes only not counted, an auditor could vote on services of its own that it left
        // inactive, and have its samples fall on them.
        uint256 refused = votes & TallyLib.inactive(stored);
        require(refused == 0, PosInactiveLane(shard, refused));
        _tallies[place] = TallyLib.add(stored, votes, weight);
    }

    /// @dev What a chunk earned, before the budget's bound. Unchecked: a vote earns less than a budget.
    function _payOf(
        Chunk calldata chunk,
        bytes32 y,
        uint256 quarterPay
    ) private view returns (uint256 reward, uint256 paidVotes) {
        uint256 expected = _expectedWeight(chunk.auditor, chunk.epoch);
        uint256[16] memory table = PayLib.rates(quarterPay);
        uint256[] calldata words = chunk.words;
        uint256 base = chunk.base;
        uint32 epoch = chunk.epoch;
        uint256 tag = _tag(epoch);
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                uint256 word = words[i];
                uint256 shard = base + (word >> 240);
                uint256 stored = _tallies[_place(shard, epoch)];
                if (stored >> 244 != tag) continue;
                (uint256 pay, uint256 paid) = PayLib.report(TallyLib.tallyOf(stored), word, table);
                if (paid == 0) continue;
                paidVotes += paid;
                reward += pay * SortitionLib.weight(y, shard, expected);
            }
        }
        paidVotes = TallyLib.sum(paidVotes);
    }

    /// @dev Opens the commitment with a chunk.
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
                : chunk.base + (chunk.words[chunk.words.length - 1] >> 240);
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
                round.commitment == _tagged(opened, chunk.epoch),
            PosCommitmentMismatch(chunk.auditor, chunk.epoch)
        );
    }

    /// @dev Checks the evidence for the votes that the sample seed picks.
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
                contacts += TallyLib.contactsIn(words[i]);
            }
        }
        contacts = TallyLib.sum(contacts);
        uint256 wanted = contacts == 0 ? 0 : RoundLib.SAMPLES;
        require(samples.length == wanted, PosSampleCount(samples.length, wanted));
        if (wanted == 0) return;

        Epoch storage entry = _seeded(sampleEpoch);
        require(
            sampleEpoch >= chunk.epoch + 2 && entry.previous < chunk.epoch + 2,
            PosNotSampleEpoch(sampleEpoch, entry.previous)
        );
        for (uint256 i = 0; i < wanted; ++i) {
            uint256 place = RoundLib.sampledVote(entry.seed, chunkHash, i, contacts);
            _checkReceipt(chunk, y, _contactAt(chunk, place), samples[i]);
        }
    }

    /// @dev Service number of a contact vote, by its place in word-then-lane order.
    function _contactAt(Chunk calldata chunk, uint256 place) private pure returns (uint64) {
        uint256[] calldata words = chunk.words;
        unchecked {
            uint256 i = 0;
            uint256 lanes = TallyLib.contactsIn(words[0]);
            for (uint256 count = TallyLib.sum(lanes); place >= count; count = TallyLib.sum(lanes)) {
                place -= count;
                lanes = TallyLib.contactsIn(words[++i]);
            }
            uint256 lane = 0;
            for (; ; ++lane) {
                if ((lanes >> (lane * 16)) & 1 == 0) continue;
                if (place == 0) break;
                --place;
            }
            uint256 shard = chunk.base + (words[i] >> 240);
            return uint64(shard * TallyLib.LANES + lane + 1);
        }
    }

    function _checkReceipt(
        Chunk calldata chunk,
        bytes32 y,
        uint64 number,
        Sample calldata sample
    ) private view {
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
        // As 256 bits, so that no time overflows.
        uint256 issuedAt = sample.issuedAt;
        require(
            issuedAt + RECEIPT_SLACK_MS >= start && issuedAt < end + RECEIPT_SLACK_MS,
            PosReceiptTime(number, sample.issuedAt)
        );
        IServiceRegistry services = IServiceRegistry(registry);
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
        require(
            signer != address(0) && signer == services.keyAt(number, chunk.epoch),
            PosReceiptSigner(number, signer)
        );
    }

    function _expectedWeight(address auditor, uint32 epoch) private view returns (uint256) {
        (uint256 stake, uint256 total) = IStaking(staking).auditorStakeAt(auditor, epoch);
        return stake == 0 ? 0 : SortitionLib.expectedWeight(stake, total);
    }

    /// @dev Where the tally of a shard stands. The shard was bounded.
    function _place(uint256 shard, uint32 epoch) private pure returns (uint256) {
        unchecked {
            return shard * RING + (epoch % RING);
        }
    }

    function _isCommitted(Round storage round, uint32 epoch) private view returns (bool) {
        uint256 commitment = round.commitment;
        return commitment != 0 && commitment & 0xfff == _tag(epoch);
    }

    /// @dev 244 bits of a hash bind as well as 256; the tag says whose epoch the entry is, in one slot.
    function _tagged(bytes32 commitment, uint32 epoch) private pure returns (uint256) {
        return (uint256(commitment) & ~uint256(0xfff)) | _tag(epoch);
    }
}
