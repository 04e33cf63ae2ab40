// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";
import {ISuccession} from "./ISuccession.sol";

/// @title Succession
/// @notice See {ISuccession}. Holder of privilege: governance announces and revokes the closing.
/// @dev Calls only views of earlier versions of this contract, which the deployer named.
abstract contract Succession is AccessManaged, ISuccession {
    /// @inheritdoc ISuccession
    address public immutable predecessor;
    /// @inheritdoc ISuccession
    uint64 public immutable inherited;
    /// @inheritdoc ISuccession
    uint64 public immutable closingSeconds;

    /// @inheritdoc ISuccession
    /// @dev The last variable, so that it shares a slot with the first one of the registry.
    uint64 public closesAt;

    /// @notice Sets the values that never change.
    /// @param predecessor_ The earlier version whose services may be taken over; 0 for none.
    /// @param closingSeconds_ Time between announcement and closing of this registry.
    constructor(address predecessor_, uint64 closingSeconds_) {
        require(closingSeconds_ != 0, RegistryClosingSecondsZero());
        closingSeconds = closingSeconds_;
        if (predecessor_ == address(0)) return;
        // An open predecessor could give out the same numbers and labels.
        require(ISuccession(predecessor_).isClosed(), RegistryPredecessorOpen(predecessor_));
        predecessor = predecessor_;
        inherited = IServiceRegistry(predecessor_).serviceCount();
    }

    /// @inheritdoc ISuccession
    function announceClosing() external restricted {
        require(closesAt == 0, RegistryClosingAnnounced(closesAt));

        closesAt = uint64(block.timestamp) + closingSeconds;
        emit ClosingAnnounced(closesAt);
    }

    /// @inheritdoc ISuccession
    function revokeClosing() external restricted {
        require(closesAt != 0, RegistryClosingNotAnnounced());
        _requireOpen();

        closesAt = 0;
        emit ClosingRevoked();
    }

    /// @inheritdoc ISuccession
    function homeOf(uint64 number) external view returns (address) {
        if (_isHere(number)) return address(this);
        return number > inherited ? address(0) : ISuccession(predecessor).homeOf(number);
    }

    /// @inheritdoc ISuccession
    function isClosed() public view returns (bool) {
        return closesAt != 0 && block.timestamp >= closesAt;
    }

    function _requireOpen() internal view {
        require(!isClosed(), RegistryClosed(closesAt));
    }

    /// @dev Whether this registry has a service with this number.
    function _isHere(uint64 number) internal view virtual returns (bool);
}
