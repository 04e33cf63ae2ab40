// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "../token/PermitLib.sol";

/// @title IServiceLabels
/// @notice Optional names of services: unique along one line of registries, taken by commit and reveal so that
/// nobody can take a name that somebody else is about to take, paid for by burning BLOC, and bound to the
/// service for ever.
interface IServiceLabels {
    /// @notice Someone committed to a label.
    /// @param owner Who will take it.
    /// @param commitment See {labelCommitment}.
    event LabelCommitted(address indexed owner, bytes32 commitment);
    /// @notice A service took a label, or brought it along from an earlier version.
    /// @param number The service number.
    /// @param label The label.
    event LabelSet(uint64 indexed number, string label);

    // Deployment

    /// @notice The ages leave no time to take a label.
    /// @param minimumAge Seconds.
    /// @param maximumAge Seconds.
    error LabelAges(uint64 minimumAge, uint64 maximumAge);

    // commitLabel

    /// @notice The caller has made this commitment, and it has not run out.
    /// @param commitment The commitment.
    /// @param committedAt Unix seconds.
    error LabelAlreadyCommitted(bytes32 commitment, uint64 committedAt);

    // setLabel

    /// @notice The registry is closed: new labels belong to its successor.
    error LabelRegistryClosed();
    /// @notice Only the owner of a service takes a label for it.
    /// @param number The service number.
    /// @param caller Who called.
    error LabelNotOwner(uint64 number, address caller);
    /// @notice Only a service that is active in the current epoch takes a label.
    /// @param number The service number.
    /// @param epoch The current epoch.
    error LabelServiceInactive(uint64 number, uint32 epoch);
    /// @notice The caller never made this commitment; the label, the salt or the sender is another.
    /// @param commitment What the label and the salt hash to for this caller.
    error LabelNotCommitted(bytes32 commitment);
    /// @notice The commitment is too young or too old.
    /// @param commitment The commitment.
    /// @param notBefore Unix seconds.
    /// @param notAfter Unix seconds.
    error LabelAge(bytes32 commitment, uint64 notBefore, uint64 notAfter);
    /// @notice A label has 1 to 63 letters `a` to `z`, digits and hyphens, none first or last nor at the
    /// third and fourth place together; `id` is reserved.
    /// @param label The label given.
    error LabelInvalid(string label);
    /// @notice Another service has the label, here or in an earlier version.
    /// @param label The label.
    /// @param number That service.
    error LabelTaken(string label, uint64 number);
    /// @notice The service has a label, for ever.
    /// @param number The service number.
    /// @param label Its label.
    error LabelHeld(uint64 number, string label);

    // Calls between our contracts

    /// @notice Only the registry brings a label along.
    /// @param caller Who called.
    error LabelNotRegistry(address caller);

    /// @notice Commits to a label. A copy of somebody else's commitment is worth nothing: the label can
    /// only be taken by the address that is hashed into it.
    /// @param commitment See {labelCommitment}.
    function commitLabel(bytes32 commitment) external;

    /// @notice Takes a label for a service, and burns its price; only the service's owner, who committed to it
    /// before. Needs an allowance of {priceOf} for this contract.
    /// @param number The service number; it must be active in the current epoch.
    /// @param label The label.
    /// @param salt The salt of the commitment.
    function setLabel(uint64 number, string calldata label, bytes32 salt) external;

    /// @notice As {setLabel}, with the allowance in the same transaction.
    /// @param number The service number; it must be active in the current epoch.
    /// @param label The label.
    /// @param salt The salt of the commitment.
    /// @param permit The caller's for this contract; where it fails, the allowance must suffice.
    function setLabelWithPermit(
        uint64 number,
        string calldata label,
        bytes32 salt,
        Permit calldata permit
    ) external;

    /// @notice Brings the label of a service along that was taken over, at no price; only the registry.
    /// @param number The service number.
    function inherit(uint64 number) external;

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

    /// @notice Label of a service of this version.
    /// @param number The service number.
    /// @return The label; empty for none.
    function labelOf(uint64 number) external view returns (string memory);

    /// @notice The service of this version that has a label.
    /// @param label The label.
    /// @return The service number; 0 for none.
    function numberOf(string calldata label) external view returns (uint64);

    /// @notice The service that has a label along the line, here or in an earlier version: the only one that
    /// can have it here.
    /// @param label The label.
    /// @return The service number; 0 for none.
    function holderOf(string calldata label) external view returns (uint64);

    /// @notice The label that a number has along the line, here or in an earlier version.
    /// @param number The service number.
    /// @return The label; empty for none.
    function heirloomOf(uint64 number) external view returns (string memory);

    /// @notice What taking a label burns.
    /// @param length Bytes of the label.
    /// @return BLOC in wei; the same for 5 bytes and more.
    function priceOf(uint256 length) external view returns (uint256);

    /// @notice Metadata of a service whose owner set none, made of its number and its label.
    /// @param number The service number.
    /// @return A data URI of JSON.
    function defaultMetadata(uint64 number) external view returns (string memory);

    /// @notice How old a commitment must be.
    /// @return Seconds.
    function minimumAge() external view returns (uint64);

    /// @notice How old a commitment may be.
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
