// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A contract wallet that accepts one digest with one signature, like a multisig.
contract OneDigestWallet is IERC1271 {
    bytes32 private _digest;
    bytes32 private _signatureHash;

    function accept(bytes32 digest, bytes calldata signature) external {
        (_digest, _signatureHash) = (digest, keccak256(signature));
    }

    function isValidSignature(
        bytes32 digest,
        bytes calldata signature
    ) external view returns (bytes4) {
        bool ok = digest == _digest && keccak256(signature) == _signatureHash;
        return ok ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice A contract that refuses each signature, by its answer.
contract RefusingWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}

/// @notice A contract that reverts when it is called.
contract RevertingWallet {
    error Asked();

    fallback() external {
        revert Asked();
    }
}
