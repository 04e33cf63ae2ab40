// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {TransferAuthorizations} from "./TransferAuthorizations.sol";

/// @title BlocToken
/// @notice BLOC: an ERC-20 with ERC-2612 permits, EIP-3009 authorizations and burning. The whole supply exists from
/// the start, and no function mints more.
contract BlocToken is ERC20, ERC20Burnable, ERC20Permit, TransferAuthorizations {
    /// @notice Supply at deployment.
    uint256 public constant INITIAL_SUPPLY = 10_000_000_000e18;
    /// @notice The part for Proof of Service: 5% of the supply a year for six years.
    uint256 public constant REWARD_SUPPLY = 3_000_000_000e18;

    /// @notice Sets the values that never change.
    /// @param rewardPool Receives `REWARD_SUPPLY`.
    /// @param treasury Receives the rest.
    constructor(
        address rewardPool,
        address treasury
    ) ERC20("Blockcloud", "BLOC") ERC20Permit("Blockcloud") {
        _mint(rewardPool, REWARD_SUPPLY);
        _mint(treasury, INITIAL_SUPPLY - REWARD_SUPPLY);
    }
}
