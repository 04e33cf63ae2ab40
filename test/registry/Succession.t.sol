// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChallengeBook} from "../../contracts/challenges/ChallengeBook.sol";
import {ProofOfService} from "../../contracts/proof-of-service/ProofOfService.sol";
import {IServiceLabels} from "../../contracts/registry/IServiceLabels.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ServiceRegistry} from "../../contracts/registry/ServiceRegistry.sol";
import {Staking} from "../../contracts/staking/Staking.sol";
import {RewardPool} from "../../contracts/token/RewardPool.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    AUDITOR_STAKE,
    CHALLENGE_BOND,
    CHALLENGE_WINDOW,
    COOL_DOWN,
    EPOCH_SECONDS,
    GOVERNOR,
    LABEL_MINIMUM_AGE,
    SERVICE_FEE,
    SERVICE_STAKE,
    System,
    SystemLib,
    TREASURY,
    UNBONDING_SECONDS
} from "../support/System.sol";

/// @notice A new version of the contracts takes services over: under their numbers, with their labels, from
/// their owners only; stake and earlier pay stay where they are until they are taken out.
contract SuccessionTest is Deployment {
    bytes32 private constant SALT = keccak256("salt");

    System private _next;
    uint64 private _first;
    uint64 private _second;

    function setUp() public override {
        super.setUp();
        _first = registerService();
        _second = registerService();
        _label(registry, _first, "weather");
        _next = _successor();
    }

    function test_NumbersOfTheNewVersionBeginBehindTheOldOnes() public {
        vm.assertEq(_next.registry.predecessor(), address(registry), "predecessor");
        vm.assertEq(_next.registry.inherited(), 2, "inherited");
        vm.assertEq(_register(PROVIDER), 3, "the next number");
        vm.assertEq(registry.predecessor(), address(0), "the first version has none");
        vm.assertEq(registry.inherited(), 0, "nor anything to inherit");
    }

    function test_AServiceMovesWithItsNumberAndItsLabel() public {
        uint256 supply = token.totalSupply();
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, SERVICE_STAKE);
        _takeOver(_first, PROVIDER);

        vm.assertEq(_next.registry.ownerOf(_first), PROVIDER, "owner");
        vm.assertEq(
            keccak256(bytes(_next.registry.labelOf(_first))),
            keccak256("weather"),
            "label"
        );
        vm.assertEq(_next.registry.numberOf("weather"), _first, "its number");
        vm.assertEq(uint8(_next.registry.statusNow(_first)), 1, "active");
        uint32 since = _next.registry.currentEpoch() + 1;
        vm.assertEq(_next.registry.firstEpoch(_first), since, "counts from the next epoch");
        vm.assertEq(_next.registry.activeLanes(0, since), 1, "alone in its shard");
        vm.assertEq(_next.staking.serviceStakeAt(_first, since), SERVICE_STAKE, "stake");
        vm.assertEq(token.totalSupply(), supply, "no fee: it was burned once");
    }

    function test_ALabelWaitsForItsService() public {
        uint64 other = _register(PROVIDER);
        bytes32 commitment = registry.labelCommitment("weather", PROVIDER, SALT);
        vm.prank(PROVIDER);
        _next.registry.commitLabel(commitment);
        vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.RegistryLabelTaken.selector, "weather", _first)
        );
        vm.prank(PROVIDER);
        _next.registry.setLabel(other, "weather", SALT);

        _label(_next.registry, other, "storm");
        vm.assertEq(_next.registry.numberOf("storm"), other, "others are free");
    }

    function test_ALabelOfALaterServiceThereIsFreeHere() public {
        uint64 late = registerService();
        vm.assertEq(late, 3, "registered after the new version was deployed");
        _label(registry, late, "late");
        uint64 other = _register(PROVIDER);
        _label(_next.registry, other, "late");
        vm.assertEq(_next.registry.numberOf("late"), other, "taken");
    }

    function test_UntilItIsTakenOverANumberIsNoService() public {
        vm.assertEq(uint8(_next.registry.statusNow(_first)), 0, "none");
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryUnknownService.selector, _first)
        );
        _next.registry.classOf(_first);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryUnknownService.selector, _first)
        );
        _next.registry.announce(_first, "record");
    }

    function test_RevertsWhen_TheServiceStillRunsThere() public {
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotRetired.selector, _first)
        );
    }

    function test_RevertsWhen_AnotherTakesItOver() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        _refused(
            _first,
            STRANGER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, _first, STRANGER)
        );
    }

    function test_TheOwnerThereIsWhoCounts() public {
        vm.startPrank(PROVIDER);
        registry.retire(_first);
        registry.transferFrom(PROVIDER, STRANGER, _first);
        vm.stopPrank();
        _fund(STRANGER, SERVICE_STAKE);
        _takeOver(_first, STRANGER);
        vm.assertEq(_next.registry.ownerOf(_first), STRANGER, "the buyer");
    }

    function test_RevertsWhen_TakenOverTwice() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, 2 * SERVICE_STAKE);
        _takeOver(_first, PROVIDER);
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceRegistry.RegistryNotInherited.selector, _first)
        );
    }

    function test_RevertsWhen_TheNumberIsNotThePredecessors() public {
        uint64 late = registerService();
        vm.prank(PROVIDER);
        registry.retire(late);
        uint64[2] memory numbers = [late, 0];
        for (uint256 i = 0; i < numbers.length; ++i) {
            _refused(
                numbers[i],
                PROVIDER,
                abi.encodeWithSelector(IServiceRegistry.RegistryNotInherited.selector, numbers[i])
            );
        }
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotInherited.selector, _first)
        );
        registry.takeOver(_first, 0, STRANGER, "GET /", "", 0);
    }

    function test_RevertsWhen_TheClassIsClosed() public {
        vm.prank(PROVIDER);
        registry.retire(_first);
        vm.prank(GOVERNOR);
        _next.registry.setClassOpen(0, false);
        _refused(
            _first,
            PROVIDER,
            abi.encodeWithSelector(IServiceClasses.RegistryClassClosed.selector, 0)
        );
    }

    function test_TheOldStakeUnbondsByTheOldRules() public {
        uint256 before = token.balanceOf(PROVIDER);
        vm.startPrank(PROVIDER);
        registry.retire(_first);
        vm.warp(vm.getBlockTimestamp() + UNBONDING_SECONDS);
        staking.withdrawService(_first, PROVIDER);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(PROVIDER) - before, SERVICE_STAKE, "back");

        _takeOver(_first, PROVIDER);
        vm.assertEq(token.balanceOf(PROVIDER), before, "and at stake again");
    }

    function test_PayOfBeforeIsPaidWhereItWasEarned() public {
        AuditorActor alice = newAuditor("alice", AUDITOR_STAKE);
        enterAndTick(2);
        alice.commit(2, 3);
        enterAndTick(3);
        alice.reveal(2);
        vm.prank(PROVIDER);
        registry.retire(_first);
        _fund(PROVIDER, SERVICE_STAKE);
        _takeOver(_first, PROVIDER);
        alice.unstake(AUDITOR_STAKE);

        enterAndTick(4);
        uint256 before = token.balanceOf(PROVIDER);
        uint256 pay = pos.settle(_first, 2);
        vm.assertGt(pay, 0, "the service's");
        vm.assertEq(token.balanceOf(PROVIDER) - before, pay, "to its owner");
        uint256 reward = alice.claim(2, 4);
        vm.assertGt(reward, 0, "the auditor's");
        vm.assertEq(pos.collect(address(alice)), reward, "collected");
        vm.warp(vm.getBlockTimestamp() + UNBONDING_SECONDS);
        staking.withdrawAuditor(address(alice));
        vm.assertEq(token.balanceOf(address(alice)), AUDITOR_STAKE + reward, "with the stake");
    }

    /// @dev A second version for the same token; the treasury funds its rewards.
    function _successor() private returns (System memory s) {
        s.token = token;
        s.governance = governance;
        s.verifier = verifier;
        s.pool = new RewardPool(EPOCH_SECONDS);
        s.registry = SystemLib.newRegistry(governance, address(registry));
        s.staking = new Staking(
            address(token),
            address(s.registry),
            UNBONDING_SECONDS,
            AUDITOR_STAKE
        );
        s.pos = new ProofOfService(address(s.registry), address(s.staking), address(s.pool));
        s.book = new ChallengeBook(address(s.pos), CHALLENGE_WINDOW, COOL_DOWN, CHALLENGE_BOND);
        s.registry.wire(address(s.staking), address(s.pos), address(s.book));
        s.staking.wire(address(s.pos), address(s.book));
        vm.prank(TREASURY);
        token.transfer(address(s.pool), 1_000_000e18);
        s.pool.wire(address(token), address(s.pos));
        SystemLib.addClasses(s);
    }

    function _fund(address to, uint256 amount) private {
        vm.prank(TREASURY);
        token.transfer(to, amount);
    }

    function _register(address owner) private returns (uint64 number) {
        _fund(owner, SERVICE_STAKE + SERVICE_FEE);
        vm.startPrank(owner);
        token.approve(address(_next.staking), SERVICE_STAKE + SERVICE_FEE);
        number = _next.registry.register(0, STRANGER, "GET /", "", SERVICE_STAKE);
        vm.stopPrank();
    }

    function _takeOver(uint64 number, address owner) private {
        vm.startPrank(owner);
        token.approve(address(_next.staking), SERVICE_STAKE);
        _next.registry.takeOver(number, 0, STRANGER, "GET /", "", SERVICE_STAKE);
        vm.stopPrank();
    }

    function _refused(uint64 number, address caller, bytes memory refusal) private {
        vm.prank(caller);
        token.approve(address(_next.staking), SERVICE_STAKE);
        vm.expectRevert(refusal);
        vm.prank(caller);
        _next.registry.takeOver(number, 0, STRANGER, "GET /", "", SERVICE_STAKE);
    }

    function _label(ServiceRegistry target, uint64 number, string memory label) private {
        bytes32 commitment = registry.labelCommitment(label, PROVIDER, SALT);
        vm.startPrank(PROVIDER);
        target.commitLabel(commitment);
        vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
        target.setLabel(number, label, SALT);
        vm.stopPrank();
    }
}
