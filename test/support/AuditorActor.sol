// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {vm} from "./Cheatcodes.sol";
import {Forgery, Round, RoundKit} from "./RoundKit.sol";
import {System, SystemLib} from "./System.sol";

/// @title AuditorActor
/// @notice An auditor: owner of the stake, holder of its hash chains, and its own worker. Another address is its
/// operator. It is honest unless a test gives it words or a forgery.
contract AuditorActor {
    using RoundKit for *;

    uint256 public constant CHAIN_LENGTH = 600;
    uint256 private constant LANES = 15;
    uint256 private constant K = 7;

    struct HashChain {
        bytes32 start;
        uint32 usableFrom;
    }

    address public immutable OPERATOR;
    System private _s;
    HashChain[] private _chains;
    mapping(uint32 epoch => bytes) private _rounds;

    constructor(System memory s, string memory name) {
        _s = s;
        OPERATOR = vm.addr(uint256(keccak256(bytes(name))) >> 1);
        vm.label(address(this), name);
    }

    /// @notice Stakes, paid by the treasury, and enrols.
    function join(uint96 stake_) external {
        stake(stake_);
        enrol();
    }

    function stake(uint96 amount) public {
        SystemLib.fund(_s, address(this), amount);
        _s.token.approve(address(_s.staking), amount);
        _s.staking.stakeAuditor(amount);
    }

    function unstake(uint96 amount) external {
        _s.staking.unstakeAuditor(amount);
    }

    /// @notice Registers the tip of a new chain.
    function enrol() public {
        _s.pos.enrol(nextTip(), OPERATOR);
        _chains.push(HashChain(_start(_chains.length), _s.pos.currentEpoch() + 2));
    }

    function setOperator(address operator) external {
        _s.pos.setOperator(operator);
    }

    /// @notice Votes the same grade on every active service of every shard that it drew, and commits.
    function commit(uint32 epoch, uint256 grade) external {
        commitWords(epoch, honestWords(epoch, grade), 512);
    }

    /// @notice Commits to words, whose offsets count from shard 0, in chunks of a given size.
    function commitWords(uint32 epoch, uint256[] memory words, uint256 perChunk) public {
        Forgery memory honest;
        commitForged(epoch, words, perChunk, honest);
    }

    /// @notice Commits to words with evidence that may be forged.
    function commitForged(
        uint32 epoch,
        uint256[] memory words,
        uint256 perChunk,
        Forgery memory forgery
    ) public {
        Round memory round = RoundKit.build(
            _s,
            address(this),
            epoch,
            secret(epoch),
            RoundKit.chunks(words, perChunk),
            forgery
        );
        commitRound(epoch, round);
    }

    /// @notice An honest round, without a commitment.
    function buildChunks(
        uint32 epoch,
        uint256[] memory words,
        uint256 perChunk
    ) external view returns (Round memory) {
        Forgery memory honest;
        return
            RoundKit.build(
                _s,
                address(this),
                epoch,
                secret(epoch),
                RoundKit.chunks(words, perChunk),
                honest
            );
    }

    /// @notice An honest round, except for its secret.
    function build(
        uint32 epoch,
        uint256 grade,
        bytes32 secret_
    ) external view returns (Round memory) {
        Forgery memory honest;
        return
            RoundKit.build(
                _s,
                address(this),
                epoch,
                secret_,
                RoundKit.chunks(honestWords(epoch, grade), 512),
                honest
            );
    }

    /// @notice Commits to a round that was built elsewhere.
    function commitRound(uint32 epoch, Round memory round) public {
        _rounds[epoch] = abi.encode(round);
        vm.prank(OPERATOR);
        _s.pos.commit(address(this), epoch, round.commitment);
    }

    /// @notice Reveals all chunks.
    function reveal(uint32 epoch) external {
        IProofOfService.Chunk[] memory list = roundAt(epoch).chunks;
        for (uint256 i = 0; i < list.length; ++i) {
            _s.pos.reveal(list[i]);
        }
    }

    /// @notice Claims all chunks with the samples that the epoch's sample seed asks for.
    function claim(uint32 epoch, uint32 sampleEpoch) external returns (uint256 reward) {
        Round memory round = roundAt(epoch);
        (bytes32 seed, , , ) = _s.pos.seedOf(sampleEpoch);
        for (uint256 i = 0; i < round.chunks.length; ++i) {
            reward += _s.pos.claim(round.chunks[i], sampleEpoch, round.samples(i, seed));
        }
    }

    /// @notice The committed round.
    function roundAt(uint32 epoch) public view returns (Round memory round) {
        return abi.decode(_rounds[epoch], (Round));
    }

    /// @notice A chunk of the committed round.
    function chunkAt(
        uint32 epoch,
        uint256 index
    ) external view returns (IProofOfService.Chunk memory) {
        return roundAt(epoch).chunks[index];
    }

    /// @notice The samples for a chunk of the committed round.
    function samplesAt(
        uint32 epoch,
        uint256 index,
        uint32 sampleEpoch
    ) external view returns (IProofOfService.Sample[] memory) {
        (bytes32 seed, , , ) = _s.pos.seedOf(sampleEpoch);
        return roundAt(epoch).samples(index, seed);
    }

    /// @notice Whether a round of the epoch could be revealed: a chain is usable and long enough, and its head is not
    /// too old.
    function usableIn(uint32 epoch) external view returns (bool) {
        (, , uint32 head, , uint32 pending) = _s.pos.auditorOf(address(this));
        if (pending != 0 && pending <= epoch) head = pending - 1;
        if (head == 0 || epoch - head > 512) return false;
        uint256 i = _chains.length;
        while (_chains[i - 1].usableFrom > epoch) --i;
        return epoch + 1 - _chains[i - 1].usableFrom <= CHAIN_LENGTH;
    }

    /// @notice The element of an epoch in the chain that is usable in it.
    function secret(uint32 epoch) public view returns (bytes32) {
        for (uint256 i = _chains.length; i > 0; --i) {
            HashChain memory chain = _chains[i - 1];
            if (chain.usableFrom > epoch) continue;
            return _walk(chain.start, CHAIN_LENGTH - (epoch + 1 - chain.usableFrom));
        }
        revert("no chain is usable in this epoch");
    }

    /// @notice The tip registered last.
    function lastTip() external view returns (bytes32) {
        return _walk(_chains[_chains.length - 1].start, CHAIN_LENGTH);
    }

    /// @notice The tip that {enrol} would register now.
    function nextTip() public view returns (bytes32) {
        return _walk(_start(_chains.length), CHAIN_LENGTH);
    }

    /// @notice The weight that it drew in a shard: the protocol's formula, written out.
    function weightIn(uint32 epoch, uint256 shard) public view returns (uint256) {
        uint256 mine = _s.staking.auditorStakeAt(address(this), epoch);
        if (mine == 0) return 0;
        (, , uint256 total) = _s.staking.totalsAt(epoch);
        uint256 expected = (K * mine * 2 ** 64) / total;
        if (expected > 15 * 2 ** 64) expected = 15 * 2 ** 64;
        bytes32 y = RoundKit.drawKey(_s, address(this), epoch, secret(epoch));
        uint256 ticket = uint256(keccak256(abi.encode(y, shard))) >> 192;
        return expected / 2 ** 64 + (ticket < expected % 2 ** 64 ? 1 : 0);
    }

    /// @notice Words for every shard that it drew: the same grade for all active services.
    function honestWords(uint32 epoch, uint256 grade) public view returns (uint256[] memory words) {
        uint256 shards = (_s.registry.slotCount() + LANES - 1) / LANES;
        uint256[] memory found = new uint256[](shards);
        uint256 count = 0;
        for (uint256 shard = 0; shard < shards; ++shard) {
            uint256 lanes = _s.registry.activeLanes(shard, epoch);
            if (lanes == 0 || weightIn(epoch, shard) == 0) continue;
            found[count++] = RoundKit.word(shard, lanes, grade);
        }
        words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            words[i] = found[i];
        }
    }

    function _start(uint256 index) private view returns (bytes32) {
        return keccak256(abi.encode("chain", address(this), index));
    }

    function _walk(bytes32 element, uint256 steps) private pure returns (bytes32) {
        for (uint256 i = 0; i < steps; ++i) {
            element = keccak256(abi.encode(element));
        }
        return element;
    }
}
