// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ChallengeBook} from "../../contracts/challenges/ChallengeBook.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {ProofOfService} from "../../contracts/proof-of-service/ProofOfService.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {ServiceRegistry} from "../../contracts/registry/ServiceRegistry.sol";
import {Staking} from "../../contracts/staking/Staking.sol";
import {BlocToken} from "../../contracts/token/BlocToken.sol";
import {RewardPool} from "../../contracts/token/RewardPool.sol";
import {LivenessVerifier} from "../../contracts/verifiers/LivenessVerifier.sol";
import {vm} from "./Cheatcodes.sol";
import {HeaderLib} from "./HeaderLib.sol";

/// @dev The contracts under test, connected.
struct System {
    BlocToken token;
    RewardPool pool;
    ServiceRegistry registry;
    Staking staking;
    ProofOfService pos;
    ChallengeBook book;
    LivenessVerifier verifier;
    AccessManager governance;
}

/// @dev Parameters of a devnet.
uint32 constant EPOCH_SECONDS = 12;
uint64 constant UNBONDING_SECONDS = 120;
uint96 constant SERVICE_STAKE = 1_000e18;
uint96 constant SERVICE_FEE = 10e18;
uint96 constant AUDITOR_STAKE = 5_000e18;
uint64 constant CHALLENGE_WINDOW = 30;
uint64 constant COOL_DOWN = 120;
uint96 constant CHALLENGE_BOND = 50e18;
uint64 constant LABEL_MINIMUM_AGE = 2;
uint64 constant LABEL_MAXIMUM_AGE = 3_600;
address constant TREASURY = address(0x7ea5);
/// @dev Adds, opens and closes classes.
address constant GOVERNOR = address(0x60f);

/// @dev The block of genesis; one block a second follows.
uint256 constant GENESIS_BLOCK = 10_000;
/// @dev Unix seconds of genesis.
uint256 constant GENESIS = 1_800_000_000;

/// @title SystemLib
/// @notice Deploys the contracts, and moves the chain from epoch to epoch.
library SystemLib {
    /// @notice Deploys at genesis and connects everything, as the deployment module does.
    function deploy() internal returns (System memory s) {
        vm.warp(GENESIS);
        vm.roll(GENESIS_BLOCK);
        s.pool = new RewardPool(EPOCH_SECONDS);
        s.token = new BlocToken(address(s.pool), TREASURY);
        s.governance = new AccessManager(GOVERNOR);
        s.registry = newRegistry(s.governance);
        s.staking = new Staking(
            address(s.token),
            address(s.registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        s.pos = new ProofOfService(address(s.registry), address(s.staking), address(s.pool));
        s.book = new ChallengeBook(address(s.pos), CHALLENGE_WINDOW, COOL_DOWN, CHALLENGE_BOND);
        s.verifier = new LivenessVerifier(address(s.registry));
        s.registry.wire(address(s.staking), address(s.pos), address(s.book));
        s.staking.wire(address(s.pos), address(s.book));
        s.pool.wire(address(s.token), address(s.pos));
        addClasses(s);
    }

    /// @notice A registry that is not connected.
    function newRegistry(AccessManager governance) internal returns (ServiceRegistry) {
        return newRegistry(governance, address(0));
    }

    /// @notice A registry that is not connected, with one before it.
    function newRegistry(
        AccessManager governance,
        address predecessor
    ) internal returns (ServiceRegistry) {
        return
            new ServiceRegistry(
                EPOCH_SECONDS,
                address(governance),
                LABEL_MINIMUM_AGE,
                LABEL_MAXIMUM_AGE,
                predecessor
            );
    }

    /// @notice Opens the launch classes.
    function addClasses(System memory s) internal {
        vm.startPrank(GOVERNOR);
        s.registry.addClass(class("http", address(s.verifier)));
        s.registry.addClass(class("json-rpc", address(s.verifier)));
        vm.stopPrank();
    }

    /// @notice A launch class.
    function class(
        bytes32 name,
        address verifier
    ) internal pure returns (IServiceClasses.ServiceClass memory) {
        return
            IServiceClasses.ServiceClass({
                name: name,
                minimumStake: SERVICE_STAKE,
                registrationFee: SERVICE_FEE,
                open: true,
                excellentMs: 500,
                goodMs: 2_000,
                poorMs: 10_000,
                verifier: verifier
            });
    }

    /// @notice Goes to the second block of an epoch: the first in which its seed can be proven.
    function enter(uint32 epoch) internal {
        jump(epoch, 1);
    }

    /// @notice Goes to a second of an epoch.
    function jump(uint32 epoch, uint256 second) internal {
        uint256 elapsed = uint256(epoch) * EPOCH_SECONDS + second;
        vm.warp(GENESIS + elapsed);
        vm.roll(GENESIS_BLOCK + elapsed);
    }

    /// @notice The RANDAO mix of an epoch's first block, unless a test wants another.
    function randao(uint32 epoch) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("randao", epoch)));
    }

    /// @notice The seed that follows.
    function seed(System memory s, uint32 epoch) internal view returns (bytes32) {
        return SortitionLib.seed(randao(epoch), epoch, block.chainid, address(s.pos));
    }

    /// @notice Headers of an epoch's first block and of its parent; the chain knows the first.
    function headers(
        uint32 epoch,
        uint256 prevrandao
    ) internal returns (bytes memory first, bytes memory parent) {
        uint256 elapsed = uint256(epoch) * EPOCH_SECONDS;
        return headersAt(GENESIS_BLOCK + elapsed, GENESIS + elapsed, prevrandao);
    }

    /// @notice Headers of a block and of its parent one second before; the chain knows the block.
    function headersAt(
        uint256 number,
        uint256 timestamp,
        uint256 prevrandao
    ) internal returns (bytes memory first, bytes memory parent) {
        parent = HeaderLib.encode(keccak256("grandparent"), number - 1, timestamp - 1, 1);
        first = HeaderLib.encode(keccak256(parent), number, timestamp, prevrandao);
        vm.setBlockhash(number, keccak256(first));
    }

    /// @notice Proves the seed of the epoch.
    function tick(System memory s, uint32 epoch) internal {
        (bytes memory first, bytes memory parent) = headers(epoch, randao(epoch));
        s.pos.tick(first, parent);
    }

    /// @notice Goes to an epoch and proves its seed.
    function enterAndTick(System memory s, uint32 epoch) internal {
        enter(epoch);
        tick(s, epoch);
    }

    /// @notice Private key of a service's key: the test plays every provider.
    function serviceKey(uint64 number) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("service key", number))) >> 1;
    }

    /// @notice Gives BLOC from the treasury.
    function fund(System memory s, address to, uint256 amount) internal {
        vm.prank(TREASURY);
        s.token.transfer(to, amount);
    }

    /// @notice Registers a service of class `http` for an owner, who pays from the treasury's gift.
    function register(System memory s, address owner, uint96 stake) internal returns (uint64) {
        fund(s, owner, uint256(stake) + SERVICE_FEE);
        address key = vm.addr(serviceKey(s.registry.serviceCount() + 1));
        vm.startPrank(owner);
        s.token.approve(address(s.staking), type(uint256).max);
        uint64 number = s.registry.register(0, key, "GET /", "ipfs://about", stake);
        vm.stopPrank();
        return number;
    }
}
