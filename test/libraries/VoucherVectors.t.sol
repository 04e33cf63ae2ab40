// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FeeLib} from "../../contracts/libraries/FeeLib.sol";
import {TabAuthorization, Voucher, VoucherLib} from "../../contracts/libraries/VoucherLib.sol";
import {Assertions} from "../support/Assertions.sol";
import {CashierKit} from "../support/CashierKit.sol";

contract VoucherVectorsTest is Assertions {
    using VoucherLib for TabAuthorization;
    using VoucherLib for Voucher;

    string private _json;
    bytes32 private _separator;

    function testTabVectors() public {
        _load();
        bytes32[] memory tab = words(_json, ".tab");
        bytes32[] memory digest = words(_json, ".tabDigest");
        assertTrue(tab.length == 12, "vectors");
        for (uint256 i = 0; i < tab.length; ++i) {
            TabAuthorization memory terms = TabAuthorization({
                payer: vm.parseJsonAddressArray(_json, ".payer")[i],
                service: words(_json, ".service")[i],
                tab: tab[i],
                signer: vm.parseJsonAddressArray(_json, ".signer")[i],
                limit: uint96(uints(_json, ".limit")[i]),
                openBy: uint40(uints(_json, ".openBy")[i]),
                expiresAt: uint40(uints(_json, ".expiresAt")[i])
            });
            address collector = vm.parseJsonAddressArray(_json, ".collector")[i];
            assertEq(VoucherLib.tabOf(collector, words(_json, ".salt")[i]), tab[i], item("tab", i));
            assertEq(_digest(this.hashOfTab(terms)), digest[i], item("digest", i));
        }
    }

    function testVoucherVectors() public {
        _load();
        bytes32[] memory digest = words(_json, ".voucherDigest");
        assertTrue(digest.length == 12, "vectors");
        for (uint256 i = 0; i < digest.length; ++i) {
            Voucher memory voucher = Voucher({
                payer: vm.parseJsonAddressArray(_json, ".payer")[i],
                service: words(_json, ".service")[i],
                tab: words(_json, ".tab")[i],
                cumulative: uint96(uints(_json, ".cumulative")[i]),
                base: uint96(uints(_json, ".base")[i]),
                minGrade: uint8(uints(_json, ".minGrade")[i]),
                epoch: uint32(uints(_json, ".epoch")[i])
            });
            (bytes32 hash, bytes32 key) = this.hashOfVoucher(voucher);
            assertEq(_digest(hash), digest[i], item("digest", i));
            assertEq(
                key,
                VoucherLib.keyOf(voucher.payer, voucher.service, voucher.tab),
                item("key", i)
            );
            address signer = ecrecover(
                digest[i],
                uint8(uints(_json, ".v")[i]),
                words(_json, ".r")[i],
                words(_json, ".s")[i]
            );
            assertEq(
                signer,
                vm.parseJsonAddressArray(_json, ".voucherSigner")[i],
                item("signer", i)
            );
        }
    }

    function testFeeVectors() public {
        _load();
        uint256[] memory earned = uints(_json, ".earned");
        uint256[] memory fee = uints(_json, ".fee");
        assertTrue(earned.length > 10, "vectors");
        for (uint256 i = 0; i < earned.length; ++i) {
            assertEq(FeeLib.feeOf(earned[i]), fee[i], item("fee", i));
        }
    }

    function hashOfTab(TabAuthorization calldata terms) external pure returns (bytes32) {
        return terms.hash();
    }

    function hashOfVoucher(Voucher calldata voucher) external pure returns (bytes32, bytes32) {
        return (voucher.hash(), voucher.keyOfTab());
    }

    function _load() private {
        _json = vectors("voucher");
        _separator = CashierKit.separator(
            vm.parseJsonAddress(_json, ".cashier"),
            vm.parseJsonUint(_json, ".chainId")
        );
        assertEq(vm.parseJsonBytes32(_json, ".separator"), _separator, "separator");
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _separator, structHash));
    }
}
