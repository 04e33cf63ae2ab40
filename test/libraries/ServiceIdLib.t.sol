// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ServiceId, ServiceIdLib} from "../../contracts/libraries/ServiceIdLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract ServiceIdLibTest is Assertions {
    function testServiceIdVectors() public view {
        string memory json = vectors("serviceId");
        bytes32[] memory id = words(json, ".id");
        uint256[] memory prefix = uints(json, ".prefix");
        uint256[] memory group = uints(json, ".group");
        address[] memory self = vm.parseJsonAddressArray(json, ".self");
        bool[] memory isRoot = vm.parseJsonBoolArray(json, ".isRoot");
        assertTrue(id.length > 10, "vectors");
        for (uint256 i = 0; i < id.length; ++i) {
            ServiceId got = ServiceId.wrap(id[i]);
            assertEq(ServiceIdLib.prefix(got), prefix[i], item("prefix", i));
            assertEq(ServiceIdLib.group(got), group[i], item("group", i));
            assertEq(ServiceIdLib.self(got), self[i], item("self", i));
            assertTrue(ServiceIdLib.isValid(got), item("isValid", i));
            ServiceId packed = ServiceIdLib.sub(uint64(prefix[i]), uint32(group[i]), self[i]);
            assertEq(ServiceId.unwrap(packed), id[i], item("sub", i));
            if (!isRoot[i]) continue;
            ServiceId root = ServiceIdLib.root(uint64(prefix[i]));
            assertEq(ServiceId.unwrap(root), id[i], item("root", i));
        }
    }

    function testInvalidVectors() public view {
        bytes32[] memory invalid = words(vectors("serviceId"), ".invalid");
        assertTrue(invalid.length > 3, "vectors");
        for (uint256 i = 0; i < invalid.length; ++i) {
            assertEq(ServiceIdLib.isValid(ServiceId.wrap(invalid[i])), false, item("isValid", i));
        }
    }

    function testFuzzRoundTrip(uint64 prefix, uint32 group, address self) public pure {
        ServiceId id = ServiceIdLib.sub(prefix, group, self);
        assertEq(ServiceIdLib.prefix(id), prefix, "prefix");
        assertEq(ServiceIdLib.group(id), group, "group");
        assertEq(ServiceIdLib.self(id), self, "self");
        bool valid = prefix != 0 && (group == 0 || self != address(0));
        assertEq(ServiceIdLib.isValid(id), valid, "isValid");
    }

    function testFuzzRootIsSubOfNobody(uint64 number) public pure {
        assertEq(
            ServiceId.unwrap(ServiceIdLib.root(number)),
            ServiceId.unwrap(ServiceIdLib.sub(number, 0, address(0))),
            "root"
        );
    }
}
