// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Epochs that storage remembers: an entry of a ring is used again after this many.
uint32 constant RING = 256;
