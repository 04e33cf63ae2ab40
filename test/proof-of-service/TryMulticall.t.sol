// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {ISkippingBatch} from "../../contracts/proof-of-service/ISkippingBatch.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {SystemLib} from "../support/System.sol";

contract TryMulticallTest is Deployment {
    AuditorActor private _alice;
    address private _operator;

    function setUp() public override {
        super.setUp();
        registerService();
        _alice = newAuditor("alice", 5_000e18);
        _operator = _alice.OPERATOR();
    }

    function test_AFailingClaimTakesNeitherRevealNorCommitAlong() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enterAndTick(3);
        _alice.reveal(2);
        _alice.commit(3, 3);
        enterAndTick(4);
        bytes[] memory calls = new bytes[](3);
        IProofOfService.Sample[] memory none;
        calls[0] = abi.encodeCall(IProofOfService.claim, (_alice.chunkAt(2, 0), 4, none));
        calls[1] = abi.encodeCall(IProofOfService.reveal, (_alice.chunkAt(3, 0)));
        calls[2] = abi.encodeCall(IProofOfService.commit, (address(_alice), 4, keccak256("round")));

        vm.expectEmit(address(pos));
        emit ISkippingBatch.CallFailed(
            0,
            abi.encodeWithSelector(IProofOfService.PosSampleCount.selector, 0, 2)
        );
        // The operator's own commit: the sender is kept.
        vm.prank(_operator);
        bool[] memory ok = pos.tryMulticall(calls);

        vm.assertTrue(!ok[0] && ok[1] && ok[2], "all but the claim");
        (, uint8 revealed, ) = pos.roundOf(address(_alice), 3);
        vm.assertEq(revealed, 1, "revealed");
        (bool committed, , ) = pos.roundOf(address(_alice), 4);
        vm.assertTrue(committed, "committed");
        (, , uint64 claimed) = pos.roundOf(address(_alice), 2);
        vm.assertEq(claimed, 0, "the claim was undone");
    }

    function test_OnlyTheOperatorCommitsThroughIt() public {
        enter(2);
        bytes[] memory calls = _one(
            abi.encodeCall(IProofOfService.commit, (address(_alice), 2, keccak256("round")))
        );
        vm.prank(STRANGER);
        vm.assertFalse(pos.tryMulticall(calls)[0], "refused");
    }

    function test_NobodyActsForTheContractThroughIt() public {
        // The delegate call keeps the sender, so the contract itself is never an owner or operator.
        bytes[] memory calls = _one(abi.encodeCall(IProofOfService.setOperator, (STRANGER)));
        calls = _one(abi.encodeCall(ISkippingBatch.tryMulticall, (calls)));
        vm.prank(address(_alice));
        vm.assertTrue(pos.tryMulticall(calls)[0], "nested");
        (address operator, , , , ) = pos.auditorOf(address(_alice));
        vm.assertEq(operator, STRANGER, "of the sender");
        (operator, , , , ) = pos.auditorOf(address(pos));
        vm.assertEq(operator, address(0), "not of the contract");
    }

    function test_AReasonIsCutTo256Bytes() public {
        bytes memory long = new bytes(1000);
        bytes memory cut = new bytes(256);
        for (uint256 i = 0; i < 1000; ++i) {
            long[i] = bytes1(uint8(i));
            if (i < 256) cut[i] = long[i];
        }
        vm.mockCallRevert(address(staking), abi.encodeCall(IStaking.enrol, (STRANGER)), long);
        bytes[] memory calls = _one(
            abi.encodeCall(IProofOfService.enrol, (keccak256("tip"), STRANGER))
        );
        vm.expectEmit(address(pos));
        emit ISkippingBatch.CallFailed(0, cut);
        vm.prank(STRANGER);
        pos.tryMulticall(calls);
    }

    function test_AnUnknownCallFailsAlone() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = hex"";
        calls[1] = hex"12345678";
        calls[2] = abi.encodeCall(IProofOfService.newestSeed, ());
        bool[] memory ok = pos.tryMulticall(calls);

        vm.assertTrue(!ok[0] && !ok[1] && ok[2], "the last one only");
        vm.assertEq(pos.tryMulticall(new bytes[](0)).length, 0, "none at all");
    }

    function test_RevertsWhen_AnInnerCallRunsOutOfGas() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enter(3);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IProofOfService.newestSeed, ());
        calls[1] = abi.encodeCall(IProofOfService.reveal, (_alice.chunkAt(2, 0)));
        vm.expectRevert(abi.encodeWithSelector(ISkippingBatch.BatchCallOutOfGas.selector, 1));
        pos.tryMulticall{gas: 60_000}(calls);
    }

    /// @dev With any gas, an honest call succeeds or the transaction reverts: it is never skipped.
    function test_NoAmountOfGasSkipsAnHonestCall() public {
        enterAndTick(2);
        _alice.commit(2, 3);
        enterAndTick(3);
        _sweep(pos, _one(abi.encodeCall(IProofOfService.reveal, (_alice.chunkAt(2, 0)))));
        enter(4);
        (bytes memory first, bytes memory parent) = SystemLib.headers(4, SystemLib.randao(4));
        _sweep(pos, _one(abi.encodeCall(IProofOfService.tick, (first, parent))));
        _sweep(
            pos,
            _one(
                abi.encodeCall(
                    IProofOfService.claim,
                    (_alice.chunkAt(2, 0), 4, _alice.samplesAt(2, 0, 4))
                )
            )
        );
        _sweep(settlement, _one(abi.encodeCall(ISettlement.settle, (1, 2))));
        vm.assertGt(token.balanceOf(PROVIDER), 0, "everything happened");
    }

    function _sweep(ISkippingBatch target, bytes[] memory calls) private {
        for (uint256 gas_ = 30_000; ; gas_ += 499) {
            try target.tryMulticall{gas: gas_}(calls) returns (bool[] memory ok) {
                vm.assertTrue(ok[0], "an honest call was skipped");
                return;
            } catch {}
        }
    }

    function _one(bytes memory data) private pure returns (bytes[] memory calls) {
        calls = new bytes[](1);
        calls[0] = data;
    }
}
