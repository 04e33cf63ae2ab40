// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ISuccession
/// @notice The succession of versions of the contracts. A successor can only name a closed registry, and a closed
/// registry accepts no new services, so each service has one place in the line.
interface ISuccession {
    /// @notice Governance announced that the registry closes.
    /// @param closesAt The time from which it is closed for ever, unless the closing is revoked; Unix seconds.
    event ClosingAnnounced(uint64 closesAt);
    /// @notice Governance revoked the closing in time.
    event ClosingRevoked();

    // Deployment

    /// @notice The time between announcement and closing must not be 0.
    error RegistryClosingSecondsZero();
    /// @notice A successor can be deployed only after its predecessor is closed.
    /// @param predecessor The registry that is still open.
    error RegistryPredecessorOpen(address predecessor);

    // Registering and taking over

    /// @notice The registry is closed: its services continue, and new ones belong to its successor.
    /// @param closesAt The time of the closing, Unix seconds.
    error RegistryClosed(uint64 closesAt);

    // Closing

    /// @notice The closing is announced already.
    /// @param closesAt The time of the closing, Unix seconds.
    error RegistryClosingAnnounced(uint64 closesAt);
    /// @notice There is no closing to revoke.
    error RegistryClosingNotAnnounced();

    /// @notice Announces that the registry closes after {closingSeconds}, without another call; only governance.
    function announceClosing() external;

    /// @notice Revokes the closing before the registry is closed; only governance.
    function revokeClosing() external;

    /// @notice The time of the closing.
    /// @return Unix seconds; 0 if no closing is announced.
    function closesAt() external view returns (uint64);

    /// @notice Whether the registry is closed. A closed registry refuses `register`, `takeOver` and `setLabel`; all
    /// other functions continue to work.
    /// @return True from {closesAt} on, for ever.
    function isClosed() external view returns (bool);

    /// @notice Time between announcement and closing; fixed at deployment.
    /// @return Seconds.
    function closingSeconds() external view returns (uint64);

    /// @notice The registry whose services may be taken over; fixed at deployment.
    /// @return The registry; 0 for none.
    function predecessor() external view returns (address);

    /// @notice Service numbers up to this are reserved for services of earlier versions; fixed at deployment.
    /// @return The number.
    function inherited() external view returns (uint64);

    /// @notice The home of a service: the newest registry of the line, up to this one, in which its number exists.
    /// @param number The service number.
    /// @return The registry; 0 for a number that was never given out.
    function homeOf(uint64 number) external view returns (address);
}
