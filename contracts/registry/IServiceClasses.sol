// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IServiceClasses
/// @notice Kinds of services. Governance adds, opens and closes them; what a class asks for and how its
/// services are judged never changes.
interface IServiceClasses {
    /// @notice A kind of service.
    struct ServiceClass {
        // slot 0
        bytes32 name;
        // slot 1: the least stake of an active service, and the most that is paid for
        uint96 minimumStake;
        uint96 maximumStake;
        // slot 2
        uint96 registrationFee;
        // whether new services may be registered
        bool open;
        // grades by time to the last byte
        uint32 excellentMs;
        uint32 goodMs;
        uint32 poorMs;
        // slot 3: checks the answers to challenges
        address verifier;
    }

    /// @notice A class was added.
    /// @param classId Its index.
    /// @param name Its name.
    event ClassAdded(uint16 indexed classId, bytes32 name);
    /// @notice A class was opened or closed for new services.
    /// @param classId Its index.
    /// @param open The new state.
    event ClassOpenSet(uint16 indexed classId, bool open);

    /// @notice There is no such class.
    /// @param classId The index given.
    /// @param count How many there are.
    error RegistryUnknownClass(uint16 classId, uint256 count);
    /// @notice The class takes no new services.
    /// @param classId The index given.
    error RegistryClassClosed(uint16 classId);
    /// @notice The bounds of the grades must grow.
    /// @param excellentMs Milliseconds.
    /// @param goodMs Milliseconds.
    /// @param poorMs Milliseconds.
    error RegistryClassBounds(uint32 excellentMs, uint32 goodMs, uint32 poorMs);
    /// @notice No stake would both reach the minimum and count as a whole.
    /// @param minimumStake BLOC in wei.
    /// @param maximumStake BLOC in wei.
    error RegistryClassStake(uint96 minimumStake, uint96 maximumStake);
    /// @notice A class needs a verifier with code.
    /// @param verifier The address given.
    error RegistryClassVerifier(address verifier);
    /// @notice There is no room for another class.
    /// @param count How many there are.
    error RegistryClassesFull(uint256 count);

    /// @notice Adds a class; only governance.
    /// @param kind The class.
    /// @return classId Its index.
    function addClass(ServiceClass calldata kind) external returns (uint16 classId);

    /// @notice Opens or closes a class for new services; only governance. Services that are registered
    /// stay as they are.
    /// @param classId Index of the class.
    /// @param open The new state.
    function setClassOpen(uint16 classId, bool open) external;

    /// @notice How many classes there are.
    /// @return The count.
    function classCount() external view returns (uint256);

    /// @notice A class.
    /// @param classId Its index.
    /// @return The class.
    function classAt(uint16 classId) external view returns (ServiceClass memory);
}
