// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {Artifacts} from "../support/Artifacts.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {
    LABEL_MAXIMUM_AGE,
    LABEL_MINIMUM_AGE,
    LABEL_PRICE,
    System,
    SystemLib,
    TREASURY
} from "../support/System.sol";

contract LabelsTest is Deployment {
    using SystemLib for System;

    bytes32 private constant SALT = keccak256("salt");

    uint64 private _number;
    uint64 private _rival;

    function setUp() public override {
        super.setUp();
        _number = registerService();
        _rival = system().register(STRANGER, 1_000e18);
        _pay(PROVIDER);
        _pay(STRANGER);
        // A label needs an active service.
        enter(3);
    }

    function test_ALabelIsCommittedToAndTaken() public {
        bytes32 commitment = keccak256(abi.encode("oracle", PROVIDER, SALT));
        vm.assertEq(labels.labelCommitment("oracle", PROVIDER, SALT), commitment, "commitment");
        vm.expectEmit(address(labels));
        emit IServiceLabels.LabelCommitted(PROVIDER, commitment);
        vm.prank(PROVIDER);
        labels.commitLabel(commitment);
        vm.assertEq(labels.numberOf("oracle"), 0, "no service has it yet");

        _wait(LABEL_MINIMUM_AGE);
        vm.expectEmit(address(labels));
        emit IServiceLabels.LabelSet(_number, "oracle");
        _take(PROVIDER, _number, "oracle");

        vm.assertEq(labels.numberOf("oracle"), _number, "label to number");
        vm.assertEq(bytes(labels.labelOf(_number)), "oracle", "number to label");
        vm.assertEq(bytes(labels.labelOf(_rival)), "", "the other has none");
    }

    /// @dev A copy of a commitment from the mempool, sent before or after, is useless: it does not show the label,
    /// and its hash names the other account.
    function test_ACopiedCommitmentIsWorthNothing() public {
        bytes32 commitment = _commitment(PROVIDER, "oracle");
        vm.prank(STRANGER);
        labels.commitLabel(commitment);
        _commit(PROVIDER, "oracle");

        _wait(LABEL_MINIMUM_AGE);
        // Now the label and the salt are known, too.
        _expectNotCommitted(_commitment(STRANGER, "oracle"));
        _take(STRANGER, _rival, "oracle");
        _take(PROVIDER, _number, "oracle");
        vm.assertEq(labels.numberOf("oracle"), _number, "whose it is");
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
            abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "oracle", _number)
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
        vm.assertEq(labels.numberOf("oracle"), _number, "in its last second");
    }

    /// @dev Otherwise an account could commit again at any time to control the age of its commitment.
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
        vm.assertEq(labels.numberOf("oracle"), _number, "taken with the second");
    }

    function test_ACommitmentIsSpentOnce() public {
        uint64 second = registerService();
        enter(6);
        _obtain(PROVIDER, _number, "oracle");

        _expectNotCommitted(_commitment(PROVIDER, "oracle"));
        _take(PROVIDER, second, "oracle");
        // It may be made again without a cost.
        _obtainFails(
            PROVIDER,
            second,
            "oracle",
            abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "oracle", _number)
        );
    }

    function test_ALabelIsHeldForEver() public {
        _obtain(PROVIDER, _number, "oracle");
        bytes memory held = abi.encodeWithSelector(
            IServiceLabels.LabelHeld.selector,
            _number,
            "oracle"
        );
        _obtainFails(PROVIDER, _number, "prophet", held);

        // It goes with the token; the new owner cannot change it either.
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _number);
        vm.assertEq(labels.numberOf("oracle"), _number, "with the token");
        _obtainFails(STRANGER, _number, "prophet", held);

        // And stays with a service that is retired.
        vm.prank(STRANGER);
        registry.retire(_number);
        vm.assertEq(labels.numberOf("oracle"), _number, "after retirement");
        vm.assertEq(bytes(labels.labelOf(_number)), "oracle", "after retirement");
        _obtainFails(
            STRANGER,
            _rival,
            "oracle",
            abi.encodeWithSelector(IServiceLabels.LabelTaken.selector, "oracle", _number)
        );
    }

    /// @dev A commitment belongs to its account, not to a service.
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
        enter(6);
        _take(PROVIDER, another, "oracle");
        vm.assertEq(labels.numberOf("oracle"), another, "for another of its maker's");
    }

    function test_RevertsWhen_ALabelIsNoLabel() public {
        string[7] memory wrong = ["", "id", "Oracle", "-oracle", "oracle-", "xn--oracle", "o.r"];
        for (uint256 i = 0; i < wrong.length; ++i) {
            _obtainFails(
                PROVIDER,
                _number,
                wrong[i],
                abi.encodeWithSelector(IServiceLabels.LabelInvalid.selector, wrong[i])
            );
        }
    }

    function test_RevertsWhen_LabelOrSaltAreOthers() public {
        _commit(PROVIDER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        _expectNotCommitted(_commitment(PROVIDER, "prophet"));
        _take(PROVIDER, _number, "prophet");
        _expectNotCommitted(labels.labelCommitment("oracle", PROVIDER, 0));
        vm.prank(PROVIDER);
        labels.setLabel(_number, "oracle", 0);
    }

    function test_RevertsWhen_AnotherThanTheOwnerTakesALabel() public {
        // Not even an operator of the token.
        vm.prank(PROVIDER);
        registry.setApprovalForAll(STRANGER, true);
        _commit(STRANGER, "oracle");
        _wait(LABEL_MINIMUM_AGE);
        _expectNotOwner(STRANGER);
        _take(STRANGER, _number, "oracle");
    }

    function test_RevertsWhen_TheServiceIsNotActiveInTheEpoch() public {
        uint64 late = registerService();
        uint64 unstaked = system().register(PROVIDER, 0);
        uint32 epoch = registry.currentEpoch();
        _obtainFails(PROVIDER, late, "oracle", _inactive(late, epoch));
        vm.prank(PROVIDER);
        registry.setMaintenance(_number, true);
        enter(epoch + 3);
        vm.expectRevert(_inactive(_number, epoch + 3));
        _take(PROVIDER, _number, "oracle");
        vm.expectRevert(_inactive(unstaked, epoch + 3));
        _take(PROVIDER, unstaked, "oracle");

        _take(PROVIDER, late, "oracle");
        vm.assertEq(labels.numberOf("oracle"), late, "by now");
    }

    /// @dev The price falls with the length, and is burned.
    function test_ShortLabelsAreDear() public {
        string[5] memory names = ["o", "or", "ora", "orac", "oracl"];
        uint256[5] memory prices = [uint256(100_000e18), 30_000e18, 10_000e18, 1_000e18, 50e18];
        for (uint256 i = 0; i < 5; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.assertEq(labels.priceOf(i + 1), prices[i], "said");
            uint256 supply = token.totalSupply();
            uint256 before = token.balanceOf(PROVIDER);
            _obtain(PROVIDER, _number, names[i]);
            vm.assertEq(supply - token.totalSupply(), prices[i], "burned");
            vm.assertEq(before - token.balanceOf(PROVIDER), prices[i], "paid");
            vm.revertToState(snapshot);
        }
        vm.assertEq(labels.priceOf(63), prices[4], "the longest");
    }

    /// @dev In an earlier version a squatter paid only the registration fee for a label, without a stake.
    function test_ANameCostsItsPriceAndAnActiveService() public {
        uint64 number = system().register(STRANGER, 0);
        enter(6);
        _obtainFails(STRANGER, number, "google", _inactive(number, 6));
        vm.startPrank(STRANGER);
        token.transfer(TREASURY, token.balanceOf(STRANGER));
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                STRANGER,
                0,
                LABEL_PRICE
            )
        );
        _take(STRANGER, _rival, "google");
        vm.assertEq(labels.numberOf("google"), 0, "still free");
    }

    function test_RevertsWhen_ThePriceWasNotAllowed() public {
        vm.prank(PROVIDER);
        token.approve(address(labels), LABEL_PRICE - 1);
        _obtainFails(
            PROVIDER,
            _number,
            "oracle",
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(labels),
                LABEL_PRICE - 1,
                LABEL_PRICE
            )
        );
    }

    function test_RevertsWhen_AnotherThanTheRegistryBringsALabelAlong() public {
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelNotRegistry.selector, PROVIDER));
        vm.prank(PROVIDER);
        labels.inherit(_number);
    }

    function test_RevertsWhen_TheAgesLeaveNoTime() public {
        _expectAges(0, 3_600);
        _expectAges(60, 60);
        _expectAges(61, 60);
        IServiceLabels other = _deploy(60, 61);
        vm.assertEq(other.minimumAge(), 60, "least");
        vm.assertEq(other.maximumAge(), 61, "greatest");
        vm.assertEq(other.registry(), address(registry), "registry");
        vm.assertEq(other.token(), address(token), "token");
        vm.assertEq(other.predecessor(), address(0), "the first");
    }

    function _pay(address owner) private {
        system().fund(owner, 200_000e18);
        vm.prank(owner);
        token.approve(address(labels), type(uint256).max);
    }

    function _inactive(uint64 number, uint32 epoch) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IServiceLabels.LabelServiceInactive.selector, number, epoch);
    }

    function _deploy(uint64 least, uint64 greatest) private returns (IServiceLabels) {
        uint256[5] memory prices;
        return Artifacts.newLabels(address(registry), address(token), least, greatest, prices);
    }

    function _commitment(address owner, string memory label) private view returns (bytes32) {
        return labels.labelCommitment(label, owner, SALT);
    }

    function _commit(address owner, string memory label) private {
        bytes32 commitment = keccak256(abi.encode(label, owner, SALT));
        vm.prank(owner);
        labels.commitLabel(commitment);
    }

    function _take(address owner, uint64 number, string memory label) private {
        vm.prank(owner);
        labels.setLabel(number, label, SALT);
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
        vm.expectRevert(abi.encodeWithSelector(IServiceLabels.LabelAges.selector, least, greatest));
        _deploy(least, greatest);
    }

    function _expectCommitted(uint256 committedAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceLabels.LabelAlreadyCommitted.selector,
                _commitment(PROVIDER, "oracle"),
                committedAt
            )
        );
    }

    function _expectNotCommitted(bytes32 commitment) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.LabelNotCommitted.selector, commitment)
        );
    }

    function _expectAge(address owner, string memory label, uint256 committedAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceLabels.LabelAge.selector,
                _commitment(owner, label),
                committedAt + LABEL_MINIMUM_AGE,
                committedAt + LABEL_MAXIMUM_AGE
            )
        );
    }

    function _expectNotOwner(address caller) private {
        vm.expectRevert(
            abi.encodeWithSelector(IServiceLabels.LabelNotOwner.selector, _number, caller)
        );
    }
}
