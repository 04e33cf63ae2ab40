// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceLabels} from "../../contracts/registry/IServiceLabels.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ServiceRegistry} from "../../contracts/registry/ServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    EPOCH_SECONDS,
    LABEL_MAXIMUM_AGE,
    LABEL_MINIMUM_AGE,
    System,
    SystemLib
} from "../support/System.sol";

contract LabelsTest is Deployment {
    using SystemLib for System;

    bytes32 private constant SALT = keccak256("salt");

    uint64 private _number;
    uint64 private _rival;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        _rival = system().register(STRANGER, 0);
    }

    function test_ALabelIsCommittedToAndTaken() public {
        bytes32 commitment = keccak256(abi.encode("oracle", PROVIDER, SALT));
        vm.assertEq(registry.labelCommitment("oracle", PROVIDER, SALT), commitment, "commitment");
        vm.expectEmit(address(registry));
        emit IServiceLabels.LabelCommitted(PROVIDER, commitment);
        vm.prank(PROVIDER);
        registry.commitLabel(commitment);
        vm.assertEq(registry.numberOf("oracle"), 0, "nobody has it yet");

        _wait(LABEL_MINIMUM_AGE);
        vm.expectEmit(address(registry));
        emit IServiceLabels.LabelSet(_number, "oracle");
        _take(PROVIDER, _number, "oracle");

        vm.assertEq(registry.numberOf("oracle"), _number, "label to number");
        vm.assertEq(bytes(registry.labelOf(_number)), "oracle", "number to label");
        vm.assertEq(bytes(registry.labelOf(_rival)), "", "the other has none");
    }

    /// @dev Whoever sees the commitment in the mempool and sends the same bytes, before or after, has
    /// committed to nothing: the label cannot be read off it, and names the other as its taker.
    function test_ACopiedCommitmentIsWorthNothing() public {
        bytes32 commitment = _commitment(PROVIDER, "oracle");
        vm.prank(STRANGER);
        registry.commitLabel(commitment);
        _commit(PROVIDER, "oracle");

        _wait(LABEL_MINIMUM_AGE);
        // By now the label and the salt are known, too.
        _expectNotCommitted(_commitment(STRANGER, "oracle"));
        _take(STRANGER, _rival, "oracle");
        _take(PROVIDER, _number, "oracle");
        vm.assertEq(registry.numberOf("oracle"), _number, "whose it is");
    }

    function test_WhoeverSeesALabelInTheMempoolComesTooLate() public {
        _commit(PROVIDER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        // The provider's `setLabel` waits in the mempool; the other's transactions come first.
        _commit(STRANGER, "oracle");
        _expectAge(STRANGER, "oracle", vm.getBlockTimestamp());
        _take(STRANGER, _rival, "oracle");
        _take(PROVIDER, _number, "oracle");

        _wait(LABEL_MINIMUM_AGE);
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.RegistryLabelTaken.selector, "oracle", _number)
        );
        _take(STRANGER, _rival, "oracle");
    }

    function test_ACommitmentIsGoodFromItsLeastToItsGreatestAge() public {
        uint256 committedAt = vm.getBlockTimestamp();
        _commit(PROVIDER, "oracle");
        vm.warp(committedAt + LABEL_MINIMUM_AGE - 1);
        _expectAge(PROVIDER, "oracle", committedAt);
        _take(PROVIDER, _number, "oracle");

        vm.warp(committedAt + LABEL_MAXIMUM_AGE + 1);
        _expectAge(PROVIDER, "oracle", committedAt);
        _take(PROVIDER, _number, "oracle");

        vm.warp(committedAt + LABEL_MAXIMUM_AGE);
        _take(PROVIDER, _number, "oracle");
        vm.assertEq(registry.numberOf("oracle"), _number, "in its last second");
    }

    /// @dev Otherwise whoever may commit again at any time could keep a commitment young or old at will.
    function test_ACommitmentStandsUntilItRanOut() public {
        uint256 committedAt = vm.getBlockTimestamp();
        _commit(PROVIDER, "oracle");
        _expectCommitted(committedAt);
        _commit(PROVIDER, "oracle");
        vm.warp(committedAt + LABEL_MAXIMUM_AGE);
        _expectCommitted(committedAt);
        _commit(PROVIDER, "oracle");

        vm.warp(committedAt + LABEL_MAXIMUM_AGE + 1);
        _commit(PROVIDER, "oracle");
        _expectAge(PROVIDER, "oracle", vm.getBlockTimestamp());
        _take(PROVIDER, _number, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        _take(PROVIDER, _number, "oracle");
        vm.assertEq(registry.numberOf("oracle"), _number, "taken with the second");
    }

    function test_ACommitmentIsSpentOnce() public {
        uint64 second = registerService();
        _obtain(PROVIDER, _number, "oracle");

        _expectNotCommitted(_commitment(PROVIDER, "oracle"));
        _take(PROVIDER, second, "oracle");
        // It may be made again, for nothing.
        _obtainFails(
            PROVIDER,
            second,
            "oracle",
            abi.encodeWithSelector(IServiceLabels.RegistryLabelTaken.selector, "oracle", _number)
        );
    }

    function test_ALabelIsHeldForEver() public {
        _obtain(PROVIDER, _number, "oracle");
        bytes memory held = abi.encodeWithSelector(
            IServiceLabels.RegistryLabelHeld.selector,
            _number,
            "oracle"
        );
        _obtainFails(PROVIDER, _number, "prophet", held);

        // It goes with the token; the new owner cannot change it either.
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.assertEq(registry.numberOf("oracle"), _number, "with the token");
        _obtainFails(STRANGER, _number, "prophet", held);

        // And stays with a service that is retired.
        vm.prank(STRANGER);
        registry.retire(_number);
        vm.assertEq(registry.numberOf("oracle"), _number, "after retirement");
        vm.assertEq(bytes(registry.labelOf(_number)), "oracle", "after retirement");
        _obtainFails(
            STRANGER,
            _rival,
            "oracle",
            abi.encodeWithSelector(IServiceLabels.RegistryLabelTaken.selector, "oracle", _number)
        );
    }

    /// @dev A commitment is its maker's and no service's.
    function test_ACommitmentDoesNotGoWithTheToken() public {
        _commit(PROVIDER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);

        _expectNotOwner(PROVIDER);
        _take(PROVIDER, _number, "oracle");
        _expectNotCommitted(_commitment(STRANGER, "oracle"));
        _take(STRANGER, _number, "oracle");
        uint64 another = registerService();
        _take(PROVIDER, another, "oracle");
        vm.assertEq(registry.numberOf("oracle"), another, "for another of its maker's");
    }

    function test_RevertsWhen_ALabelIsNoLabel() public {
        string[7] memory labels = ["", "id", "Oracle", "-oracle", "oracle-", "xn--oracle", "o.r"];
        for (uint256 i = 0; i < labels.length; ++i) {
            _obtainFails(
                PROVIDER,
                _number,
                labels[i],
                abi.encodeWithSelector(IServiceLabels.RegistryLabelInvalid.selector, labels[i])
            );
        }
    }

    function test_RevertsWhen_LabelOrSaltAreOthers() public {
        _commit(PROVIDER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        _expectNotCommitted(_commitment(PROVIDER, "prophet"));
        _take(PROVIDER, _number, "prophet");
        _expectNotCommitted(registry.labelCommitment("oracle", PROVIDER, 0));
        vm.prank(PROVIDER);
        registry.setLabel(_number, "oracle", 0);
    }

    function test_RevertsWhen_AnotherThanTheOwnerTakesALabel() public {
        // Not even whom the owner lets move the token.
        vm.prank(PROVIDER);
        registry.setApprovalForAll(STRANGER, true);
        _commit(STRANGER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        _expectNotOwner(STRANGER);
        _take(STRANGER, _number, "oracle");
    }

    function test_RevertsWhen_ARetiredServiceTakesALabel() public {
        vm.prank(PROVIDER);
        registry.retire(_number);
        _obtainFails(
            PROVIDER,
            _number,
            "oracle",
            abi.encodeWithSelector(IServiceRegistry.RegistryRetired.selector, _number)
        );
    }

    function test_RevertsWhen_TheAgesLeaveNoTime() public {
        _expectAges(0, 3_600);
        _expectAges(60, 60);
        _expectAges(61, 60);
        ServiceRegistry other = new ServiceRegistry(
            EPOCH_SECONDS,
            address(governance),
            60,
            61,
            address(0)
        );
        vm.assertEq(other.labelMinimumAge(), 60, "least");
        vm.assertEq(other.labelMaximumAge(), 61, "greatest");
    }

    function _commitment(address owner, string memory label) private view returns (bytes32) {
        return registry.labelCommitment(label, owner, SALT);
    }

    function _commit(address owner, string memory label) private {
        bytes32 commitment = keccak256(abi.encode(label, owner, SALT));
        vm.prank(owner);
        registry.commitLabel(commitment);
    }

    function _take(address owner, uint64 number, string memory label) private {
        vm.prank(owner);
        registry.setLabel(number, label, SALT);
    }

    function _obtain(address owner, uint64 number, string memory label) private {
        _commit(owner, label);
        _wait(LABEL_MINIMUM_AGE);
        _take(owner, number, label);
    }

    function _obtainFails(
        address owner,
        uint64 number,
        string memory label,
        bytes memory refusal
    ) private {
        _commit(owner, label);
        _wait(LABEL_MINIMUM_AGE);
        vm.expectRevert(refusal);
        _take(owner, number, label);
    }

    function _wait(uint256 time) private {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    function _expectAges(uint64 least, uint64 greatest) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.RegistryLabelAges.selector, least, greatest)
        );
        new ServiceRegistry(EPOCH_SECONDS, address(governance), least, greatest, address(0));
    }

    function _expectCommitted(uint256 committedAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceLabels.RegistryLabelCommitted.selector,
                _commitment(PROVIDER, "oracle"),
                committedAt
            )
        );
    }

    function _expectNotCommitted(bytes32 commitment) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.RegistryLabelNotCommitted.selector, commitment)
        );
    }

    function _expectAge(address owner, string memory label, uint256 committedAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceLabels.RegistryLabelAge.selector,
                _commitment(owner, label),
                committedAt + LABEL_MINIMUM_AGE,
                committedAt + LABEL_MAXIMUM_AGE
            )
        );
    }

    function _expectNotOwner(address caller) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceRegistry.RegistryNotOwner.selector, _number, caller)
        );
    }
}
