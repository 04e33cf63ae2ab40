// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ITransferAuthorizations} from "../../contracts/token/ITransferAuthorizations.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";
import {OneDigestWallet, RefusingWallet, RevertingWallet} from "../support/Wallets.sol";

/// @notice EIP-3009, by the cases of the standard: submitter, time, repetition and signature.
contract TransferAuthorizationTest is Deployment {
    using SystemLib for System;

    uint256 private constant KEY = 0xb10c;
    uint256 private constant VALUE = 7e18;
    bytes32 private constant NONCE = keccak256("nonce");
    bytes32 private constant TRANSFER = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant CANCEL = keccak256(
        "CancelAuthorization(address authorizer,bytes32 nonce)"
    );

    struct Terms {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    Terms private _terms;

    function setUp() public override {
        super.setUp();
        uint256 now_ = vm.getBlockTimestamp();
        _terms = Terms(vm.addr(KEY), STRANGER, VALUE, now_ - 1, now_ + 100, NONCE);
        system().fund(vm.addr(KEY), 100e18);
    }

    // Submitter

    function test_AnyoneSubmitsWhatThePayerSigned() public {
        bytes memory signature = _sign(TRANSFER);
        vm.expectEmit(address(token));
        emit IERC3009.AuthorizationUsed(_terms.from, NONCE);
        vm.expectEmit(address(token));
        emit IERC20.Transfer(_terms.from, STRANGER, VALUE);
        vm.prank(PROVIDER);
        _transfer(signature);
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "received");
        vm.assertEq(token.balanceOf(_terms.from), 100e18 - VALUE, "paid");
        vm.assertTrue(token.authorizationState(_terms.from, NONCE), "used");
        vm.assertEq(token.allowance(_terms.from, PROVIDER), 0, "no allowance is left behind");
    }

    function test_VRSAndBytesAreTheSame() public {
        uint256 snapshot = vm.snapshotState();
        _transfer(_sign(TRANSFER));
        vm.revertToState(snapshot);
        _transferVrs();
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "transfer");
        vm.revertToState(snapshot);
        _receiveVrs();
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "receive");
    }

    /// @dev Otherwise a contract that credits its caller could lose a deposit to a stranger who submits it first.
    function test_OnlyTheReceiverSubmitsAnAuthorizationToReceive() public {
        bytes memory signature = _sign(RECEIVE);
        bytes memory refusal = abi.encodeWithSelector(
            ITransferAuthorizations.TokenNotReceiver.selector,
            STRANGER,
            PROVIDER
        );
        vm.expectRevert(refusal);
        vm.prank(PROVIDER);
        _receive(signature);
        // It is not valid as an authorization that anyone may submit either.
        _expectSignature();
        vm.prank(PROVIDER);
        _transfer(signature);

        vm.prank(STRANGER);
        _receive(signature);
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "by the receiver");
    }

    function test_AnAuthorizationToTransferIsNoneToReceive() public {
        bytes memory signature = _sign(TRANSFER);
        _expectSignature();
        vm.prank(STRANGER);
        _receive(signature);
    }

    // Repetition

    function test_RevertsWhen_ItIsSubmittedAgain() public {
        bytes memory signature = _sign(TRANSFER);
        bytes memory other = _sign(RECEIVE);
        bytes memory cancellation = _signCancel(KEY);
        _transfer(signature);
        _expectUsed();
        _transfer(signature);
        // By any function.
        _expectUsed();
        vm.prank(STRANGER);
        _receive(other);
        _expectUsed();
        _cancel(cancellation);
    }

    function test_NoncesAreThePayersAndInNoOrder() public {
        uint256 other = 0xb0b;
        system().fund(vm.addr(other), VALUE);
        _transfer(_sign(TRANSFER));
        _terms.from = vm.addr(other);
        _transfer(_signWith(other, TRANSFER));
        vm.assertEq(token.balanceOf(STRANGER), 2 * VALUE, "the same nonce of another payer");
        _terms.from = vm.addr(KEY);
        _terms.nonce = bytes32(0);
        _transfer(_sign(TRANSFER));
        vm.assertEq(token.balanceOf(STRANGER), 3 * VALUE, "any 32 bytes");
    }

    /// @dev The malleable twin of a signature is refused, so that each signature is unique.
    function test_RevertsWhen_TheSignatureIsTheMalleableTwin() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _digest(TRANSFER));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory twin = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? 28 : 27);
        _expectSignature();
        _transfer(twin);
    }

    // When

    function test_ItHoldsBetweenItsTwoMoments() public {
        bytes memory signature = _sign(TRANSFER);
        vm.warp(_terms.validAfter);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationTooEarly.selector,
                _terms.validAfter
            )
        );
        _transfer(signature);
        vm.warp(_terms.validBefore);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationExpired.selector,
                _terms.validBefore
            )
        );
        _transfer(signature);

        uint256 snapshot = vm.snapshotState();
        vm.warp(_terms.validAfter + 1);
        _transfer(signature);
        vm.revertToState(snapshot);
        vm.warp(_terms.validBefore - 1);
        _transfer(signature);
    }

    /// @dev Times are always seconds; no value is a block number.
    function test_TimesAreSecondsWhateverTheirSize() public {
        (_terms.validAfter, _terms.validBefore) = (0, type(uint256).max);
        _transfer(_sign(TRANSFER));
        _terms.nonce = keccak256("another");
        (_terms.validAfter, _terms.validBefore) = (1 << 47, ((1 << 47) + 1) << 20);
        bytes memory signature = _sign(TRANSFER);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationTooEarly.selector,
                1 << 47
            )
        );
        _transfer(signature);
    }

    // Cancellation

    function test_ACancelledNonceIsOfNoUse() public {
        bytes memory signature = _sign(TRANSFER);
        bytes memory cancellation = _signCancel(KEY);
        vm.expectEmit(address(token));
        emit IERC3009Cancel.AuthorizationCanceled(_terms.from, NONCE);
        vm.prank(PROVIDER);
        _cancel(cancellation);
        vm.assertTrue(token.authorizationState(_terms.from, NONCE), "used up");
        _expectUsed();
        _transfer(signature);
        _expectUsed();
        _cancel(cancellation);
    }

    function test_CancelsByVRS() public {
        bytes32 struct_ = keccak256(abi.encode(CANCEL, _terms.from, NONCE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _typed(struct_));
        token.cancelAuthorization(_terms.from, NONCE, v, r, s);
        vm.assertTrue(token.authorizationState(_terms.from, NONCE), "cancelled");
    }

    function test_RevertsWhen_AnotherCancels() public {
        bytes memory signature = _signCancel(0xbad);
        _expectSignature();
        _cancel(signature);
        vm.assertFalse(token.authorizationState(_terms.from, NONCE), "still good");
        _transfer(_sign(TRANSFER));
    }

    // Signed content

    function test_RevertsWhen_AnythingDiffersFromWhatWasSigned() public {
        bytes memory signature = _sign(TRANSFER);
        Terms memory signed = _terms;
        for (uint256 field = 0; field < 6; ++field) {
            if (field == 0) _terms.from = PROVIDER;
            if (field == 1) _terms.to = PROVIDER;
            if (field == 2) _terms.value += 1;
            if (field == 3) _terms.validAfter -= 1;
            if (field == 4) _terms.validBefore += 1;
            if (field == 5) _terms.nonce = keccak256("other");
            _expectSignature();
            _transfer(signature);
            _terms = signed;
        }
    }

    function test_RevertsWhen_TheSignatureIsNone() public {
        bytes[5] memory none = [
            bytes(""),
            new bytes(65),
            new bytes(64),
            new bytes(10_000),
            abi.encodePacked(_sign(TRANSFER), uint8(0))
        ];
        for (uint256 i = 0; i < none.length; ++i) {
            _expectSignature();
            _transfer(none[i]);
        }
        // An invalid signature does not count for the zero address either.
        _terms.from = address(0);
        _expectSignature();
        _transfer(new bytes(65));
    }

    function test_RevertsWhen_ThePayerHasTooLittle() public {
        _terms.value = 100e18 + 1;
        bytes memory signature = _sign(TRANSFER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                _terms.from,
                100e18,
                100e18 + 1
            )
        );
        _transfer(signature);
        vm.assertFalse(token.authorizationState(_terms.from, NONCE), "not used up");
    }

    function test_ASignatureForAnotherChainOrContractIsNone() public {
        bytes32 struct_ = _struct(TRANSFER);
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Blockcloud"),
                keccak256("1"),
                block.chainid + 1,
                address(token)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            KEY,
            keccak256(abi.encodePacked(hex"1901", separator, struct_))
        );
        _expectSignature();
        _transfer(abi.encodePacked(r, s, v));
    }

    // Signer

    function test_AContractWalletSignsByItsOwnRule() public {
        OneDigestWallet wallet = new OneDigestWallet();
        system().fund(address(wallet), VALUE);
        _terms.from = address(wallet);
        bytes memory signature = "two of three agreed";
        _expectSignature();
        _transfer(signature);

        wallet.accept(_digest(TRANSFER), signature);
        _transfer(signature);
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "paid");
        _terms.nonce = keccak256("next");
        _expectSignature();
        _transfer(signature);
        wallet.accept(_typed(keccak256(abi.encode(CANCEL, wallet, _terms.nonce))), signature);
        _cancel(signature);
        vm.assertTrue(token.authorizationState(address(wallet), _terms.nonce), "cancelled");
    }

    /// @dev EIP-7702: the account's code does not accept signatures, but its key can still sign.
    function test_AnAccountWithCodeSignsByItsKeyFirst() public {
        vm.etch(_terms.from, address(new RefusingWallet()).code);
        _transfer(_sign(TRANSFER));
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "its code refuses");

        vm.etch(_terms.from, address(new RevertingWallet()).code);
        _terms.nonce = keccak256("second");
        _transfer(_sign(TRANSFER));
        vm.assertEq(token.balanceOf(STRANGER), 2 * VALUE, "its code reverts");

        // As a transaction of type 4 leaves it: 0xef0100 and the address of the code.
        vm.etch(_terms.from, abi.encodePacked(hex"ef0100", new RefusingWallet()));
        vm.assertEq(_terms.from.code.length, 23, "delegated");
        _terms.nonce = keccak256("third");
        _transfer(_sign(TRANSFER));
        vm.assertEq(token.balanceOf(STRANGER), 3 * VALUE, "its delegate refuses");
    }

    /// @dev If its code accepts the signature, it is valid, too.
    function test_AnAccountWithCodeAlsoSignsByItsCode() public {
        vm.etch(_terms.from, address(new OneDigestWallet()).code);
        bytes memory session = "a session key's";
        OneDigestWallet(_terms.from).accept(_digest(RECEIVE), session);
        vm.prank(STRANGER);
        _receive(session);
        vm.assertEq(token.balanceOf(STRANGER), VALUE, "by its code");
    }

    function test_RevertsWhen_AContractCannotSign() public {
        address[3] memory mute = [
            address(new RevertingWallet()),
            address(new RefusingWallet()),
            address(token)
        ];
        for (uint256 i = 0; i < mute.length; ++i) {
            _terms.from = mute[i];
            _expectSignature();
            _transfer("anything");
        }
    }

    function testFuzz_OnlyThePayersKeySigns(uint256 key) public {
        key = (key % (type(uint128).max)) + 1;
        vm.assume(key != KEY);
        bytes memory signature = _signWith(key, TRANSFER);
        _expectSignature();
        _transfer(signature);
    }

    function _transfer(bytes memory signature) private {
        Terms memory t = _terms;
        token.transferWithAuthorization(
            t.from,
            t.to,
            t.value,
            t.validAfter,
            t.validBefore,
            t.nonce,
            signature
        );
    }

    function _receive(bytes memory signature) private {
        Terms memory t = _terms;
        token.receiveWithAuthorization(
            t.from,
            t.to,
            t.value,
            t.validAfter,
            t.validBefore,
            t.nonce,
            signature
        );
    }

    function _transferVrs() private {
        Terms memory t = _terms;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _digest(TRANSFER));
        token.transferWithAuthorization(
            t.from,
            t.to,
            t.value,
            t.validAfter,
            t.validBefore,
            t.nonce,
            v,
            r,
            s
        );
    }

    function _receiveVrs() private {
        Terms memory t = _terms;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _digest(RECEIVE));
        vm.prank(t.to);
        token.receiveWithAuthorization(
            t.from,
            t.to,
            t.value,
            t.validAfter,
            t.validBefore,
            t.nonce,
            v,
            r,
            s
        );
    }

    function _cancel(bytes memory signature) private {
        token.cancelAuthorization(_terms.from, _terms.nonce, signature);
    }

    function _sign(bytes32 kind) private view returns (bytes memory) {
        return _signWith(KEY, kind);
    }

    function _signWith(uint256 key, bytes32 kind) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(kind));
        return abi.encodePacked(r, s, v);
    }

    function _signCancel(uint256 key) private view returns (bytes memory) {
        bytes32 struct_ = keccak256(abi.encode(CANCEL, _terms.from, _terms.nonce));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _typed(struct_));
        return abi.encodePacked(r, s, v);
    }

    function _digest(bytes32 kind) private view returns (bytes32) {
        return _typed(_struct(kind));
    }

    function _struct(bytes32 kind) private view returns (bytes32) {
        Terms memory t = _terms;
        return
            keccak256(
                abi.encode(kind, t.from, t.to, t.value, t.validAfter, t.validBefore, t.nonce)
            );
    }

    function _typed(bytes32 struct_) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), struct_));
    }

    function _expectUsed() private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationUsed.selector,
                _terms.from,
                _terms.nonce
            )
        );
    }

    function _expectSignature() private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ITransferAuthorizations.TokenAuthorizationSignature.selector,
                _terms.from
            )
        );
    }
}
