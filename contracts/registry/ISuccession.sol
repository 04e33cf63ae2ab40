// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ISuccession
/// @notice How one version of the contracts ends and the next begins. A registry is closed before a successor
/// can name it, and a closed one takes no new services: each service then has one place in the line.
interface ISuccession {
    /// @notice Governance announced that the registry closes.
    /// @param closesAt From then on it is closed for ever, unless the closing is revoked before; Unix seconds.
    event ClosingAnnounced(uint64 closesAt);
    /// @notice Governance took the announcement back in time.
    event ClosingRevoked();

    // Deployment

    /// @notice The time between announcing and closing must be longer than 0.
    error RegistryClosingSecondsZero();
    /// @notice A successor is deployed once its predecessor is closed.
    /// @param predecessor The registry that is still open.
    error RegistryPredecessorOpen(address predecessor);

    // Registering and taking over

    /// @notice The registry is closed: its services go on, and new ones belong to its successor.
    /// @param closesAt Since when, Unix seconds.
    error RegistryClosed(uint64 closesAt);

    // Closing

    /// @notice The closing is announced already.
    /// @param closesAt When the registry closes, Unix seconds.
    error RegistryClosingAnnounced(uint64 closesAt);
    /// @notice There is no announcement to take back.
    error RegistryClosingNotAnnounced();

    /// @notice Announces that the registry closes after {closingSeconds}; only governance. No second call is
    /// needed then.
    function announceClosing() external;

    /// @notice Takes the announcement back before the registry is closed; only governance.
    function revokeClosing() external;

    /// @notice When the registry closes, or has closed.
    /// @return Unix seconds; 0 where nothing is announced.
    function closesAt() external view returns (uint64);

    /// @notice Whether the registry is closed. A closed one refuses `register`, `takeOver` and `setLabel`; all
    /// else goes on.
    /// @return True from {closesAt} on, for ever.
    function isClosed() external view returns (bool);

    /// @notice Time between announcing and closing; fixed at deployment.
    /// @return Seconds.
    function closingSeconds() external view returns (uint64);

    /// @notice The registry whose services may be taken over; fixed at deployment.
    /// @return The registry; 0 for none.
    function predecessor() external view returns (address);

    /// @notice Service numbers up to this are kept for the services of the earlier versions; fixed at
    /// deployment.
    /// @return The number.
    function inherited() external view returns (uint64);

    /// @notice Where a service is at home: the newest registry of the line, up to this one, in which its number
    /// exists.
    /// @param number The service number.
    /// @return The registry; 0 for a number that was never given out.
    function homeOf(uint64 number) external view returns (address);
}
