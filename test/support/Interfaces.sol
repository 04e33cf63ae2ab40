// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ITransferAuthorizations} from "../../contracts/token/ITransferAuthorizations.sol";
import {IServiceVerifier} from "../../contracts/verifiers/IServiceVerifier.sol";

// Tests use the contracts by interfaces, so that no test compiles a contract (Artifacts.sol). These are for contracts
// with more functions than their interface in contracts/ declares.

/// @dev The registry with its ERC-721 functions.
interface IRegistry is IServiceRegistry, IERC721Metadata {}

/// @dev BLOC.
interface IBlocToken is IERC20Metadata, IERC20Permit, ITransferAuthorizations {
    function burn(uint256 amount) external;
    function burnFrom(address account, uint256 amount) external;
    function INITIAL_SUPPLY() external view returns (uint256);
    function REWARD_SUPPLY() external view returns (uint256);
}

/// @dev The verifier of the launch classes.
interface ILivenessVerifier is IServiceVerifier {
    function registry() external view returns (address);
}
