// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReceiptLib} from "../../contracts/libraries/ReceiptLib.sol";
import {ServiceId} from "../../contracts/libraries/ServiceIdLib.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev The registry's domain, from OpenZeppelin's own code.
contract Domain is EIP712("Blockcloud", "1") {
    function separator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}

contract ReceiptLibTest is Assertions {
    /// @dev Order of secp256k1.
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes32 private constant RECORD_TYPEHASH = keccak256(
        "EndpointRecord(bytes32 serviceId,uint64 issuedAt,uint64 expiresAt,Endpoint[] endpoints,bytes delegation)Endpoint(string uri,uint16 priority,uint16 weight)"
    );
    bytes32 private constant ENDPOINT_TYPEHASH = keccak256(
        "Endpoint(string uri,uint16 priority,uint16 weight)"
    );

    bytes32 private constant SEPARATOR = bytes32(uint256(0xd0));

    function testDomainVector() public view {
        string memory json = vectors("typedData");
        bytes32 got = _separator(
            vm.parseJsonUint(json, ".chainId"),
            vm.parseJsonAddress(json, ".registry")
        );
        assertEq(got, vm.parseJsonBytes32(json, ".domainSeparator"), "domainSeparator");
    }

    function testDomainIsOpenZeppelins() public {
        Domain domain = new Domain();
        assertEq(domain.separator(), _separator(block.chainid, address(domain)), "separator");
    }

    function testReceiptVectors() public view {
        string memory json = vectors("typedData");
        bytes32 separator = vm.parseJsonBytes32(json, ".domainSeparator");
        bytes32[] memory id = words(json, ".serviceId");
        bytes32[] memory nonce = words(json, ".nonce");
        bytes32[] memory channel = words(json, ".channel");
        uint256[] memory issuedAt = uints(json, ".issuedAt");
        bytes32[] memory digest = words(json, ".digest");
        bytes[] memory signature = vm.parseJsonBytesArray(json, ".signature");
        address[] memory signers = vm.parseJsonAddressArray(json, ".signer");
        assertTrue(digest.length > 10, "vectors");
        for (uint256 i = 0; i < digest.length; ++i) {
            bytes32 receipt = ReceiptLib.structHash(
                ServiceId.wrap(id[i]),
                nonce[i],
                channel[i],
                uint64(issuedAt[i])
            );
            assertEq(_digest(separator, receipt), digest[i], item("digest", i));
            address got = this.signer(separator, receipt, signature[i]);
            assertEq(got, signers[i], item("signer", i));
            assertTrue(got != address(0), item("somebody", i));
        }
    }

    function testRecordVector() public view {
        string memory json = vectors("typedData");
        bytes[] memory uri = vm.parseJsonBytesArray(json, ".recordUri");
        uint256[] memory priority = uints(json, ".recordPriority");
        uint256[] memory weight = uints(json, ".recordWeight");
        bytes memory endpoints;
        for (uint256 i = 0; i < uri.length; ++i) {
            bytes32 endpoint = keccak256(
                abi.encode(ENDPOINT_TYPEHASH, keccak256(uri[i]), priority[i], weight[i])
            );
            endpoints = abi.encodePacked(endpoints, endpoint);
        }
        bytes32 record = keccak256(
            abi.encode(
                RECORD_TYPEHASH,
                vm.parseJsonBytes32(json, ".recordServiceId"),
                vm.parseJsonUint(json, ".recordIssuedAt"),
                vm.parseJsonUint(json, ".recordExpiresAt"),
                keccak256(endpoints),
                keccak256(vm.parseJsonBytes(json, ".recordDelegation"))
            )
        );
        assertEq(
            _digest(vm.parseJsonBytes32(json, ".domainSeparator"), record),
            vm.parseJsonBytes32(json, ".recordDigest"),
            "recordDigest"
        );
        assertEq(
            vm.parseJsonAddress(json, ".recordSigner"),
            vm.parseJsonAddress(json, ".recordKeyAddress"),
            "recordSigner"
        );
    }

    function testFuzzSigner(uint256 key, bytes32 receipt) public view {
        key = bound(key, 1, N - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(SEPARATOR, receipt));
        address got = this.signer(SEPARATOR, receipt, abi.encodePacked(r, s, v));
        assertEq(got, vm.addr(key), "signer");
    }

    function testFuzzHighSIsNobody(uint256 key, bytes32 receipt) public view {
        key = bound(key, 1, N - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(SEPARATOR, receipt));
        bytes32 high = bytes32(N - uint256(s));
        // Plain ecrecover accepts the twin as a signature by the same key, so it must be refused.
        bytes32 digest = _digest(SEPARATOR, receipt);
        assertEq(ecrecover(digest, 55 - v, r, high), vm.addr(key), "ecrecover takes the twin");
        bytes memory twin = abi.encodePacked(r, high, 55 - v);
        assertEq(this.signer(SEPARATOR, receipt, twin), address(0), "high s");
    }

    function testFuzzOtherVIsNobody(uint256 key, bytes32 receipt, uint8 otherV) public view {
        key = bound(key, 1, N - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(SEPARATOR, receipt));
        bytes memory unnormalised = abi.encodePacked(r, s, v - 27);
        assertEq(this.signer(SEPARATOR, receipt, unnormalised), address(0), "v of 0 or 1");
        if (otherV == 27 || otherV == 28) return;
        bytes memory other = abi.encodePacked(r, s, otherV);
        assertEq(this.signer(SEPARATOR, receipt, other), address(0), "any other v");
    }

    function testWrongLengthIsNobody() public view {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, _digest(SEPARATOR, bytes32(0)));
        bytes memory good = abi.encodePacked(r, s, v);
        assertEq(this.signer(SEPARATOR, bytes32(0), good), vm.addr(1), "65 bytes");
        assertEq(this.signer(SEPARATOR, bytes32(0), ""), address(0), "0 bytes");
        assertEq(this.signer(SEPARATOR, bytes32(0), bytes.concat(good, hex"00")), address(0), "66");
        // EIP-2098: the y parity in the top bit of s.
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        assertEq(
            this.signer(SEPARATOR, bytes32(0), abi.encodePacked(r, vs)),
            address(0),
            "compact"
        );
    }

    function testZeroSignatureIsNobody() public view {
        bytes memory zero = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        assertEq(this.signer(SEPARATOR, bytes32("x"), zero), address(0), "zero");
    }

    /// @dev Every field changes the struct hash.
    function testFuzzStructHashBindsEveryField(uint256 seed, uint8 field) public pure {
        bytes32 before = _structHash(seed, 4);
        assertTrue(_structHash(seed, field % 4) != before, "another struct hash");
    }

    function signer(
        bytes32 separator,
        bytes32 receipt,
        bytes calldata signature
    ) external pure returns (address) {
        return ReceiptLib.signer(separator, receipt, signature);
    }

    function _structHash(uint256 seed, uint256 flipped) private pure returns (bytes32) {
        uint256[4] memory values;
        for (uint256 i = 0; i < 4; ++i) {
            values[i] = uint64(uint256(keccak256(abi.encode(seed, i)))) ^ (flipped == i ? 1 : 0);
        }
        return
            ReceiptLib.structHash(
                ServiceId.wrap(bytes32(values[0])),
                bytes32(values[1]),
                bytes32(values[2]),
                uint64(values[3])
            );
    }

    function _digest(bytes32 separator, bytes32 structHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    function _separator(uint256 chainId, address registry) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                    ),
                    keccak256("Blockcloud"),
                    keccak256("1"),
                    chainId,
                    registry
                )
            );
    }
}
