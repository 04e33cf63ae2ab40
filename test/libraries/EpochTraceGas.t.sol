// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {EpochTrace} from "../../contracts/libraries/EpochTrace.sol";
import {Assertions} from "../support/Assertions.sol";

/// @dev Checks that the figures of docs/decisions/0003 are current. `-vvvvv` prints them.
contract EpochTraceGasTest is Assertions {
    using Checkpoints for Checkpoints.Trace224;
    using EpochTrace for EpochTrace.Trace;

    /// @dev Gas of an operation here and with OpenZeppelin's checkpoints.
    event Gas(uint256 trace, uint256 checkpoints);

    EpochTrace.Trace private _trace;
    Checkpoints.Trace224 private _checkpoints;
    EpochTrace.Trace private _written;
    Checkpoints.Trace224 private _pushed;

    function setUp() public {
        _written.set(1, 1);
        _pushed.push(1, 1);
    }

    function testFirstWriteTakesOneSlotLess() public {
        uint256 start = gasleft();
        _trace.set(1, 1);
        uint256 ours = start - gasleft();
        start = gasleft();
        _checkpoints.push(1, 1);
        _check(ours, start - gasleft(), 22_000);
    }

    function testReadOfTheNewestTakesOneSlotLess() public {
        uint256 start = gasleft();
        uint256 value = _written.valueAt(2);
        uint256 ours = start - gasleft();
        start = gasleft();
        uint256 same = _pushed.upperLookupRecent(2);
        uint256 theirs = start - gasleft();
        assertEq(value, same, "value");
        _check(ours, theirs, 2_000);
    }

    function testLaterWriteCostsNoMore() public {
        uint256 start = gasleft();
        _written.set(2, 2);
        uint256 ours = start - gasleft();
        start = gasleft();
        _pushed.push(2, 2);
        _check(ours, start - gasleft(), 0);
    }

    function _check(uint256 ours, uint256 theirs, uint256 saved) private {
        emit Gas(ours, theirs);
        assertLe(ours + saved, theirs, "gas");
    }
}
