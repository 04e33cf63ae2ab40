// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HORIZON, RING} from "../libraries/Epochs.sol";
import {RoundLib} from "../libraries/RoundLib.sol";
import {LANES, MAX_SHARDS} from "../libraries/Slot.sol";
import {SortitionLib} from "../libraries/SortitionLib.sol";
import {TallyLib} from "../libraries/Tally.sol";
import {IProtocolConstants} from "./IProtocolConstants.sol";

/// @title ProtocolConstants
/// @notice See {IProtocolConstants}. Part of `Settlement`, whose bytecode has room for it.
abstract contract ProtocolConstants is IProtocolConstants {
    /// @inheritdoc IProtocolConstants
    function constants() external pure returns (Constants memory) {
        return
            Constants({
                horizon: HORIZON,
                ring: RING,
                maxShards: uint32(MAX_SHARDS),
                lanes: uint8(LANES),
                expectedWeight: uint8(SortitionLib.K),
                maxSteps: uint16(SortitionLib.MAX_STEPS),
                maxWeight: uint8(TallyLib.MAX_WEIGHT),
                quorum: uint8(TallyLib.QUORUM),
                maxWords: uint16(RoundLib.MAX_WORDS),
                maxChunks: uint16(RoundLib.MAX_CHUNKS),
                samples: uint8(RoundLib.SAMPLES)
            });
    }
}
