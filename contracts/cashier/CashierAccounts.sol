// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ITransferAuthorizations} from "../token/ITransferAuthorizations.sol";
import {Permit, PermitLib} from "../token/PermitLib.sol";
import {ICashierAccounts} from "./ICashierAccounts.sol";

/// @title CashierAccounts
/// @notice See {ICashierAccounts}. No account holds a privilege: only a payer moves the free part of its account.
/// @dev The books count, never `balanceOf`: BLOC that is sent here without a deposit belongs to no account. The sums
/// stay below the supply of BLOC, which is below 2^96.
abstract contract CashierAccounts is ICashierAccounts {
    using SafeERC20 for IERC20;

    struct Account {
        // one slot
        uint96 free;
        uint96 reserved;
    }

    /// @inheritdoc ICashierAccounts
    address public immutable token;

    mapping(address payer => Account) internal _accounts;

    /// @notice Sets the value that never changes.
    /// @param token_ BLOC.
    constructor(address token_) {
        token = token_;
    }

    /// @inheritdoc ICashierAccounts
    function depositFor(address payer, uint96 amount) external {
        require(payer != address(0), CashierPayerZero());
        _credit(payer, msg.sender, amount);

        _pull(amount);
    }

    /// @inheritdoc ICashierAccounts
    function depositWithPermit(uint96 amount, Permit calldata permit) external {
        PermitLib.tryPermit(token, address(this), permit);
        deposit(amount);
    }

    /// @inheritdoc ICashierAccounts
    function depositWithAuthorization(
        address payer,
        uint96 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _credit(payer, payer, amount);

        // The token reverts unless the payer signed this amount for this contract. It may ask the payer's contract,
        // statically.
        ITransferAuthorizations(token).receiveWithAuthorization(
            payer,
            address(this),
            amount,
            validAfter,
            validBefore,
            nonce,
            signature
        );
    }

    /// @inheritdoc ICashierAccounts
    function withdraw(uint96 amount) external {
        Account storage account = _accounts[msg.sender];
        uint96 free = account.free;
        require(amount <= free, CashierNotFree(msg.sender, amount, free));

        account.free = free - amount;
        emit Withdrawn(msg.sender, amount);

        // BLOC has no hooks: no foreign code runs here.
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc ICashierAccounts
    function accountOf(
        address payer
    ) external view returns (uint256 balance, uint256 reserved, uint256 free) {
        Account storage account = _accounts[payer];
        (reserved, free) = (account.reserved, account.free);
        balance = reserved + free;
    }

    /// @inheritdoc ICashierAccounts
    function deposit(uint96 amount) public {
        _credit(msg.sender, msg.sender, amount);

        _pull(amount);
    }

    function _credit(address payer, address from, uint96 amount) private {
        require(amount != 0, CashierDepositZero());

        _accounts[payer].free += amount;
        emit Deposited(payer, from, amount);
    }

    /// @dev Takes BLOC from the caller, never from another account's allowance. BLOC has no hooks.
    function _pull(uint96 amount) private {
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }
}
