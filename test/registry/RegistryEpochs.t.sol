// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceSlots} from "../../contracts/registry/IServiceSlots.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {ActiveLanesLib} from "../../contracts/libraries/ActiveLanesLib.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {IRegistry} from "../support/Interfaces.sol";
import {GOVERNOR, SystemLib, TREASURY, UNBONDING_SECONDS} from "../support/System.sol";

/// @notice The state of an epoch is fixed before it begins.
contract RegistryEpochsTest is Deployment {
    function test_ARegistrationCountsFromTheNextEpochButOne() public {
        enter(5);
        uint64 number = registerService();

        vm.assertEq(registry.firstEpoch(number), 7, "first epoch");
        vm.assertEq(uint8(registry.statusAt(number, 5)), 0, "None in this one");
        vm.assertEq(uint8(registry.statusAt(number, 6)), 0, "nor in the next");
        vm.assertEq(uint8(registry.statusAt(number, 7)), 1, "Active in the one after");
        vm.assertEq(uint8(registry.statusNow(number)), 1, "routed to at once");
        vm.assertEq(registry.keyAt(number, 6), address(0), "no key yet");
        vm.assertNotEq(uint160(registry.keyAt(number, 7)), 0, "a key then");
        vm.assertEq(registry.activeLanes(0, 6), 0, "no lane yet");
        vm.assertEq(registry.activeLanes(0, 7), 1, "lane 0 then");
        _assertProbe(number, 6, 0);
        _assertProbe(number, 7, keccak256("GET /"));
    }

    function test_AProbeCountsFromTheNextEpochButOne() public {
        uint64 number = registerService();
        enter(4);
        uint256 firstBlock = vm.getBlockNumber();
        _setProbe(number, "GET /a");
        _assertProbe(number, 5, keccak256("GET /"));
        _assertProbe(number, 6, keccak256("GET /a"));

        // A second one in the same epoch replaces the first, which never counted.
        jump(4, 7);
        _setProbe(number, "GET /b");
        _assertProbe(number, 5, keccak256("GET /"));
        _assertProbe(number, 6, keccak256("GET /b"));
        (, uint64 blockNumber) = registry.probeAt(number, 6);
        vm.assertEq(blockNumber, firstBlock + 6, "where its bytes are");

        // A specification of the previous epoch stays pending: its owner could otherwise choose after the draw is
        // known.
        enter(5);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryProbePending.selector, number, 6)
        );
        _setProbe(number, "GET /c");
        enter(6);
        _setProbe(number, "GET /c");
        _assertProbe(number, 7, keccak256("GET /b"));
        _assertProbe(number, 8, keccak256("GET /c"));
    }

    function test_AProbeSetInTheEpochOfRegistrationReplacesTheFirst() public {
        enter(3);
        uint64 number = registerService();
        _setProbe(number, "GET /a");

        _assertProbe(number, 4, 0);
        _assertProbe(number, 5, keccak256("GET /a"));
    }

    function test_LosingTheMinimumStakeMakesInactiveFromTheNextEpochButOne() public {
        uint64 number = registerService();
        enter(3);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(number, 5, false);
        vm.prank(PROVIDER);
        staking.unstakeService(number, 1);

        vm.assertEq(uint8(registry.statusAt(number, 4)), 1, "still Active");
        vm.assertEq(uint8(registry.statusAt(number, 5)), 2, "Unstaked");
        vm.assertEq(registry.activeLanes(0, 4), 1, "still a lane");
        vm.assertEq(registry.activeLanes(0, 5), 0, "no lane");
        (uint96 stake, uint64 services) = activeAt(4);
        vm.assertEq(stake, 1_000e18, "still in the total");
        (stake, services) = activeAt(5);
        vm.assertEq(stake + services, 0, "out of the total");
        vm.assertEq(serviceStakeAt(number, 5), 1_000e18 - 1, "but still at stake");
    }

    function test_LanesOfTheFourEpochsThatAnyoneAsksAbout() public {
        registerService();
        enter(1);
        registerService();
        enter(2);
        registerService();
        enter(3);
        registerService();

        vm.assertEq(registry.activeLanes(0, 2), 1, "epoch 2");
        vm.assertEq(registry.activeLanes(0, 3), 3, "epoch 3");
        vm.assertEq(registry.activeLanes(0, 4), 7, "epoch 4");
        vm.assertEq(registry.activeLanes(0, 5), 15, "epoch 5");
    }

    function test_RevertsWhen_LanesAreForgotten() public {
        registerService();
        enter(9);
        registerService();

        vm.assertEq(registry.activeLanes(0, 8), 1, "the oldest that is known");
        vm.expectRevert(abi.encodeWithSelector(ActiveLanesLib.ActiveLanesForgotten.selector, 7, 8));
        registry.activeLanes(0, 7);
    }

    function test_TheSixteenthServiceOpensTheNextShard() public {
        registerServices(16);

        vm.assertEq(registry.activeLanes(0, 2), 0x7fff, "a full shard");
        vm.assertEq(registry.activeLanes(1, 2), 1, "the next");
    }

    function test_RevertsWhen_AShardCannotExist() public {
        uint256 shards = type(uint32).max;
        vm.assertEq(registry.activeLanes(shards - 1, 0), 0, "the last");
        vm.expectRevert(
            abi.encodeWithSelector(IServiceSlots.RegistryShardRange.selector, shards, shards)
        );
        registry.activeLanes(shards, 0);
    }

    function test_WithoutStakeNoServiceIsActiveWhateverItsClassAsks() public {
        IRegistry free = SystemLib.newRegistry(governance);
        IServiceClasses.ServiceClass memory kind = SystemLib.class("free", address(verifier));
        (kind.minimumStake, kind.registrationFee) = (0, 0);
        vm.prank(GOVERNOR);
        free.addClass(kind);
        IStaking stakes = Artifacts.newStaking(address(token), address(free), UNBONDING_SECONDS, 1);
        IProofOfService rounds = Artifacts.newProofOfService(
            address(free),
            address(stakes),
            address(pool)
        );
        IChallengeBook challenges = Artifacts.newChallengeBook(address(rounds), 1, 0, 0);
        IServiceLabels names = SystemLib.newLabels(free, token);
        ISettlement pays = Artifacts.newSettlement(address(rounds));
        rounds.wire(address(pays));
        free.wire(
            address(stakes),
            address(rounds),
            address(pays),
            address(challenges),
            address(names)
        );
        vm.prank(TREASURY);
        token.transfer(PROVIDER, 1);
        vm.startPrank(PROVIDER);
        token.approve(address(stakes), 1);
        free.register(0, STRANGER, "GET /", "", 1);
        enter(1);
        stakes.unstakeService(1, 1);

        (, uint64 services, ) = stakes.totalsAt(2);
        vm.assertEq(services, 1, "active with any stake");
        // An active service without stake would make the total 0, and its settlement divide by it.
        (, services, ) = stakes.totalsAt(3);
        vm.assertEq(services, 0, "not active without");
    }

    function _setProbe(uint64 number, bytes memory probe) private {
        vm.prank(PROVIDER);
        registry.setProbe(number, probe);
    }

    function _assertProbe(uint64 number, uint32 epoch, bytes32 expected) private view {
        (bytes32 hash, ) = registry.probeAt(number, epoch);
        vm.assertEq(hash, expected, "probe");
    }
}
