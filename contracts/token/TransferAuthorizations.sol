// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ITransferAuthorizations} from "./ITransferAuthorizations.sol";

/// @title TransferAuthorizations
/// @notice See {ITransferAuthorizations}. No account holds a privilege: only a payer's signature moves its BLOC.
/// @dev Not OpenZeppelin's `ERC3009`: it reads times with bit 47 set as block numbers, and accepts only keys, or
/// checks contracts before keys (docs/decisions/0026-transfers-by-signature.md).
abstract contract TransferAuthorizations is ERC20, EIP712, ITransferAuthorizations {
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

    /// @dev The signed content of both kinds of transfer.
    struct Payment {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    mapping(address authorizer => mapping(bytes32 nonce => bool used)) private _used;

    /// @inheritdoc IERC3009
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        Payment memory what = Payment(from, to, value, validAfter, validBefore, nonce);
        _execute(TRANSFER, what, abi.encodePacked(r, s, v));
    }

    /// @inheritdoc ITransferAuthorizations
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        Payment memory what = Payment(from, to, value, validAfter, validBefore, nonce);
        _execute(TRANSFER, what, signature);
    }

    /// @inheritdoc IERC3009
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(to == msg.sender, TokenNotReceiver(to, msg.sender));
        Payment memory what = Payment(from, to, value, validAfter, validBefore, nonce);
        _execute(RECEIVE, what, abi.encodePacked(r, s, v));
    }

    /// @inheritdoc ITransferAuthorizations
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        require(to == msg.sender, TokenNotReceiver(to, msg.sender));
        Payment memory what = Payment(from, to, value, validAfter, validBefore, nonce);
        _execute(RECEIVE, what, signature);
    }

    /// @inheritdoc IERC3009Cancel
    function cancelAuthorization(
        address authorizer,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        _cancel(authorizer, nonce, abi.encodePacked(r, s, v));
    }

    /// @inheritdoc ITransferAuthorizations
    function cancelAuthorization(
        address authorizer,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _cancel(authorizer, nonce, signature);
    }

    /// @inheritdoc IERC3009
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool) {
        return _used[authorizer][nonce];
    }

    /// @dev The bounds are exclusive, as in the standard.
    function _execute(bytes32 kind, Payment memory what, bytes memory signature) private {
        require(block.timestamp > what.validAfter, TokenAuthorizationTooEarly(what.validAfter));
        require(block.timestamp < what.validBefore, TokenAuthorizationExpired(what.validBefore));
        _use(what.from, what.nonce, keccak256(abi.encode(kind, what)), signature);
        emit AuthorizationUsed(what.from, what.nonce);

        _transfer(what.from, what.to, what.value);
    }

    function _cancel(address authorizer, bytes32 nonce, bytes memory signature) private {
        _use(authorizer, nonce, keccak256(abi.encode(CANCEL, authorizer, nonce)), signature);
        emit AuthorizationCanceled(authorizer, nonce);
    }

    /// @dev Uses a nonce, with the account's signature. The key is checked first, so that an account with EIP-7702
    /// code can still sign with its key. The account's contract is called statically, so it cannot change state.
    function _use(
        address authorizer,
        bytes32 nonce,
        bytes32 structHash,
        bytes memory signature
    ) private {
        require(!_used[authorizer][nonce], TokenAuthorizationUsed(authorizer, nonce));
        bytes32 digest = _hashTypedDataV4(structHash);
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(digest, signature);
        bool isKey = failure == ECDSA.RecoverError.NoError && signer == authorizer;
        require(
            isKey || SignatureChecker.isValidERC1271SignatureNow(authorizer, digest, signature),
            TokenAuthorizationSignature(authorizer)
        );

        _used[authorizer][nonce] = true;
    }
}
