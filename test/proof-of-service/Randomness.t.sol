// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {SystemLib} from "../support/System.sol";

/// @notice The contract detects a chain without randomness by a half of zeros, or by an unchanged half. It detects no
/// other fault.
contract RandomnessTest is Deployment {
    uint256 private constant LOW = type(uint128).max;

    function test_RevertsWhen_AHalfIsZero() public {
        _refused(4, 0);
        _refused(4, 1 << 128);
        _refused(4, LOW);
        _refused(4, LOW << 128);
        _taken(4, (1 << 128) | 1);
    }

    function test_RevertsWhen_AHalfIsThatOfTheNewestSeed() public {
        uint256 first = SystemLib.randao(4);
        uint256 other = SystemLib.randao(5);
        _taken(4, first);
        _refused(5, first);
        _refused(5, (first & ~LOW) | (other & LOW));
        _refused(5, (other & ~LOW) | (first & LOW));
        _taken(5, other);
        // Only the newest seed counts: a half that returns later is accepted.
        _taken(6, first);
    }

    /// @dev Nitro: sends, the L1 block and the version of ArbOS, each in eight bytes, and zeros. The low half
    /// stays what it is, which the second seed shows; the first one is taken.
    function test_ANitroChainIsFoundAtTheSecondSeed() public {
        _taken(4, _nitro(150_000, 23_000_004));
        _refused(5, _nitro(150_001, 23_000_005));
    }

    function testFuzz_AnyOtherValueIsTaken(uint256 one, uint256 two) public {
        vm.assume(one >> 128 != 0 && one & LOW != 0 && two >> 128 != 0 && two & LOW != 0);
        vm.assume(uint112(one >> 128) != uint112(two >> 128) && uint112(one) != uint112(two));
        vm.assume(uint112(one >> 128) != 0 && uint112(one) != 0);
        _taken(4, one);
        _taken(5, two);
    }

    function _nitro(uint256 sends, uint256 block_) private pure returns (uint256) {
        return (sends << 192) | (block_ << 128) | (uint256(40) << 64);
    }

    function _taken(uint32 epoch, uint256 prevrandao) private {
        enter(epoch);
        (bytes memory first, bytes memory parent) = SystemLib.headers(epoch, prevrandao);
        pos.tick(first, parent);
        vm.assertEq(pos.newestSeed(), epoch, "recorded");
    }

    function _refused(uint32 epoch, uint256 prevrandao) private {
        enter(epoch);
        (bytes memory first, bytes memory parent) = SystemLib.headers(epoch, prevrandao);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfService.PosWeakRandomness.selector, prevrandao)
        );
        pos.tick(first, parent);
    }
}
