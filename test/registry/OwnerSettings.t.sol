// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";

/// @notice Key, metadata and payout: settings of an owner that do not affect activity.
contract OwnerSettingsTest is Deployment {
    address private constant FIRST = address(0x4e1);
    address private constant SECOND = address(0x4e2);
    address private constant PURSE = address(0x9053);

    uint64 private _number;
    address private _original;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        _original = registry.keyAt(_number, 2);
    }

    function test_AKeyCountsFromTheNextEpochButOne() public {
        enter(3);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.KeySet(_number, 5, FIRST);
        _setKey(FIRST);

        vm.assertEq(registry.keyAt(_number, 4), _original, "receipts of this epoch and the next");
        vm.assertEq(registry.keyAt(_number, 5), FIRST, "of the one after");
        enter(9);
        _setKey(SECOND);
        vm.assertEq(registry.keyAt(_number, 2), _original, "the past never changes");
        vm.assertEq(registry.keyAt(_number, 10), FIRST, "nor does the next epoch");
        vm.assertEq(registry.keyAt(_number, 11), SECOND, "the one after does");
    }

    function test_APendingKeyIsReplacedInItsEpoch() public {
        enter(3);
        _setKey(FIRST);
        jump(3, 9);
        _setKey(SECOND);

        vm.assertEq(registry.keyAt(_number, 4), _original, "the next epoch");
        vm.assertEq(registry.keyAt(_number, 5), SECOND, "the one after: the first never counted");
        // As when a mistake is corrected.
        _setKey(_original);
        vm.assertEq(registry.keyAt(_number, 5), _original, "the one after");
    }

    function test_AKeySetInTheEpochOfRegistrationReplacesTheFirst() public {
        _setKey(FIRST);

        vm.assertEq(registry.keyAt(_number, 1), address(0), "no key before its time");
        vm.assertEq(registry.keyAt(_number, 2), FIRST, "then the new one");
    }

    function test_AnotherKeyChangesNoActivity() public {
        enter(3);
        _setKey(FIRST);

        vm.assertEq(uint8(registry.statusAt(_number, 5)), 1, "Active");
        vm.assertEq(registry.activeLanes(0, 5), 1, "its lane");
        (uint96 stake, uint64 services) = activeAt(5);
        vm.assertEq(stake, 1_000e18, "total");
        vm.assertEq(services, 1, "count");
        vm.assertEq(registry.classOf(_number), 0, "class");
    }

    function test_RevertsWhen_TheKeyIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IServiceRegistry.RegistryKeyZero.selector));
        _setKey(address(0));
    }

    function test_MetadataAreReplacedAtOnce() public {
        vm.assertEq(bytes(registry.metadataOf(_number)), "ipfs://about", "the first");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.MetadataSet(_number, "ipfs://other");
        _setMetadata("ipfs://other");
        vm.assertEq(bytes(registry.metadataOf(_number)), "ipfs://other", "the second");

        _setMetadata(string(new bytes(256)));
        vm.assertEq(bytes(registry.metadataOf(_number)), new bytes(256), "the longest");
        _setMetadata("");
        vm.assertEq(bytes(registry.metadataOf(_number)), "", "none");
    }

    function test_RevertsWhen_TheMetadataAreTooLong() public {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryMetadataLength.selector, 257, 256)
        );
        _setMetadata(string(new bytes(257)));
    }

    function test_PayGoesToTheOwnerUnlessAPayoutIsNamed() public {
        vm.assertEq(registry.payoutOf(_number), PROVIDER, "the owner");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.PayoutSet(_number, PURSE);
        _setPayout(PURSE);
        vm.assertEq(registry.payoutOf(_number), PURSE, "who was named");

        vm.expectEmit(address(registry));
        emit IServiceRegistry.PayoutSet(_number, address(0));
        _setPayout(address(0));
        vm.assertEq(registry.payoutOf(_number), PROVIDER, "the owner again");
    }

    /// @dev Its pay is settled after its retirement.
    function test_ARetiredServiceMayStillNameItsPayout() public {
        vm.startPrank(PROVIDER);
        registry.retire(_number);
        registry.setPayout(_number, PURSE);

        vm.assertEq(registry.payoutOf(_number), PURSE, "who was named");
    }

    function test_RevertsWhen_AnotherThanTheOwnerChangesThem() public {
        // Not even an operator of the token.
        vm.prank(PROVIDER);
        registry.setApprovalForAll(STRANGER, true);
        vm.startPrank(STRANGER);
        _expectNotOwner(_number);
        registry.setKey(_number, FIRST);
        _expectNotOwner(_number);
        registry.setMetadata(_number, "");
        _expectNotOwner(_number);
        registry.setPayout(_number, STRANGER);
        _expectNotOwner(77);
        registry.setKey(77, FIRST);
    }

    function _setKey(address key) private {
        vm.prank(PROVIDER);
        registry.setKey(_number, key);
    }

    function _setMetadata(string memory metadata) private {
        vm.prank(PROVIDER);
        registry.setMetadata(_number, metadata);
    }

    function _setPayout(address payout) private {
        vm.prank(PROVIDER);
        registry.setPayout(_number, payout);
    }

    function _expectNotOwner(uint64 number) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, number, STRANGER)
        );
    }
}
