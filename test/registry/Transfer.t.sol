// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {System, SystemLib} from "../support/System.sol";

/// @dev Uses its token immediately when it receives it.
contract Buyer {
    address public immutable KEY;

    constructor(address key) {
        KEY = key;
    }

    function onERC721Received(
        address,
        address,
        uint256 tokenId,
        bytes calldata
    ) external returns (bytes4) {
        IServiceRegistry(msg.sender).setKey(uint64(tokenId), KEY);
        return this.onERC721Received.selector;
    }
}

/// @notice The seller's settings do not bind the buyer.
contract TransferTest is Deployment {
    using SystemLib for System;

    address private constant CAROL = address(0xca401);
    address private constant KEY = address(0x4e1);
    address private constant PURSE = address(0x9053);

    uint64 private _number;
    address private _original;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        _original = registry.keyAt(_number, 2);
        enter(3);
    }

    function test_ATransferTakesEffectWithTheNextEpochButOne() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.KeySet(_number, 5, address(0));
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 5, false);
        vm.expectEmit(address(staking));
        emit IStaking.ServiceStakeChanged(_number, 5, 0);
        _transfer(PROVIDER, STRANGER);

        vm.assertEq(registry.ownerOf(_number), STRANGER, "owner at once");
        // This epoch and the next are unchanged: audited, paid and open to challenges.
        _assertActive(4, 1, 1_000e18);
        vm.assertEq(registry.keyAt(_number, 4), _original, "the key of this epoch");
        vm.assertEq(staking.stakerAt(_number, 4), PROVIDER, "still the seller's stake");
        // The one after begins without key and stake.
        _assertInactive(5);
        vm.assertEq(uint8(registry.statusNow(_number)), 6, "Keyless");
        vm.assertEq(registry.keyAt(_number, 5), address(0), "no key");
        vm.assertEq(staking.stakerAt(_number, 5), address(0), "no staker");
        vm.assertEq(staking.stakerOf(_number), address(0), "no staker");
    }

    function test_TheStakeUnbondsToTheSeller() public {
        uint64 releaseAt = uint64(vm.getBlockTimestamp()) + 132;
        vm.expectEmit(address(staking));
        emit IStaking.UnbondingStarted(PROVIDER, 1_000e18, releaseAt);
        _transfer(PROVIDER, STRANGER);

        UnbondingLib.Entry[] memory open = staking.serviceUnbonding(_number, PROVIDER);
        vm.assertEq(open.length, 1, "one entry");
        vm.assertEq(open[0].amount, 1_000e18, "all of it");
        vm.assertEq(staking.serviceUnbonding(_number, STRANGER).length, 0, "none to the buyer");
        vm.warp(releaseAt);
        staking.withdrawService(_number, PROVIDER);
        vm.assertEq(token.balanceOf(PROVIDER), 1_000e18, "paid to the seller");
    }

    function test_TheBuyerSetsAKeyAndStakesAndIsActiveFromTheNextEpochButOne() public {
        _transfer(PROVIDER, STRANGER);
        enter(5);
        _stake(STRANGER, 2_000e18);
        vm.assertEq(uint8(registry.statusNow(_number)), 6, "stake alone: Keyless");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ActivityChanged(_number, 7, true);
        _setKey(STRANGER, KEY);

        _assertInactive(6);
        vm.assertEq(staking.stakerAt(_number, 6), address(0), "no staker in this epoch");
        _assertActive(7, 1, 2_000e18);
        vm.assertEq(registry.keyAt(_number, 7), KEY, "the buyer's key");
        vm.assertEq(staking.stakerAt(_number, 7), STRANGER, "the buyer's stake");
    }

    function test_AKeyWithoutStakeIsNotEnough() public {
        _transfer(PROVIDER, STRANGER);
        _setKey(STRANGER, KEY);

        vm.assertEq(uint8(registry.statusAt(_number, 5)), 2, "Unstaked");
        vm.assertEq(registry.activeLanes(0, 5), 0, "no lane");
    }

    function test_ABuyerInAHurryMissesNoEpoch() public {
        _transfer(PROVIDER, STRANGER);
        _setKey(STRANGER, KEY);
        _stake(STRANGER, 1_500e18);

        _assertActive(4, 1, 1_000e18);
        _assertActive(5, 1, 1_500e18);
        vm.assertEq(staking.stakerAt(_number, 4), PROVIDER, "the seller's");
        vm.assertEq(staking.stakerAt(_number, 5), STRANGER, "then the buyer's");
    }

    /// @dev A key that the seller sets in the same epoch would otherwise count when the buyer is already responsible
    /// for the service.
    function test_AServiceIsNotSoldWithAHiddenKey() public {
        _setKey(PROVIDER, KEY);
        _transfer(PROVIDER, STRANGER);

        vm.assertEq(registry.keyAt(_number, 4), _original, "the key of this epoch");
        vm.assertEq(registry.keyAt(_number, 5), address(0), "not the pending one");
        _stake(STRANGER, 1_000e18);
        vm.assertEq(uint8(registry.statusNow(_number)), 6, "Keyless whatever is at stake");
    }

    function test_ThePayoutOfTheSellerIsForgotten() public {
        vm.prank(PROVIDER);
        registry.setPayout(_number, PURSE);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.PayoutSet(_number, address(0));
        _transfer(PROVIDER, STRANGER);

        vm.assertEq(registry.payoutOf(_number), STRANGER, "the new owner");
    }

    function test_MaintenanceAndSuspensionGoWithTheToken() public {
        vm.prank(PROVIDER);
        registry.setMaintenance(_number, true);
        vm.prank(address(book));
        registry.suspend(_number);
        _transfer(PROVIDER, STRANGER);
        _setKey(STRANGER, KEY);
        _stake(STRANGER, 1_000e18);
        vm.assertEq(uint8(registry.statusNow(_number)), 4, "Suspended");

        vm.startPrank(STRANGER);
        registry.reinstate(_number);
        vm.assertEq(uint8(registry.statusNow(_number)), 3, "Maintenance");
        registry.setMaintenance(_number, false);
        _assertActive(5, 1, 1_000e18);
    }

    function test_AnApprovedOperatorTransfers() public {
        vm.prank(PROVIDER);
        registry.approve(CAROL, _number);
        vm.prank(CAROL);
        registry.transferFrom(PROVIDER, STRANGER, _number);

        vm.assertEq(registry.ownerOf(_number), STRANGER, "owner");
        _assertInactive(5);
        // The approval is used up.
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721InsufficientApproval.selector,
                CAROL,
                _number
            )
        );
        vm.prank(CAROL);
        registry.transferFrom(STRANGER, CAROL, _number);
    }

    function test_ATransferToOneselfChangesNothing() public {
        vm.prank(PROVIDER);
        registry.setPayout(_number, PURSE);
        _transfer(PROVIDER, PROVIDER);

        vm.assertEq(registry.payoutOf(_number), PURSE, "payout");
        vm.assertEq(registry.keyAt(_number, 5), _original, "key");
        vm.assertEq(staking.stakerOf(_number), PROVIDER, "staker");
        vm.assertEq(staking.serviceUnbonding(_number, PROVIDER).length, 0, "nothing unbonds");
        _assertActive(5, 1, 1_000e18);
    }

    function test_AServiceWithoutStakeIsTransferred() public {
        uint64 bare = system().register(PROVIDER, 0);
        enter(4);
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, bare);

        vm.assertEq(staking.serviceUnbonding(bare, PROVIDER).length, 0, "nothing unbonds");
        vm.assertEq(staking.stakerOf(bare), address(0), "room for the buyer's stake");
        vm.assertEq(uint8(registry.statusNow(bare)), 6, "Keyless");
        _assertActive(6, 1, 1_000e18);
    }

    function test_AServiceIsSoldInTheEpochOfItsRegistration() public {
        uint64 young = registerService();
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, young);

        vm.assertEq(staking.stakerAt(young, 4), address(0), "no staker yet");
        vm.assertEq(staking.stakerAt(young, 5), address(0), "no staker any more");
        vm.assertEq(registry.activeLanes(0, 5), 1, "never active");
        vm.assertEq(uint8(registry.statusAt(young, 5)), 6, "Keyless");
        _assertActive(5, 1, 1_000e18);
    }

    function test_TwoTransfersInOneEpoch() public {
        _transfer(PROVIDER, STRANGER);
        _setKey(STRANGER, KEY);
        _stake(STRANGER, 1_500e18);
        _transfer(STRANGER, CAROL);

        vm.assertEq(staking.stakerAt(_number, 4), PROVIDER, "still the first seller's stake");
        vm.assertEq(staking.stakerAt(_number, 5), address(0), "then no staker");
        _assertActive(4, 1, 1_000e18);
        _assertInactive(5);
        vm.assertEq(staking.serviceUnbonding(_number, PROVIDER)[0].amount, 1_000e18, "the first");
        vm.assertEq(staking.serviceUnbonding(_number, STRANGER)[0].amount, 1_500e18, "the second");
        vm.assertEq(registry.payoutOf(_number), CAROL, "payout");
    }

    function test_ABoughtBackServiceHasOneStakerAgain() public {
        _transfer(PROVIDER, STRANGER);
        _transfer(STRANGER, PROVIDER);
        _stake(PROVIDER, 3_000e18);
        vm.assertEq(staking.stakerAt(_number, 5), PROVIDER, "again");
        vm.assertEq(staking.serviceUnbonding(_number, PROVIDER).length, 1, "the old stake waits");
        _setKey(PROVIDER, KEY);
        _assertActive(5, 1, 3_000e18);
    }

    function test_SafeTransferLetsTheBuyerActAtOnce() public {
        Buyer buyer = new Buyer(KEY);
        vm.prank(PROVIDER);
        registry.safeTransferFrom(PROVIDER, address(buyer), _number);

        vm.assertEq(registry.ownerOf(_number), address(buyer), "owner");
        vm.assertEq(registry.keyAt(_number, 5), KEY, "set by the hook, after ours");
        vm.assertEq(uint8(registry.statusNow(_number)), 2, "Unstaked");
        _assertInactive(5);
    }

    function test_RevertsWhen_TheSellerActsAfterTheSale() public {
        _transfer(PROVIDER, STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, _number, PROVIDER)
        );
        _setKey(PROVIDER, KEY);
        _expectNotStaker(PROVIDER, address(0));
        vm.prank(PROVIDER);
        staking.unstakeService(_number, 1);
        _expectNotStaker(PROVIDER, STRANGER);
        vm.prank(PROVIDER);
        staking.stakeService(_number, 1);
    }

    function test_RevertsWhen_AStrangerTransfers() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721InsufficientApproval.selector,
                STRANGER,
                _number
            )
        );
        vm.prank(STRANGER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
    }

    /// @dev The seller's queue must have room for the stake.
    function test_RevertsWhen_TheQueueOfTheSellerIsFull() public {
        system().fund(PROVIDER, 16);
        vm.startPrank(PROVIDER);
        staking.stakeService(_number, 16);
        for (uint256 i = 0; i < 16; ++i) {
            staking.unstakeService(_number, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(UnbondingLib.UnbondingQueueFull.selector, 16));
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.expectRevert(abi.encodeWithSelector(UnbondingLib.UnbondingQueueFull.selector, 16));
        registry.retire(_number);

        enter(15);
        staking.withdrawService(_number, PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.assertEq(registry.ownerOf(_number), STRANGER, "after the withdrawal");
    }

    function _transfer(address from, address to) private {
        vm.prank(from);
        registry.transferFrom(from, to, _number);
    }

    function _setKey(address owner, address key) private {
        vm.prank(owner);
        registry.setKey(_number, key);
    }

    function _stake(address owner, uint96 amount) private {
        system().fund(owner, amount);
        vm.startPrank(owner);
        token.approve(address(staking), type(uint256).max);
        staking.stakeService(_number, amount);
        vm.stopPrank();
    }

    function _assertActive(uint32 epoch, uint256 lanes, uint256 stake) private view {
        vm.assertEq(uint8(registry.statusAt(_number, epoch)), 1, "Active");
        vm.assertEq(registry.activeLanes(0, epoch), lanes, "lanes");
        (uint96 total, uint64 services) = activeAt(epoch);
        vm.assertEq(total, stake, "total");
        vm.assertEq(services, 1, "services");
    }

    function _assertInactive(uint32 epoch) private view {
        vm.assertNotEq(uint8(registry.statusAt(_number, epoch)), 1, "not Active");
        vm.assertEq(registry.activeLanes(0, epoch), 0, "no lane");
        (uint96 total, uint64 services) = activeAt(epoch);
        vm.assertEq(total + services, 0, "out of the totals");
    }

    function _expectNotStaker(address caller, address staker) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingNotStaker.selector, _number, caller, staker)
        );
    }
}
