// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {ChallengeKit} from "../support/ChallengeKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {Evidence, RoundKit} from "../support/RoundKit.sol";
import {CHALLENGE_BOND, GENESIS, System, SystemLib} from "../support/System.sol";

/// @notice The question, the time to answer it, and valid answers.
contract ChallengeRespondTest is Deployment {
    using ChallengeKit for System;

    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    /// @dev 80% of the bond.
    uint256 private constant PAID = 40e18;
    address private constant PAYOUT = address(0x9a70);
    address private constant OTHER = address(0x07e4);

    uint256 private _id;

    function setUp() public override {
        super.setUp();
        registerServices(2);
        enter(2);
        _id = system().open(STRANGER, 1);
    }

    function test_TheSeedOfTheEpochOfOpeningIsNoQuestion() public {
        // Recorded after the challenge, but its block is older.
        tick(2);
        _expectNoQuestion();
        enter(3);
        _expectNoQuestion();
    }

    function test_TheFirstSeedOfALaterEpochAsks() public {
        tick(2);
        jump(3, 7);
        tick(3);
        (bytes32 nonce, uint64 deadline) = book.questionOf(_id);
        vm.assertEq(nonce, system().question(_id, 3), "from the seed and the challenge's number");
        vm.assertEq(deadline, GENESIS + 3 * 12 + 7 + 30, "30 s from the record");

        enterAndTick(4);
        (bytes32 later, uint64 same) = book.questionOf(_id);
        vm.assertEq(later, nonce, "no later seed moves it");
        vm.assertEq(same, deadline, "nor its deadline");
    }

    function test_WhereEpochsGetNoSeedTheNextOneAsks() public {
        for (uint32 epoch = 4; epoch <= 5; ++epoch) {
            uint256 snapshot = vm.snapshotState();
            enterAndTick(epoch);
            (bytes32 nonce, ) = book.questionOf(_id);
            vm.assertEq(nonce, system().question(_id, epoch), "the first");
            vm.revertToState(snapshot);
        }
        enterAndTick(6);
        _expectNoQuestion();
    }

    function test_TheTimeToAnswerRunsFromTheRecordHoweverLateItIs() public {
        // The last second in which the seed of epoch 3 can still give a question.
        jump(5, 11);
        tick(3);
        (bytes32 nonce, uint64 deadline) = book.questionOf(_id);
        vm.assertEq(nonce, system().question(_id, 3), "question");
        vm.assertEq(deadline, GENESIS + 71 + 30, "full time");
    }

    function test_AnyoneAnswersAndTheBondGoesToThePayoutAddress() public {
        vm.prank(PROVIDER);
        registry.setPayout(1, PAYOUT);
        enterAndTick(3);
        bytes memory proof = system().answer(_id);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(book));
        emit IChallengeBook.ChallengeAnswered(_id, 1, PAYOUT, PAID);
        vm.prank(OTHER);
        book.respond(_id, proof);

        vm.assertEq(token.balanceOf(PAYOUT), PAID, "paid");
        vm.assertEq(supply - token.totalSupply(), CHALLENGE_BOND - PAID, "the rest is burned");
        vm.assertEq(token.balanceOf(address(book)), 0, "nothing stays");
        vm.assertEq(serviceStakeAt(1, 4), 1_000e18, "no stake was lost");
        vm.assertTrue(book.challengeOf(_id).state == IChallengeBook.State.Answered, "state");
        vm.assertEq(book.openChallenge(1), 0, "not open any more");
        vm.assertEq(system().open(STRANGER, 1), 2, "another may follow at once");
    }

    function test_WithoutAPayoutAddressTheOwnerIsPaid() public {
        enterAndTick(3);
        book.respond(_id, system().answer(_id));
        vm.assertEq(token.balanceOf(PROVIDER), PAID, "the owner");
    }

    function test_TheLastSecondToAnswer() public {
        enterAndTick(3);
        bytes memory proof = system().answer(_id);
        (, uint64 deadline) = book.questionOf(_id);
        vm.warp(deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeTooLate.selector, _id, deadline)
        );
        book.respond(_id, proof);
        vm.warp(deadline);
        book.respond(_id, proof);
        vm.assertEq(token.balanceOf(PROVIDER), PAID, "in time");
    }

    function test_RevertsWhen_TheProofIsNone() public {
        enterAndTick(3);
        bytes memory good = system().answer(_id);
        _refuse("", "empty");
        _refuse(new bytes(97), "zeros");
        _refuse(abi.encodePacked(keccak256("a"), keccak256("b"), keccak256("c"), uint8(27)), "any");
        _refuse(new bytes(100_000), "oversized");
        _refuse(bytes.concat(good, hex"00"), "a byte too many");
        _refuse(abi.encodePacked(bytes32(_id)), "no signature");
        _refuse(abi.encodePacked(_twin(good)), "the malleable twin");
        good[96] = bytes1(uint8(good[96]) - 27);
        _refuse(good, "v of 0 or 1");
        good[96] = bytes1(uint8(good[96]) + 27);
        book.respond(_id, good);
        vm.assertEq(token.balanceOf(PROVIDER), PAID, "the right one still serves");
    }

    function test_RevertsWhen_SomethingElseWasSigned() public {
        uint256 second = system().open(STRANGER, 2);
        enterAndTick(3);
        uint256 key = SystemLib.serviceKey(1);
        bytes32 nonce = system().question(_id, 3);
        _refuse(system().proof(0xbad, _id, nonce), "by another key");
        _refuse(system().proof(key, _id, keccak256("other")), "another question");
        _refuse(system().answer(second), "another service's answer");
        bytes memory other = system().proof(key, second, system().question(second, 3));
        _refuse(other, "for another challenge");
        // Also not with this challenge's number written into it.
        other[31] = bytes1(uint8(_id));
        _refuse(other, "relabelled");
    }

    function test_RevertsWhen_TheSignatureIsThatOfAReceipt() public {
        enterAndTick(3);
        // A client that sends the question as its nonce gets a receipt for it.
        bytes32 nonce = system().question(_id, 3);
        bytes32 receipt = keccak256(
            abi.encode(
                keccak256(
                    "ServiceReceipt(bytes32 serviceId,bytes32 nonce,bytes32 channel,uint64 issuedAt)"
                ),
                uint256(1) << 192,
                nonce,
                keccak256("channel"),
                uint64(1)
            )
        );
        bytes32 digest = keccak256(
            abi.encodePacked(hex"1901", registry.domainSeparator(), receipt)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SystemLib.serviceKey(1), digest);
        _refuse(abi.encodePacked(_id, r, s, v), "a receipt for the question");
    }

    function test_AReceiptOfARoundIsNoAnswer() public {
        enterAndTick(3);
        Evidence memory e;
        (e.number, e.salt, e.channel, e.issuedAt) = (1, keccak256("salt"), keccak256("c"), 1);
        bytes32 digest = RoundKit.receiptDigest(system(), e, system().question(_id, 3));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SystemLib.serviceKey(1), digest);
        _refuse(abi.encodePacked(_id, r, s, v), "an auditor's evidence");
    }

    function test_RevertsWhen_ItIsNotOpen() public {
        enterAndTick(3);
        bytes memory proof = system().answer(_id);
        book.respond(_id, proof);
        _expectNotOpen(_id, IChallengeBook.State.Answered);
        book.respond(_id, proof);
        _expectNotOpen(_id, IChallengeBook.State.Answered);
        book.annul(_id);
        vm.warp(vm.getBlockTimestamp() + 100);
        _expectNotOpen(_id, IChallengeBook.State.Answered);
        book.resolve(_id);
        _expectNotOpen(99, IChallengeBook.State.None);
        book.respond(99, proof);
        (bytes32 nonce, uint64 deadline) = book.questionOf(99);
        vm.assertTrue(nonce == 0 && deadline == 0, "nor has it a question");
    }

    /// @dev The other signature that plain `ecrecover` accepts for the same message.
    function _twin(bytes memory proof) private pure returns (bytes memory twin) {
        twin = bytes.concat(proof);
        bytes32 s;
        assembly {
            s := mload(add(twin, 96))
        }
        bytes32 high = bytes32(N - uint256(s));
        assembly {
            mstore(add(twin, 96), high)
        }
        twin[96] = bytes1(55 - uint8(twin[96]));
    }

    /// @dev Expects a revert by name, without a change.
    function _refuse(bytes memory proof, string memory what) private {
        (bool ok, bytes memory reason) = address(book).call(
            abi.encodeCall(book.respond, (_id, proof))
        );
        vm.assertFalse(ok, what);
        vm.assertEq(
            keccak256(reason),
            keccak256(abi.encodeWithSelector(IChallengeBook.ChallengeProofRejected.selector, _id)),
            what
        );
        vm.assertEq(book.openChallenge(1), _id, what);
        vm.assertEq(token.balanceOf(PROVIDER), 0, what);
    }

    function _expectNoQuestion() private {
        (bytes32 nonce, uint64 deadline) = book.questionOf(_id);
        vm.assertTrue(nonce == 0 && deadline == 0, "no question");
        bytes memory refusal = abi.encodeWithSelector(
            IChallengeBook.ChallengeNoQuestion.selector,
            _id
        );
        vm.expectRevert(refusal);
        book.respond(_id, new bytes(97));
        vm.expectRevert(refusal);
        book.resolve(_id);
    }

    function _expectNotOpen(uint256 id, IChallengeBook.State state) private {
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeBook.ChallengeNotOpen.selector, id, state)
        );
    }
}
