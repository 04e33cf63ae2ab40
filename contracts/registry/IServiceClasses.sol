// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IServiceClasses
/// @notice Classes of services. Governance adds, opens and closes them. The requirements and the grading of a class
/// never change.
interface IServiceClasses {
    /// @notice A class of services.
    struct ServiceClass {
        // slot 0
        bytes32 name;
        // slot 1: minimum stake of an active service, and maximum stake that is paid
        uint96 minimumStake;
        uint96 maximumStake;
        // slot 2
        uint96 registrationFee;
        // whether it accepts new services
        bool open;
        // bounds of the grades by time to the last byte
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

    /// @notice The class does not exist.
    /// @param classId The index given.
    /// @param count Number of there are.
    error RegistryUnknownClass(uint16 classId, uint256 count);
    /// @notice The class accepts no new services.
    /// @param classId The index given.
    error RegistryClassClosed(uint16 classId);
    /// @notice The bounds of the grades must rise strictly.
    /// @param excellentMs Milliseconds.
    /// @param goodMs Milliseconds.
    /// @param poorMs Milliseconds.
    error RegistryClassBounds(uint32 excellentMs, uint32 goodMs, uint32 poorMs);
    /// @notice The maximum stake must be at least the minimum stake.
    /// @param minimumStake BLOC in wei.
    /// @param maximumStake BLOC in wei.
    error RegistryClassStake(uint96 minimumStake, uint96 maximumStake);
    /// @notice The verifier must have code.
    /// @param verifier The given address.
    error RegistryClassVerifier(address verifier);
    /// @notice The maximum number of classes is reached.
    /// @param count Number of there are.
    error RegistryClassesFull(uint256 count);

    /// @notice Adds a class; only governance.
    /// @param kind The class.
    /// @return classId Its index.
    function addClass(ServiceClass calldata kind) external returns (uint16 classId);

    /// @notice Opens or closes a class for new services; only governance. Existing services are not affected.
    /// @param classId Index of the class.
    /// @param open The new state.
    function setClassOpen(uint16 classId, bool open) external;

    /// @notice The number of classes.
    /// @return The number.
    function classCount() external view returns (uint256);

    /// @notice A class.
    /// @param classId Its index.
    /// @return The class.
    function classAt(uint16 classId) external view returns (ServiceClass memory);
}
