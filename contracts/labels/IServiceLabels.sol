// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "../token/PermitLib.sol";

/// @title IServiceLabels
/// @notice Optional names of services, unique along one line of registries. An owner takes a label by commit and
/// reveal, so that an observer cannot take it first. The price is burned. The label belongs to the service for ever.
interface IServiceLabels {
    /// @notice An account committed to a label.
    /// @param owner The account that will take it.
    /// @param commitment See {labelCommitment}.
    event LabelCommitted(address indexed owner, bytes32 commitment);
    /// @notice A service took a label, or kept its label from an earlier version.
    /// @param number The service number.
    /// @param label The label.
    event LabelSet(uint64 indexed number, string label);

    // Deployment

    /// @notice The minimum age must be above 0 and below the maximum age.
    /// @param minimumAge Seconds.
    /// @param maximumAge Seconds.
    error LabelAges(uint64 minimumAge, uint64 maximumAge);

    // commitLabel

    /// @notice The caller has made this commitment already, and it has not expired.
    /// @param commitment The commitment.
    /// @param committedAt Unix seconds.
    error LabelAlreadyCommitted(bytes32 commitment, uint64 committedAt);

    // setLabel

    /// @notice The registry is closed: new labels belong to its successor.
    error LabelRegistryClosed();
    /// @notice Only the owner of a service may take a label for it.
    /// @param number The service number.
    /// @param caller The caller.
    error LabelNotOwner(uint64 number, address caller);
    /// @notice Only a service that is active in the current epoch may take a label.
    /// @param number The service number.
    /// @param epoch The current epoch.
    error LabelServiceInactive(uint64 number, uint32 epoch);
    /// @notice The caller never made this commitment: the label, the salt or the sender is different.
    /// @param commitment The hash of the label and the salt for this caller.
    error LabelNotCommitted(bytes32 commitment);
    /// @notice The commitment is too new or too old.
    /// @param commitment The commitment.
    /// @param notBefore Unix seconds.
    /// @param notAfter Unix seconds.
    error LabelAge(bytes32 commitment, uint64 notBefore, uint64 notAfter);
    /// @notice A label has 1 to 63 letters `a` to `z`, digits and hyphens, none first or last nor at the
    /// third and fourth place together; `id` is reserved.
    /// @param label The given label.
    error LabelInvalid(string label);
    /// @notice Another service has the label, here or in an earlier version.
    /// @param label The label.
    /// @param number The other service.
    error LabelTaken(string label, uint64 number);
    /// @notice The service has a label already, and keeps it for ever.
    /// @param number The service number.
    /// @param label Its label.
    error LabelHeld(uint64 number, string label);

    // Calls between the contracts

    /// @notice Only the registry may call {inherit}.
    /// @param caller The caller.
    error LabelNotRegistry(address caller);

    /// @notice Commits to a label. A copied commitment is useless, because only the address in its hash can take the
    /// label.
    /// @param commitment See {labelCommitment}.
    function commitLabel(bytes32 commitment) external;

    /// @notice Takes a label for a service, and burns its price; only by the service's owner, who must have committed
    /// to it. Needs an allowance of {priceOf} for this contract.
    /// @param number The service number; it must be active in the current epoch.
    /// @param label The label.
    /// @param salt The salt of the commitment.
    function setLabel(uint64 number, string calldata label, bytes32 salt) external;

    /// @notice Like {setLabel}, with a permit for the allowance.
    /// @param number The service number; it must be active in the current epoch.
    /// @param label The label.
    /// @param salt The salt of the commitment.
    /// @param permit The caller's permit for this contract; if it fails, the allowance must suffice.
    function setLabelWithPermit(
        uint64 number,
        string calldata label,
        bytes32 salt,
        Permit calldata permit
    ) external;

    /// @notice Transfers the label of a service that was taken over, without a price; only the registry.
    /// @param number The service number.
    function inherit(uint64 number) external;

    /// @notice The commitment to a label, `keccak256(abi.encode(label, owner, salt))`.
    /// @param label The label.
    /// @param owner The account that will take it.
    /// @param salt Random, so that the label cannot be guessed.
    /// @return The hash.
    function labelCommitment(
        string calldata label,
        address owner,
        bytes32 salt
    ) external pure returns (bytes32);

    /// @notice Label of a service of this version.
    /// @param number The service number.
    /// @return The label; empty for none.
    function labelOf(uint64 number) external view returns (string memory);

    /// @notice The service of this version that has a label.
    /// @param label The label.
    /// @return The service number; 0 for none.
    function numberOf(string calldata label) external view returns (uint64);

    /// @notice The service that has a label, in this or in an earlier version; no other service can take it.
    /// @param label The label.
    /// @return The service number; 0 for none.
    function holderOf(string calldata label) external view returns (uint64);

    /// @notice The label of a number, in this or in an earlier version.
    /// @param number The service number.
    /// @return The label; empty for none.
    function heirloomOf(uint64 number) external view returns (string memory);

    /// @notice The price of a label, which is burned.
    /// @param length Bytes of the label.
    /// @return BLOC in wei; the same for 5 bytes and more.
    function priceOf(uint256 length) external view returns (uint256);

    /// @notice Default metadata of a service, with its number and its label.
    /// @param number The service number.
    /// @return A data URI of JSON.
    function defaultMetadata(uint64 number) external view returns (string memory);

    /// @notice The minimum age of a commitment.
    /// @return Seconds.
    function minimumAge() external view returns (uint64);

    /// @notice The maximum age of a commitment.
    /// @return Seconds.
    function maximumAge() external view returns (uint64);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);

    /// @notice BLOC.
    /// @return Its address.
    function token() external view returns (address);

    /// @notice The labels of the registry's predecessor.
    /// @return Their contract; 0 for none.
    function predecessor() external view returns (address);
}
