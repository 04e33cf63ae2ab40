// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IServiceClasses} from "./IServiceClasses.sol";

/// @title ServiceClasses
/// @notice See {IServiceClasses}. Holders of privilege: the accounts that the access manager permits to call
/// {addClass} and {setClassOpen}.
abstract contract ServiceClasses is AccessManaged, IServiceClasses {
    ServiceClass[] private _classes;

    /// @inheritdoc IServiceClasses
    function addClass(ServiceClass calldata kind) external restricted returns (uint16 classId) {
        uint256 count = _classes.length;
        require(count <= type(uint16).max, RegistryClassesFull(count));
        require(
            kind.excellentMs < kind.goodMs && kind.goodMs < kind.poorMs,
            RegistryClassBounds(kind.excellentMs, kind.goodMs, kind.poorMs)
        );
        require(
            kind.maximumStake != 0 && kind.minimumStake <= kind.maximumStake,
            RegistryClassStake(kind.minimumStake, kind.maximumStake)
        );
        require(kind.verifier.code.length != 0, RegistryClassVerifier(kind.verifier));

        classId = uint16(count);
        _classes.push(kind);
        emit ClassAdded(classId, kind.name);
        emit ClassOpenSet(classId, kind.open);
    }

    /// @inheritdoc IServiceClasses
    function setClassOpen(uint16 classId, bool open) external restricted {
        _class(classId).open = open;
        emit ClassOpenSet(classId, open);
    }

    /// @inheritdoc IServiceClasses
    function classCount() external view returns (uint256) {
        return _classes.length;
    }

    /// @inheritdoc IServiceClasses
    function classAt(uint16 classId) external view returns (ServiceClass memory) {
        return _class(classId);
    }

    /// @dev An existing class.
    function _class(uint16 classId) internal view returns (ServiceClass storage) {
        require(classId < _classes.length, RegistryUnknownClass(classId, _classes.length));
        return _classes[classId];
    }
}
