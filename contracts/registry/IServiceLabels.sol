// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IServiceLabels
/// @notice Optional names of services: unique, taken by commit and reveal so that nobody can take a name
/// that somebody else is about to take, bound to the service for ever.
interface IServiceLabels {
    /// @notice Someone committed to a label.
    /// @param owner Who will take it.
    /// @param commitment See {labelCommitment}.
    event LabelCommitted(address indexed owner, bytes32 commitment);
    /// @notice A service took a label.
    /// @param number The service number.
    /// @param label The label.
    event LabelSet(uint64 indexed number, string label);

    /// @notice The ages leave no time to take a label.
    /// @param minimumAge Seconds.
    /// @param maximumAge Seconds.
    error RegistryLabelAges(uint64 minimumAge, uint64 maximumAge);
    /// @notice The caller has made this commitment, and it has not run out.
    /// @param commitment The commitment.
    /// @param committedAt Unix seconds.
    error RegistryLabelCommitted(bytes32 commitment, uint64 committedAt);
    /// @notice The caller never made this commitment; the label, the salt or the sender is another.
    /// @param commitment What the label and the salt hash to for this caller.
    error RegistryLabelNotCommitted(bytes32 commitment);
    /// @notice The commitment is too young or too old.
    /// @param commitment The commitment.
    /// @param notBefore Unix seconds.
    /// @param notAfter Unix seconds.
    error RegistryLabelAge(bytes32 commitment, uint64 notBefore, uint64 notAfter);
    /// @notice A label has 1 to 63 letters `a` to `z`, digits and hyphens, none first or last nor at the
    /// third and fourth place together; `id` is reserved.
    /// @param label The label given.
    error RegistryLabelInvalid(string label);
    /// @notice Another service has the label.
    /// @param label The label.
    /// @param number That service.
    error RegistryLabelTaken(string label, uint64 number);
    /// @notice The service has a label, for ever.
    /// @param number The service number.
    /// @param label Its label.
    error RegistryLabelHeld(uint64 number, string label);

    /// @notice Commits to a label. A copy of somebody else's commitment is worth nothing: the label can
    /// only be taken by the address that is hashed into it.
    /// @param commitment See {labelCommitment}.
    function commitLabel(bytes32 commitment) external;

    /// @notice Takes a label for a service; only its owner, who committed to it before.
    /// @param number The service number.
    /// @param label The label.
    /// @param salt The salt of the commitment.
    function setLabel(uint64 number, string calldata label, bytes32 salt) external;

    /// @notice The commitment to a label, `keccak256(abi.encode(label, owner, salt))`.
    /// @param label The label.
    /// @param owner Who will take it.
    /// @param salt Random, so that nobody can guess the label.
    /// @return The hash.
    function labelCommitment(
        string calldata label,
        address owner,
        bytes32 salt
    ) external pure returns (bytes32);

    /// @notice Label of a service.
    /// @param number The service number.
    /// @return The label; empty for none.
    function labelOf(uint64 number) external view returns (string memory);

    /// @notice The service that has a label.
    /// @param label The label.
    /// @return The service number; 0 for none.
    function numberOf(string calldata label) external view returns (uint64);

    /// @notice How old a commitment must be.
    /// @return Seconds.
    function labelMinimumAge() external view returns (uint64);

    /// @notice How old a commitment may be.
    /// @return Seconds.
    function labelMaximumAge() external view returns (uint64);
}
