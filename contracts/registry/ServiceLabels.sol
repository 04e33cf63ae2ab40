// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LabelLib} from "../libraries/LabelLib.sol";
import {IServiceLabels} from "./IServiceLabels.sol";

/// @title ServiceLabels
/// @notice See {IServiceLabels}. Only a service's owner takes a label for it; nobody takes one away.
abstract contract ServiceLabels is IServiceLabels {
    /// @inheritdoc IServiceLabels
    uint64 public immutable labelMinimumAge;
    /// @inheritdoc IServiceLabels
    uint64 public immutable labelMaximumAge;

    mapping(address owner => mapping(bytes32 commitment => uint64 committedAt))
        private _commitments;
    mapping(bytes32 labelHash => uint64 number) private _numbers;
    mapping(uint64 number => string) private _labels;

    /// @notice Sets what never changes afterwards.
    /// @param minimumAge How old a commitment must be, seconds; longer than a block, so that the
    /// commitment is buried before the label is shown.
    /// @param maximumAge How old it may be, seconds.
    constructor(uint64 minimumAge, uint64 maximumAge) {
        require(
            minimumAge != 0 && minimumAge < maximumAge,
            RegistryLabelAges(minimumAge, maximumAge)
        );
        labelMinimumAge = minimumAge;
        labelMaximumAge = maximumAge;
    }

    /// @inheritdoc IServiceLabels
    function commitLabel(bytes32 commitment) external {
        uint64 committedAt = _commitments[msg.sender][commitment];
        require(
            committedAt == 0 || block.timestamp > committedAt + labelMaximumAge,
            RegistryLabelCommitted(commitment, committedAt)
        );

        _commitments[msg.sender][commitment] = uint64(block.timestamp);
        emit LabelCommitted(msg.sender, commitment);
    }

    /// @inheritdoc IServiceLabels
    function labelOf(uint64 number) external view returns (string memory) {
        return _labels[number];
    }

    /// @inheritdoc IServiceLabels
    function numberOf(string calldata label) external view returns (uint64) {
        return _numbers[keccak256(bytes(label))];
    }

    /// @inheritdoc IServiceLabels
    function labelCommitment(
        string calldata label,
        address owner,
        bytes32 salt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(label, owner, salt));
    }

    /// @dev Takes a label for a service of the caller, whose ownership was checked.
    function _takeLabel(uint64 number, string calldata label, bytes32 salt) internal {
        bytes32 commitment = labelCommitment(label, msg.sender, salt);
        uint64 committedAt = _commitments[msg.sender][commitment];
        require(committedAt != 0, RegistryLabelNotCommitted(commitment));
        uint64 notBefore = committedAt + labelMinimumAge;
        uint64 notAfter = committedAt + labelMaximumAge;
        require(
            block.timestamp >= notBefore && block.timestamp <= notAfter,
            RegistryLabelAge(commitment, notBefore, notAfter)
        );
        require(LabelLib.isValid(label), RegistryLabelInvalid(label));
        require(bytes(_labels[number]).length == 0, RegistryLabelHeld(number, _labels[number]));
        bytes32 labelHash = keccak256(bytes(label));
        require(_numbers[labelHash] == 0, RegistryLabelTaken(label, _numbers[labelHash]));
        uint64 heir = _heir(label);
        require(heir == 0 || heir == number, RegistryLabelTaken(label, heir));

        delete _commitments[msg.sender][commitment];
        _setLabel(number, label);
    }

    /// @dev Gives a valid label that nobody has to a service that has none.
    function _setLabel(uint64 number, string memory label) internal {
        _numbers[keccak256(bytes(label))] = number;
        _labels[number] = label;
        emit LabelSet(number, label);
    }

    /// @dev The service for which a label is kept; 0 for none.
    function _heir(string calldata label) internal view virtual returns (uint64);
}
