// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Forgery, Round, RoundKit} from "../support/RoundKit.sol";

/// @notice Evidence for the votes that the sample seed selects. There is one service, so both samples select it.
contract SamplesTest is Deployment {
    AuditorActor private _alice;
    IProofOfService.Sample[] private _none;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = newAuditor("alice", 5_000e18);
        enterAndTick(2);
    }

    function test_EvidenceForBothSamplesIsPaid() public {
        _round(_honest());
        vm.assertGt(_alice.claim(2, 4), 0, "paid");
    }

    function test_OnlyTheFirstSeedAfterTheRevealPicks() public {
        _round(_honest());
        enterAndTick(5);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 5);
        _expectEpoch(5, 4);
        pos.claim(chunk, 5, samples);
        _expectEpoch(2, 0);
        pos.claim(chunk, 2, samples);
        vm.assertGt(_alice.claim(2, 4), 0, "the first one does");
    }

    function test_WithEpochsSkippedTheFirstSeedIsLater() public {
        _alice.commit(2, 3);
        enterAndTick(3);
        _alice.reveal(2);
        enterAndTick(9);
        enterAndTick(10);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 3);
        // The seed of the reveal's epoch is known too early.
        _expectEpoch(3, 2);
        pos.claim(chunk, 3, samples);
        _expectEpoch(10, 9);
        pos.claim(chunk, 10, samples);
        vm.assertGt(_alice.claim(2, 9), 0, "epoch 9");
    }

    function test_ReceiptsAtTheEdgesOfTheSlack() public {
        uint64 start = registry.epochStart(2) * 1000;
        _round(_issuedAt(start - 60_000));
        vm.assertGt(_alice.claim(2, 4), 0, "60 s before");

        enterAndTick(5);
        _alice.commitForged(
            5,
            _alice.honestWords(5, 3),
            512,
            _issuedAt(start + 4 * 12_000 + 59_999)
        );
        enterAndTick(6);
        _alice.reveal(5);
        enterAndTick(7);
        vm.assertGt(_alice.claim(5, 7), 0, "just under 60 s after");
    }

    function test_VotesOfFailedNeedNoSamples() public {
        _alice.commit(2, 0);
        enter(3);
        _alice.reveal(2);
        enter(4);
        (, , uint256 budget, ) = budgetOf(2);
        // No later seed is recorded, and none is needed.
        uint256 reward = pos.claim(_alice.chunkAt(2, 0), 4, _none);
        vm.assertEq(reward, (budget / (4 * 7)) * 7, "a quarter");
    }

    function test_FabricatedVotesEarnNothingAndSpoilTheirChunkOnly() public {
        registerServices(15);
        enterAndTick(4);
        // Service 16, alone in its chunk, was never contacted.
        Round memory round = _alice.buildChunks(4, _alice.honestWords(4, 3), 1);
        Round memory partly = _alice.buildChunks(4, _first(_alice.honestWords(4, 3)), 1);
        round = RoundKit.withEvidence(round, partly.evidence);
        _alice.commitRound(4, round);
        enterAndTick(5);
        _alice.reveal(4);
        enterAndTick(6);

        IProofOfService.Chunk memory fabricated = _alice.chunkAt(4, 1);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(4, 1, 6);
        _expectMissing(16);
        pos.claim(fabricated, 6, samples);
        samples = _alice.samplesAt(4, 0, 6);
        vm.assertGt(pos.claim(_alice.chunkAt(4, 0), 6, samples), 0, "the other chunk is paid");
    }

    function test_RevertsWhen_TheEvidenceIsMissing() public {
        Forgery memory forgery;
        forgery.omit = true;
        _round(forgery);
        _claimExpecting(abi.encodeWithSelector(IProofOfService.PosEvidenceMissing.selector, 1));
    }

    function test_RevertsWhen_TheEvidenceIsOfAnotherServiceOrAltered() public {
        registerServices(1);
        enterAndTick(4);
        _alice.commit(4, 3);
        enter(5);
        _alice.reveal(4);
        enterAndTick(6);
        IProofOfService.Chunk memory chunk = _alice.chunkAt(4, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(4, 0, 6);
        uint64 asked = samples[0].number;
        samples[0] = RoundKit.sample(_alice.roundAt(4), uint40(3 - asked));
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosSampleSlot.selector, 3 - asked, asked)
        );
        pos.claim(chunk, 6, samples);
        samples[0].number = asked;
        _expectMissing(asked);
        pos.claim(chunk, 6, samples);

        samples = _alice.samplesAt(4, 0, 6);
        samples[0].salt = keccak256("another");
        _expectMissing(asked);
        pos.claim(chunk, 6, samples);
    }

    function test_RevertsWhen_AnotherKeySigned() public {
        Forgery memory forgery;
        forgery.signingKey = 0xbad;
        _round(forgery);
        _expectSigner(vm.addr(0xbad));
    }

    function test_RevertsWhen_TheNonceIsThatOfAnotherAuditor() public {
        // Bob asked the service and gave Alice the receipt.
        Forgery memory forgery;
        forgery.drawKey = RoundKit.drawKey(system(), STRANGER, 2, keccak256("bob's secret"));
        _round(forgery);
        _expectSigner(_recovered(_alice.roundAt(2)));
    }

    function test_RevertsWhen_TheSignatureIsMalformed() public {
        Round memory round = _alice.buildChunks(2, _alice.honestWords(2, 3), 512);
        round.evidence[0].signature = hex"1234";
        _alice.commitRound(2, RoundKit.withEvidence(round, round.evidence));
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
        _expectSigner(address(0));
    }

    function test_RevertsWhen_TheReceiptIsTooOld() public {
        uint64 time = registry.epochStart(2) * 1000 - 60_001;
        _round(_issuedAt(time));
        _claimExpecting(abi.encodeWithSelector(IProofOfService.PosReceiptTime.selector, 1, time));
    }

    function test_RevertsWhen_TheReceiptIsTooNew() public {
        uint64 time = registry.epochStart(3) * 1000 + 60_000;
        _round(_issuedAt(time));
        _claimExpecting(abi.encodeWithSelector(IProofOfService.PosReceiptTime.selector, 1, time));
    }

    function test_RevertsWhen_TheNumberOfSamplesIsWrong() public {
        _round(_honest());
        _claimWithSamples(0, 2);
        _claimWithSamples(1, 2);
        _claimWithSamples(3, 2);
    }

    function test_RevertsWhen_SamplesAreGivenWhereNoneAreWanted() public {
        _alice.commit(2, 0);
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
        _claimWithSamples(2, 0);
    }

    function test_RevertsWhen_TheSampleEpochHasNoSeed() public {
        _alice.commit(2, 3);
        enter(3);
        _alice.reveal(2);
        enter(4);
        _claimExpecting(abi.encodeWithSelector(IProofOfService.PosNoSeed.selector, 4));
    }

    function _round(Forgery memory forgery) private {
        _alice.commitForged(2, _alice.honestWords(2, 3), 512, forgery);
        enter(3);
        _alice.reveal(2);
        enterAndTick(4);
    }

    function _honest() private pure returns (Forgery memory none) {}

    function _issuedAt(uint64 time) private pure returns (Forgery memory forgery) {
        forgery.issuedAt = time;
    }

    function _first(uint256[] memory words) private pure returns (uint256[] memory one) {
        one = new uint256[](1);
        one[0] = words[0];
    }

    /// @dev The recovered signer if the nonce is the auditor's own.
    function _recovered(Round memory round) private view returns (address) {
        bytes32 y = RoundKit.drawKey(system(), address(_alice), 2, _alice.secret(2));
        bytes memory signature = round.evidence[0].signature;
        bytes32 r;
        bytes32 s;
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
        bytes32 digest = RoundKit.receiptDigest(system(), round.evidence[0], y);
        return ecrecover(digest, uint8(signature[64]), r, s);
    }

    function _claimExpecting(bytes memory refusal) private {
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = _alice.samplesAt(2, 0, 4);
        vm.expectRevert(refusal);
        pos.claim(chunk, 4, samples);
    }

    function _claimWithSamples(uint256 given, uint256 wanted) private {
        IProofOfService.Chunk memory chunk = _alice.chunkAt(2, 0);
        IProofOfService.Sample[] memory samples = new IProofOfService.Sample[](given);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosSampleCount.selector, given, wanted)
        );
        pos.claim(chunk, 4, samples);
    }

    function _expectSigner(address signer) private {
        _claimExpecting(
            abi.encodeWithSelector(IProofOfService.PosReceiptSigner.selector, 1, signer)
        );
    }

    function _expectMissing(uint64 number) private {
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosEvidenceMissing.selector, number)
        );
    }

    function _expectEpoch(uint32 sampleEpoch, uint32 previous) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IProofOfService.PosNotSampleEpoch.selector,
                sampleEpoch,
                previous
            )
        );
    }
}
