// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {Slot} from "../../contracts/libraries/Slot.sol";
import {SortitionLib} from "../../contracts/libraries/SortitionLib.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {Artifacts} from "./Artifacts.sol";
import {vm} from "./Cheatcodes.sol";
import {HeaderLib} from "./HeaderLib.sol";
import {IBlocToken, ILivenessVerifier, IRegistry} from "./Interfaces.sol";

/// @dev The contracts under test, connected.
struct System {
    IBlocToken token;
    IRewardPool pool;
    IRegistry registry;
    IStaking staking;
    IProofOfService pos;
    ISettlement settlement;
    IChallengeBook book;
    IServiceLabels labels;
    ICashier cashier;
    ILivenessVerifier verifier;
    IAccessManager governance;
}

/// @dev Parameters of a devnet.
uint32 constant EPOCH_SECONDS = 12;
uint64 constant UNBONDING_SECONDS = 132;
/// @dev So high that only the schedule bounds the budgets.
uint32 constant YIELD_PERCENT = 1_000_000_000;
uint96 constant SERVICE_STAKE = 1_000e18;
uint96 constant MAXIMUM_STAKE = 100_000e18;
uint96 constant SERVICE_FEE = 10e18;
uint96 constant AUDITOR_STAKE = 5_000e18;
uint64 constant CHALLENGE_WINDOW = 30;
uint64 constant COOL_DOWN = 120;
uint96 constant CHALLENGE_BOND = 50e18;
uint64 constant LABEL_MINIMUM_AGE = 2;
uint64 constant LABEL_MAXIMUM_AGE = 3_600;
/// @dev Price of a label of five bytes and more.
uint256 constant LABEL_PRICE = 50e18;
uint64 constant CLOSING_SECONDS = 120;
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
    function deploy() internal returns (System memory) {
        return deploy(YIELD_PERCENT);
    }

    /// @notice The same with another bound of the emission.
    function deploy(uint32 yieldPercent) internal returns (System memory s) {
        vm.warp(GENESIS);
        vm.roll(GENESIS_BLOCK);
        s.pool = Artifacts.newPool(EPOCH_SECONDS, yieldPercent);
        s.token = Artifacts.newToken(address(s.pool), TREASURY);
        s.governance = Artifacts.newAccessManager(GOVERNOR);
        _complete(s, address(0));
    }

    /// @notice Deploys a later version for the same token, whose rewards the treasury gives; the earlier one
    /// must be closed.
    function succeed(System memory old) internal returns (System memory s) {
        s.pool = Artifacts.newPool(EPOCH_SECONDS, YIELD_PERCENT);
        (s.token, s.governance) = (old.token, old.governance);
        vm.prank(TREASURY);
        s.token.transfer(address(s.pool), 1_000_000e18);
        _complete(s, address(old.registry));
    }

    /// @notice Announces that a version closes, and waits until it is closed.
    function close(System memory s) internal {
        vm.prank(GOVERNOR);
        s.registry.announceClosing();
        vm.warp(vm.getBlockTimestamp() + CLOSING_SECONDS);
    }

    function _complete(System memory s, address predecessor) private {
        s.registry = newRegistry(s.governance, predecessor);
        s.staking = Artifacts.newStaking(
            address(s.token),
            address(s.registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        s.pos = Artifacts.newProofOfService(
            address(s.registry),
            address(s.staking),
            address(s.pool)
        );
        s.settlement = Artifacts.newSettlement(address(s.pos));
        s.book = Artifacts.newChallengeBook(
            address(s.pos),
            CHALLENGE_WINDOW,
            COOL_DOWN,
            CHALLENGE_BOND
        );
        s.labels = newLabels(s.registry, s.token);
        s.cashier = Artifacts.newCashier(address(s.settlement));
        s.verifier = Artifacts.newVerifier(address(s.registry));
        s.pos.wire(address(s.settlement));
        s.registry.wire(
            address(s.staking),
            address(s.pos),
            address(s.settlement),
            address(s.book),
            address(s.labels)
        );
        s.staking.wire(address(s.pos), address(s.book));
        s.pool.wire(address(s.token), address(s.pos), address(s.settlement));
        addClasses(s);
    }

    /// @notice A registry that is not connected.
    function newRegistry(IAccessManager governance) internal returns (IRegistry) {
        return newRegistry(governance, address(0));
    }

    /// @notice A registry that is not connected, with one before it.
    function newRegistry(
        IAccessManager governance,
        address predecessor
    ) internal returns (IRegistry) {
        return
            Artifacts.newRegistry(EPOCH_SECONDS, address(governance), predecessor, CLOSING_SECONDS);
    }

    /// @notice Labels of a registry, at the prices of a devnet.
    function newLabels(IRegistry registry, IBlocToken token) internal returns (IServiceLabels) {
        uint256[5] memory prices = [
            uint256(100_000e18),
            30_000e18,
            10_000e18,
            1_000e18,
            LABEL_PRICE
        ];
        return
            Artifacts.newLabels(
                address(registry),
                address(token),
                LABEL_MINIMUM_AGE,
                LABEL_MAXIMUM_AGE,
                prices
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
                maximumStake: MAXIMUM_STAKE,
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

    /// @notice The seed from this value.
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

    /// @notice Private key of a service: the test acts as every provider.
    function serviceKey(uint64 number) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("service key", number))) >> 1;
    }

    /// @notice Gives BLOC from the treasury.
    function fund(System memory s, address to, uint256 amount) internal {
        vm.prank(TREASURY);
        s.token.transfer(to, amount);
    }

    /// @notice Registers a service of class `http` for an owner, with BLOC from the treasury.
    function register(System memory s, address owner, uint96 stake) internal returns (uint64) {
        fund(s, owner, uint256(stake) + SERVICE_FEE);
        address key = vm.addr(serviceKey(s.registry.serviceCount() + 1));
        vm.startPrank(owner);
        s.token.approve(address(s.staking), type(uint256).max);
        uint64 number = s.registry.register(0, key, "GET /", "ipfs://about", stake);
        vm.stopPrank();
        return number;
    }

    /// @notice The service that holds a slot; 0 for none.
    function numberIn(System memory s, uint40 slot) internal view returns (uint64) {
        // Without idle services, numbers and slots are the same.
        if (Slot.unwrap(s.registry.slotOf(slot)) == slot) return slot;
        uint64 count = s.registry.serviceCount();
        for (uint64 number = 1; number <= count; ++number) {
            if (Slot.unwrap(s.registry.slotOf(number)) == slot) return number;
        }
        return 0;
    }

    /// @notice Both budgets of an epoch and their unspent parts.
    function budgetOf(
        System memory s,
        uint32 epoch
    )
        internal
        view
        returns (uint256 providers, uint256 providersLeft, uint256 auditors, uint256 auditorsLeft)
    {
        (providers, providersLeft, ) = s.settlement.budgetOf(epoch);
        (auditors, auditorsLeft, , ) = s.pos.budgetOf(epoch);
    }

    /// @notice Stake of a service, including stake that is not paid.
    function serviceStakeAt(
        System memory s,
        uint64 number,
        uint32 epoch
    ) internal view returns (uint96 stake) {
        (stake, ) = s.staking.serviceStakeAt(number, epoch);
    }

    /// @notice The stakes of a draw: the auditor's and the total.
    function auditorStakeAt(
        System memory s,
        address auditor,
        uint32 epoch
    ) internal view returns (uint96 stake, uint96 total) {
        (, , total) = s.staking.totalsAt(epoch);
        return (s.staking.auditorStakeAt(auditor, epoch), total);
    }

    /// @notice Counted stake and number of active services.
    function activeAt(
        System memory s,
        uint32 epoch
    ) internal view returns (uint96 stake, uint64 services) {
        (stake, services, ) = s.staking.totalsAt(epoch);
    }

    /// @notice The pool's reserves for both of its spenders.
    function setAside(System memory s) internal view returns (uint256) {
        return uint256(s.pool.reservedForAuditors()) + s.pool.reservedForProviders();
    }
}
