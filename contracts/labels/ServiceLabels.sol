// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {LabelLib} from "../libraries/LabelLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {Permit, PermitLib} from "../token/PermitLib.sol";
import {IServiceLabels} from "./IServiceLabels.sol";

/// @title ServiceLabels
/// @notice See {IServiceLabels}. No account holds a privilege: a service's owner takes a label for it, the registry
/// transfers the labels of services that are taken over, and no function removes a label.
/// @dev Labels of earlier versions are read recursively. They do not change, because their registries were closed
/// before this one was deployed.
contract ServiceLabels is IServiceLabels {
    /// @inheritdoc IServiceLabels
    address public immutable registry;
    /// @inheritdoc IServiceLabels
    address public immutable token;
    /// @inheritdoc IServiceLabels
    address public immutable predecessor;
    /// @inheritdoc IServiceLabels
    uint64 public immutable minimumAge;
    /// @inheritdoc IServiceLabels
    uint64 public immutable maximumAge;
    uint256 private immutable _price1;
    uint256 private immutable _price2;
    uint256 private immutable _price3;
    uint256 private immutable _price4;
    uint256 private immutable _price5;

    mapping(address owner => mapping(bytes32 commitment => uint64 committedAt))
        private _commitments;
    mapping(bytes32 labelHash => uint64 number) private _numbers;
    mapping(uint64 number => string) private _labels;

    /// @notice Sets the values that never change.
    /// @param registry_ The registry; its predecessor's labels stay reserved for their services.
    /// @param token_ BLOC.
    /// @param minimumAge_ Minimum age of a commitment, seconds; longer than a block, so that the commitment is mined
    /// before the label is shown.
    /// @param maximumAge_ Maximum age of a commitment, seconds.
    /// @param prices Prices of labels of 1, 2, 3, 4, and of 5 or more bytes, BLOC in wei.
    constructor(
        address registry_,
        address token_,
        uint64 minimumAge_,
        uint64 maximumAge_,
        uint256[5] memory prices
    ) {
        require(minimumAge_ != 0 && minimumAge_ < maximumAge_, LabelAges(minimumAge_, maximumAge_));
        registry = registry_;
        token = token_;
        minimumAge = minimumAge_;
        maximumAge = maximumAge_;
        (_price1, _price2, _price3) = (prices[0], prices[1], prices[2]);
        (_price4, _price5) = (prices[3], prices[4]);
        address earlier = IServiceRegistry(registry_).predecessor();
        if (earlier != address(0)) predecessor = IServiceRegistry(earlier).labels();
    }

    /// @inheritdoc IServiceLabels
    function commitLabel(bytes32 commitment) external {
        uint64 committedAt = _commitments[msg.sender][commitment];
        require(
            committedAt == 0 || block.timestamp > committedAt + maximumAge,
            LabelAlreadyCommitted(commitment, committedAt)
        );

        _commitments[msg.sender][commitment] = uint64(block.timestamp);
        emit LabelCommitted(msg.sender, commitment);
    }

    /// @inheritdoc IServiceLabels
    function setLabelWithPermit(
        uint64 number,
        string calldata label,
        bytes32 salt,
        Permit calldata permit
    ) external {
        PermitLib.tryPermit(token, address(this), permit);
        setLabel(number, label, salt);
    }

    /// @inheritdoc IServiceLabels
    function inherit(uint64 number) external {
        require(msg.sender == registry, LabelNotRegistry(msg.sender));
        if (predecessor == address(0)) return;

        string memory label = IServiceLabels(predecessor).heirloomOf(number);
        if (bytes(label).length == 0) return;
        // An honest predecessor never returns such a label; with a false one no holder loses its label.
        uint64 holder = _numbers[keccak256(bytes(label))];
        require(holder == 0, LabelTaken(label, holder));

        _set(number, label);
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
    function heirloomOf(uint64 number) external view returns (string memory label) {
        label = _labels[number];
        if (bytes(label).length == 0 && predecessor != address(0))
            label = IServiceLabels(predecessor).heirloomOf(number);
    }

    /// @inheritdoc IServiceLabels
    function defaultMetadata(uint64 number) external view returns (string memory) {
        string memory plain = string.concat("Blockcloud service ", Strings.toString(number));
        string memory label = _labels[number];
        // A label needs no escaping, because it has only letters, digits and hyphens.
        string memory name = bytes(label).length == 0 ? plain : string.concat(label, ".bloc.alt");
        // solhint-disable-next-line quotes
        string memory json = string.concat('{"name":"', name, '","description":"', plain, '"}');
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// @inheritdoc IServiceLabels
    function setLabel(uint64 number, string calldata label, bytes32 salt) public {
        IServiceRegistry services = IServiceRegistry(registry);
        require(!services.isClosed(), LabelRegistryClosed());
        require(IERC721(registry).ownerOf(number) == msg.sender, LabelNotOwner(number, msg.sender));
        uint32 epoch = services.currentEpoch();
        require(
            services.statusAt(number, epoch) == IServiceRegistry.Status.Active,
            LabelServiceInactive(number, epoch)
        );
        bytes32 commitment = _committed(label, salt);
        require(LabelLib.isValid(label), LabelInvalid(label));
        require(bytes(_labels[number]).length == 0, LabelHeld(number, _labels[number]));
        uint64 holder = holderOf(label);
        require(holder == 0, LabelTaken(label, holder));

        delete _commitments[msg.sender][commitment];
        _set(number, label);

        // The token makes no call back.
        ERC20Burnable(token).burnFrom(msg.sender, priceOf(bytes(label).length));
    }

    /// @inheritdoc IServiceLabels
    function holderOf(string calldata label) public view returns (uint64 number) {
        number = _numbers[keccak256(bytes(label))];
        if (number == 0 && predecessor != address(0))
            number = IServiceLabels(predecessor).holderOf(label);
    }

    /// @inheritdoc IServiceLabels
    function priceOf(uint256 length) public view returns (uint256) {
        if (length > 4) return _price5;
        if (length == 4) return _price4;
        if (length == 3) return _price3;
        return length == 2 ? _price2 : _price1;
    }

    /// @inheritdoc IServiceLabels
    function labelCommitment(
        string calldata label,
        address owner,
        bytes32 salt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(label, owner, salt));
    }

    /// @dev Gives a free label to a service without a label.
    function _set(uint64 number, string memory label) private {
        _numbers[keccak256(bytes(label))] = number;
        _labels[number] = label;
        emit LabelSet(number, label);
    }

    /// @dev The caller's commitment to a label, which must have the right age.
    function _committed(
        string calldata label,
        bytes32 salt
    ) private view returns (bytes32 commitment) {
        commitment = labelCommitment(label, msg.sender, salt);
        uint64 committedAt = _commitments[msg.sender][commitment];
        require(committedAt != 0, LabelNotCommitted(commitment));
        uint64 notBefore = committedAt + minimumAge;
        uint64 notAfter = committedAt + maximumAge;
        require(
            block.timestamp >= notBefore && block.timestamp <= notAfter,
            LabelAge(commitment, notBefore, notAfter)
        );
    }
}
