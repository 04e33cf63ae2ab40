// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IEpochClock} from "../../contracts/registry/IEpochClock.sol";
import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {ISuccession} from "../../contracts/registry/ISuccession.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {LABEL_MINIMUM_AGE, LABEL_PRICE, System, SystemLib} from "../support/System.sol";

/// @notice A receiver that records its calls, and returns a given answer.
contract Receiver is IERC721Receiver {
    bytes4 private immutable _answer;
    bytes32 public received;

    error Refused();

    constructor(bytes4 answer) {
        _answer = answer;
    }

    function onERC721Received(
        address operator,
        address from,
        uint256 tokenId,
        bytes calldata data
    ) external returns (bytes4) {
        if (_answer == 0) revert Refused();
        received = keccak256(abi.encode(operator, from, tokenId, data));
        return _answer;
    }
}

/// @notice Services behave as wallets and markets with ERC-721 expect.
contract Erc721Test is Deployment {
    using SystemLib for System;

    address private constant BUYER = address(0xb04e4);
    address private constant OPERATOR = address(0x09e4);
    uint256 private constant UNKNOWN = 99;

    uint256 private _one;
    uint256 private _two;

    function setUp() public override {
        super.setUp();
        _one = registerService();
        _two = registerService();
    }

    // Interfaces

    function test_SaysWhatItIs() public view {
        vm.assertEq(bytes(registry.name()), "Blockcloud Service", "name");
        vm.assertEq(bytes(registry.symbol()), "SERVICE", "symbol");
    }

    function test_KnowsItsInterfaces() public view {
        bytes4[7] memory known = [
            type(IERC165).interfaceId,
            type(IERC721).interfaceId,
            type(IERC721Metadata).interfaceId,
            type(IServiceRegistry).interfaceId,
            type(IServiceClasses).interfaceId,
            type(ISuccession).interfaceId,
            type(IEpochClock).interfaceId
        ];
        for (uint256 i = 0; i < known.length; ++i) {
            vm.assertTrue(_supports(known[i]), vm.toString(i));
        }
        vm.assertFalse(_supports(0xffffffff), "never");
        // ERC721Enumerable.
        vm.assertFalse(_supports(0x780e9d63), "not enumerable");
    }

    function test_CountsAndNamesOwners() public {
        vm.assertEq(registry.balanceOf(PROVIDER), 2, "two");
        vm.assertEq(registry.balanceOf(STRANGER), 0, "none");
        vm.assertEq(registry.ownerOf(_one), PROVIDER, "owner");
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0))
        );
        registry.balanceOf(address(0));
        _expectUnknown();
        registry.ownerOf(UNKNOWN);
        _expectUnknown();
        registry.getApproved(UNKNOWN);
        _expectUnknown();
        registry.tokenURI(UNKNOWN);
        // A number above 64 bits does not exist.
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, (1 << 64) + _one)
        );
        registry.tokenURI((1 << 64) + _one);
    }

    // Transfers

    function test_OwnerApprovedAndOperatorTransfer() public {
        vm.startPrank(PROVIDER);
        registry.approve(BUYER, _one);
        registry.setApprovalForAll(OPERATOR, true);
        vm.stopPrank();
        address[3] memory movers = [PROVIDER, BUYER, OPERATOR];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectEmit(address(registry));
            emit IERC721.Transfer(PROVIDER, STRANGER, _one);
            vm.prank(movers[i]);
            registry.transferFrom(PROVIDER, STRANGER, _one);
            vm.assertEq(registry.ownerOf(_one), STRANGER, "moved");
            vm.assertEq(registry.balanceOf(PROVIDER), 1, "one less");
            vm.assertEq(registry.balanceOf(STRANGER), 1, "one more");
            vm.assertEq(registry.getApproved(_one), address(0), "the approval is gone");
            vm.revertToState(snapshot);
        }
    }

    function test_RevertsWhen_AnotherTransfers() public {
        address[2] memory others = [STRANGER, OPERATOR];
        // It is approved only for another token.
        vm.prank(PROVIDER);
        registry.approve(OPERATOR, _two);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IERC721Errors.ERC721InsufficientApproval.selector,
                    others[i],
                    _one
                )
            );
            vm.prank(others[i]);
            registry.transferFrom(PROVIDER, others[i], _one);
        }
    }

    function test_RevertsWhen_FromOrToOrNumberAreWrong() public {
        vm.startPrank(PROVIDER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721IncorrectOwner.selector,
                STRANGER,
                _one,
                PROVIDER
            )
        );
        registry.transferFrom(STRANGER, BUYER, _one);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0))
        );
        registry.transferFrom(PROVIDER, address(0), _one);
        _expectUnknown();
        registry.transferFrom(PROVIDER, BUYER, UNKNOWN);
    }

    function test_ASafeTransferAsksAContract() public {
        Receiver willing = new Receiver(IERC721Receiver.onERC721Received.selector);
        vm.prank(PROVIDER);
        registry.setApprovalForAll(OPERATOR, true);
        vm.prank(OPERATOR);
        registry.safeTransferFrom(PROVIDER, address(willing), _one, "for you");
        vm.assertEq(
            willing.received(),
            keccak256(abi.encode(OPERATOR, PROVIDER, _one, bytes("for you"))),
            "told all"
        );
        vm.prank(PROVIDER);
        registry.safeTransferFrom(PROVIDER, address(willing), _two);
        vm.assertEq(registry.balanceOf(address(willing)), 2, "both");

        uint256 third = registerService();
        vm.prank(PROVIDER);
        registry.safeTransferFrom(PROVIDER, BUYER, third);
        vm.assertEq(registry.ownerOf(third), BUYER, "an account is not asked");
    }

    function test_RevertsWhen_AContractDoesNotTakeIt() public {
        address[3] memory unwilling = [
            address(new Receiver(0)),
            address(new Receiver(0xdeadbeef)),
            address(token)
        ];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                i == 0
                    ? abi.encodeWithSelector(Receiver.Refused.selector)
                    : abi.encodeWithSelector(
                        IERC721Errors.ERC721InvalidReceiver.selector,
                        unwilling[i]
                    )
            );
            vm.prank(PROVIDER);
            registry.safeTransferFrom(PROVIDER, unwilling[i], _one);
        }
        vm.assertEq(registry.ownerOf(_one), PROVIDER, "still the owner's");
    }

    // Approvals

    function test_AnApprovalIsReplacedAndTakenBack() public {
        vm.startPrank(PROVIDER);
        address[4] memory approved = [BUYER, OPERATOR, OPERATOR, address(0)];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectEmit(address(registry));
            emit IERC721.Approval(PROVIDER, approved[i], _one);
            registry.approve(approved[i], _one);
            vm.assertEq(registry.getApproved(_one), approved[i], "the last one");
        }
    }

    function test_AnOperatorApprovesForTheOwner() public {
        vm.prank(PROVIDER);
        registry.setApprovalForAll(OPERATOR, true);
        vm.expectEmit(address(registry));
        emit IERC721.Approval(PROVIDER, BUYER, _one);
        vm.prank(OPERATOR);
        registry.approve(BUYER, _one);
        // An approved account cannot approve others.
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidApprover.selector, BUYER)
        );
        vm.prank(BUYER);
        registry.approve(STRANGER, _one);
    }

    function test_OperatorsAreOfAnOwnerAndTakenBack() public {
        vm.expectEmit(address(registry));
        emit IERC721.ApprovalForAll(PROVIDER, OPERATOR, true);
        vm.prank(PROVIDER);
        registry.setApprovalForAll(OPERATOR, true);
        vm.assertTrue(registry.isApprovedForAll(PROVIDER, OPERATOR), "of this owner");
        vm.assertFalse(registry.isApprovedForAll(STRANGER, OPERATOR), "of no other");
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, STRANGER, _one);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721InsufficientApproval.selector,
                OPERATOR,
                _one
            )
        );
        vm.prank(OPERATOR);
        registry.transferFrom(STRANGER, OPERATOR, _one);

        vm.prank(PROVIDER);
        registry.setApprovalForAll(OPERATOR, false);
        vm.assertFalse(registry.isApprovedForAll(PROVIDER, OPERATOR), "taken back");
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOperator.selector, address(0))
        );
        vm.prank(PROVIDER);
        registry.setApprovalForAll(address(0), true);
    }

    // Metadata

    function test_TheUriIsWhatTheOwnerSet() public {
        vm.assertEq(bytes(registry.tokenURI(_one)), "ipfs://about", "of the registration");
        vm.prank(PROVIDER);
        registry.setMetadata(uint64(_one), "https://weather.example/about.json");
        vm.assertEq(
            bytes(registry.tokenURI(_one)),
            "https://weather.example/about.json",
            "replaced"
        );
        vm.prank(PROVIDER);
        registry.transferFrom(PROVIDER, BUYER, _one);
        vm.assertEq(
            bytes(registry.tokenURI(_one)),
            "https://weather.example/about.json",
            "it goes with the token"
        );
    }

    function test_WithoutOneTheUriIsMadeOfNumberAndLabel() public {
        enter(3);
        vm.prank(PROVIDER);
        registry.setMetadata(uint64(_one), "");
        vm.assertEq(
            bytes(registry.tokenURI(_one)),
            _json('{"name":"Blockcloud service 1","description":"Blockcloud service 1"}'),
            "of the number"
        );
        system().fund(PROVIDER, LABEL_PRICE);
        vm.startPrank(PROVIDER);
        token.approve(address(labels), LABEL_PRICE);
        labels.commitLabel(labels.labelCommitment("weather", PROVIDER, 0));
        vm.warp(vm.getBlockTimestamp() + LABEL_MINIMUM_AGE);
        labels.setLabel(uint64(_one), "weather", 0);
        vm.stopPrank();
        vm.assertEq(
            bytes(registry.tokenURI(_one)),
            _json('{"name":"weather.bloc.alt","description":"Blockcloud service 1"}'),
            "of both"
        );
    }

    function _json(string memory text) private pure returns (bytes memory) {
        return abi.encodePacked("data:application/json;base64,", Base64.encode(bytes(text)));
    }

    function _supports(bytes4 id) private view returns (bool) {
        return IERC165(address(registry)).supportsInterface(id);
    }

    function _expectUnknown() private {
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, UNKNOWN)
        );
    }
}
