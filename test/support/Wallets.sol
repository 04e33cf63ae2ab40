// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ICashierAccounts} from "../../contracts/cashier/ICashierAccounts.sol";

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

/// @notice A payer's contract that accepts each signature, and takes its free BLOC out of the Cashier while it is asked.
contract ReenteringWallet {
    ICashierAccounts private immutable _CASHIER;

    constructor(ICashierAccounts cashier) {
        _CASHIER = cashier;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (, , uint256 free) = _CASHIER.accountOf(address(this));
        _CASHIER.withdraw(uint96(free));
        return IERC1271.isValidSignature.selector;
    }
}

/// @notice A contract that uses all gas of a question.
contract BurningWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        assembly {
            invalid()
        }
    }
}

/// @notice A contract that accepts each signature with an answer of 256 KiB, which is expensive to copy.
contract BombWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        bytes4 yes = IERC1271.isValidSignature.selector;
        assembly {
            mstore(0, yes)
            return(0, 0x40000)
        }
    }
}

/// @notice A contract that answers with any bytes.
contract AnsweringWallet {
    bytes private _answer;

    constructor(bytes memory answer) {
        _answer = answer;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        bytes memory answer = _answer;
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}
