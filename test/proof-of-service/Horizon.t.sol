// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {HeaderLib} from "../support/HeaderLib.sol";
import {RoundKit} from "../support/RoundKit.sol";
import {EPOCH_SECONDS, GENESIS, GENESIS_BLOCK, System, SystemLib} from "../support/System.sol";

/// @notice Attacks by a party that knows the seed of an epoch before it begins. On L1 this is the proposer of the
/// last block of the previous epoch, whose RANDAO reveal completes the value. On a rollup everyone sees the value of
/// the L1 block that the first blocks of the epoch will name.
abstract contract Foresight is Deployment {
    using SystemLib for System;

    uint32 internal constant E = 6;
    uint256 internal constant IDENTITIES = 60;
    uint96 internal constant LEAST = 5_000e18;

    AuditorActor internal _honest;
    uint64 internal _service;

    function setUp() public override {
        super.setUp();
        _service = registerService();
        _honest = newAuditor("honest", 450_000e18);
    }

    /// @dev Goes to the first moment at which the seed of `E` is known.
    function _foresee() internal virtual returns (bytes32 seed);

    /// @dev Records the seed.
    function _prove() internal virtual;

    /// @dev They have the minimum stake, and enrolled long before, so their secrets cannot be changed any more.
    function test_StakeAddedForAKnownDrawDoesNotCountInIt() public {
        AuditorActor[] memory crowd = _crowd();
        bytes32 seed = _foresee();
        (, uint96 total) = auditorStakeAt(address(_honest), E);
        uint256 lucky = _luckiest(crowd, seed, 400_000e18, total + 400_000e18);
        crowd[lucky].stake(400_000e18);

        enter(E);
        _prove();
        (bytes32 recorded, , , ) = pos.seedOf(E);
        vm.assertEq(recorded, seed, "as foreseen");
        (uint96 counted, uint96 all) = auditorStakeAt(address(crowd[lucky]), E);
        vm.assertEq(counted, LEAST, "what it had");
        vm.assertEq(all, total, "what all had");
        _vote(crowd[lucky], 0);
        vm.assertEq(
            tallyOf(0, E) >> 240,
            crowd[lucky].weightIn(E, 0) + _honest.weightIn(E, 0),
            "the weights of before"
        );
        (uint8 grade, bool quorate) = settlement.verdictOf(_service, E);
        vm.assertTrue(quorate && grade == 3, "the honest verdict");
    }

    /// @dev The same capital moves from one identity to the next before the seed is known. It would have to stay in
    /// each.
    function test_AnIdentityWithoutStakeIsNotEnrolled() public {
        AuditorActor[] memory crowd = _crowd();
        for (uint256 i = 0; i < crowd.length; ++i) {
            crowd[i].unstake(LEAST);
            (uint96 left, uint32 since) = staking.auditorStake(address(crowd[i]));
            vm.assertEq(left, 0, "no stake");
            vm.assertEq(since, 0, "no enrolment");
        }
        bytes32 seed = _foresee();
        (, uint96 total) = auditorStakeAt(address(_honest), E);
        vm.assertEq(total, 450_000e18, "only the honest one");
        uint256 lucky = _luckiest(crowd, seed, 50_000e18, 500_000e18);
        crowd[lucky].stake(50_000e18);
        enter(E);
        _prove();
        uint256[] memory words = new uint256[](1);
        words[0] = RoundKit.vote(0, 0);
        crowd[lucky].commitWords(E, words, 512);
        enter(E + 1);
        IProofOfService.Chunk memory chunk = crowd[lucky].chunkAt(E, 0);
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotDrawn.selector, 0));
        pos.reveal(chunk);
    }

    /// @dev A new identity can choose its secret, but not for an epoch whose seed may be known.
    function test_AnIdentityMadeForAKnownDrawIsNotInIt() public {
        bytes32 seed = _foresee();
        address made = address(0x3ade);
        uint256 expected = SortitionLib.expectedWeight(50_000e18, 500_000e18);
        bytes32 secret = keccak256("a first try");
        while (SortitionLib.weight(SortitionLib.drawKey(seed, secret, made), 0, expected) == 0) {
            secret = keccak256(abi.encode(secret));
        }
        _enrol(made, 50_000e18, SortitionLib.advance(secret, 1));
        enter(E);
        _prove();
        vm.expectRevert(abi.encodeWithSelector(IProofOfService.PosNotEnrolled.selector, made, E));
        vm.prank(made);
        pos.commit(made, E, keccak256("a round"));
        (, uint96 total) = auditorStakeAt(made, E);
        vm.assertEq(total, 450_000e18, "nor does its stake dilute the others'");
        (, total) = auditorStakeAt(made, E + 1);
        vm.assertEq(total, 500_000e18, "from the next on");
    }

    /// @dev After a bad draw the stake would be taken out, and the draw would become smaller.
    function test_StakeTakenAwayForAKnownDrawStillCountsInIt() public {
        AuditorActor leaving = newAuditor("leaving", 450_000e18);
        enter(E - 2);
        _foresee();
        leaving.unstake(450_000e18);
        (uint96 counted, uint96 total) = auditorStakeAt(address(leaving), E);
        vm.assertEq(counted, 450_000e18, "still");
        vm.assertEq(total, 900_000e18, "in all");
        (counted, ) = auditorStakeAt(address(leaving), E + 1);
        vm.assertEq(counted, 0, "from the next on");
    }

    /// @dev Its owner has a friend among the auditors, sees that the friend is drawn, and comes back for that
    /// epoch.
    function test_AServiceCannotLeaveMaintenanceForAKnownDraw() public {
        _setMaintenance(true);
        AuditorActor friend = newAuditor("friend", 450_000e18);
        _foresee();
        _setMaintenance(false);
        enter(E);
        _prove();
        vm.assertEq(registry.activeLanes(0, E), 0, "not in this one");
        vm.assertEq(registry.activeLanes(0, E + 1), 1, "in the next");
        uint256[] memory words = new uint256[](1);
        words[0] = RoundKit.vote(0, 3);
        friend.commitWords(E, words, 512);
        enter(E + 1);
        IProofOfService.Chunk memory chunk = friend.chunkAt(E, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosInactiveLane.selector, 0, words[0])
        );
        pos.reveal(chunk);
        enter(E + 2);
        tick(E + 2);
        vm.assertEq(settlement.settle(_service, E), 0, "nothing is paid for it");
    }

    /// @dev Leaving after a draw does not help either.
    function test_AServiceCannotEnterMaintenanceForAKnownDraw() public {
        _foresee();
        _setMaintenance(true);
        enter(E);
        _prove();
        _vote(_honest, 0);
        (uint8 grade, bool quorate) = settlement.verdictOf(_service, E);
        vm.assertTrue(quorate && grade == 0, "audited all the same");
        vm.assertEq(registry.activeLanes(0, E + 1), 0, "not in the next");
    }

    /// @dev Otherwise a larger stake would be paid in an epoch whose auditors are known.
    function test_StakeOfAServiceAddedForAKnownDrawIsNotPaidForInIt() public {
        _foresee();
        (, uint96 before) = staking.serviceStakeAt(_service, E);
        system().fund(PROVIDER, 50_000e18);
        vm.prank(PROVIDER);
        staking.stakeService(_service, 50_000e18);
        (, uint96 counted) = staking.serviceStakeAt(_service, E);
        vm.assertEq(counted, before, "as before");
        (, counted) = staking.serviceStakeAt(_service, E + 1);
        vm.assertEq(counted, before + 50_000e18, "from the next on");
    }

    /// @dev Another key would invalidate the evidence of the drawn auditors, or validate that of friends.
    function test_AKeyOrProbeSetForAKnownDrawIsNotUsedInIt() public {
        address old = registry.keyAt(_service, E);
        (bytes32 probe, ) = registry.probeAt(_service, E);
        _foresee();
        vm.startPrank(PROVIDER);
        registry.setKey(_service, address(0xbad));
        registry.setProbe(_service, "GET /easier");
        vm.stopPrank();
        vm.assertEq(registry.keyAt(_service, E), old, "the key");
        (bytes32 used, ) = registry.probeAt(_service, E);
        vm.assertEq(used, probe, "the probe");
        vm.assertEq(registry.keyAt(_service, E + 1), address(0xbad), "the key of the next");
        (used, ) = registry.probeAt(_service, E + 1);
        vm.assertEq(used, keccak256("GET /easier"), "the probe of the next");
    }

    function _crowd() private returns (AuditorActor[] memory crowd) {
        crowd = new AuditorActor[](IDENTITIES);
        for (uint256 i = 0; i < IDENTITIES; ++i) {
            crowd[i] = newAuditor(string.concat("identity", vm.toString(i)), LEAST);
        }
    }

    /// @dev The identity that would draw most with a stake: more than half of the total expected weight.
    function _luckiest(
        AuditorActor[] memory crowd,
        bytes32 seed,
        uint256 stake,
        uint256 total
    ) private view returns (uint256 best) {
        uint256 expected = SortitionLib.expectedWeight(stake, total);
        uint256 most = 0;
        for (uint256 i = 0; i < crowd.length; ++i) {
            bytes32 y = SortitionLib.drawKey(seed, crowd[i].secret(E), address(crowd[i]));
            uint256 weight = SortitionLib.weight(y, 0, expected);
            if (weight > most) (most, best) = (weight, i);
        }
        vm.assertGt(most * (1 << 64), expected, "luckier than most");
    }

    /// @dev The given auditor votes the given grade; the honest one, if different, votes EXCELLENT.
    function _vote(AuditorActor auditor, uint256 grade) private {
        bool alone = address(auditor) == address(_honest);
        auditor.commit(E, grade);
        if (!alone) _honest.commit(E, 3);
        enter(E + 1);
        auditor.reveal(E);
        if (!alone) _honest.reveal(E);
    }

    function _enrol(address auditor, uint96 stake, bytes32 tip) private {
        system().fund(auditor, stake);
        vm.startPrank(auditor);
        token.approve(address(staking), stake);
        staking.stakeAuditor(stake);
        pos.enrol(tip, auditor);
        vm.stopPrank();
    }

    function _setMaintenance(bool on) private {
        vm.prank(PROVIDER);
        registry.setMaintenance(_service, on);
    }
}

/// @notice L1: the proposer of the last block of the previous epoch knows the seed.
contract ForesightOnL1Test is Foresight {
    using SystemLib for System;

    function _foresee() internal override returns (bytes32) {
        jump(E - 1, EPOCH_SECONDS - 1);
        return system().seed(E);
    }

    function _prove() internal override {
        tick(E);
    }
}

/// @notice A rollup: each L1 block's value stands in several blocks. Here it is the same from the beginning of
/// the epoch before, which is longer than on any chain.
contract ForesightOnARollupTest is Foresight {
    uint256 private constant ORIGIN = uint256(keccak256("the L1 origin's prevrandao"));

    function _foresee() internal override returns (bytes32) {
        jump(E - 1, 0);
        return SortitionLib.seed(ORIGIN, E, block.chainid, address(pos));
    }

    function _prove() internal override {
        uint256 elapsed = uint256(E) * EPOCH_SECONDS;
        (uint256 number, uint256 time) = (GENESIS_BLOCK + elapsed, GENESIS + elapsed);
        bytes memory parent = HeaderLib.encode(keccak256("before"), number - 1, time - 1, ORIGIN);
        bytes memory first = HeaderLib.encode(keccak256(parent), number, time, ORIGIN);
        vm.setBlockhash(number, keccak256(first));
        pos.tick(first, parent);
    }
}
