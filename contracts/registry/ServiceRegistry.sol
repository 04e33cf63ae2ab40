// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IChallengeBook} from "../challenges/IChallengeBook.sol";
import {IServiceLabels} from "../labels/IServiceLabels.sol";
import {EpochTrace} from "../libraries/EpochTrace.sol";
import {ServiceState, ServiceStateLib} from "../libraries/ServiceState.sol";
import {LANES, MAX_SHARDS} from "../libraries/Slot.sol";
import {IProofOfService} from "../proof-of-service/IProofOfService.sol";
import {ISettlement} from "../proof-of-service/ISettlement.sol";
import {IStaking} from "../staking/IStaking.sol";
import {Permit, PermitLib} from "../token/PermitLib.sol";
import {EpochClock} from "./EpochClock.sol";
import {IEpochClock} from "./IEpochClock.sol";
import {IServiceClasses} from "./IServiceClasses.sol";
import {IServiceRegistry} from "./IServiceRegistry.sol";
import {IServiceSlots} from "./IServiceSlots.sol";
import {ISuccession} from "./ISuccession.sol";
import {ServiceRecords} from "./ServiceRecords.sol";
import {Succession} from "./Succession.sol";

/// @title ServiceRegistry
/// @notice See {IServiceRegistry}. Holders of privilege: the deployer may call {wire} once; governance adds, opens
/// and closes classes; the staking contract reports stakes; `Settlement` and `ChallengeBook` suspend by their rules.
/// Only a service's owner can change the rest.
contract ServiceRegistry is ERC721, EIP712, ServiceRecords, Succession {
    using EpochTrace for EpochTrace.Trace;

    address private immutable _deployer;

    /// @inheritdoc IServiceRegistry
    address public staking;
    /// @inheritdoc IServiceRegistry
    address public proofOfService;
    /// @inheritdoc IServiceRegistry
    address public settlement;
    /// @inheritdoc IServiceRegistry
    address public challengeBook;
    /// @inheritdoc IServiceRegistry
    address public labels;

    modifier onlyOwnerOf(uint64 number) {
        _checkOwner(number);
        _;
    }

    /// @notice Sets the values that never change.
    /// @param epochSeconds_ Length of an epoch; the clock starts at this block.
    /// @param governance Access manager of the calls that add, open and close classes.
    /// @param predecessor_ The earlier version whose services may be taken over; 0 for none.
    /// @param closingSeconds_ Time between announcement and closing of this registry.
    constructor(
        uint32 epochSeconds_,
        address governance,
        address predecessor_,
        uint64 closingSeconds_
    )
        ERC721("Blockcloud Service", "SERVICE")
        EIP712("Blockcloud", "1")
        EpochClock(uint64(block.timestamp), epochSeconds_)
        AccessManaged(governance)
        Succession(predecessor_, closingSeconds_)
    {
        _deployer = msg.sender;
        _counters.services = inherited;
    }

    /// @inheritdoc IServiceRegistry
    function wire(
        address staking_,
        address proofOfService_,
        address settlement_,
        address challengeBook_,
        address labels_
    ) external {
        require(msg.sender == _deployer, RegistryNotDeployer(msg.sender));
        require(staking == address(0), RegistryAlreadyWired(staking));
        require(IStaking(staking_).registry() == address(this), RegistryWiringMismatch(staking_));
        IProofOfService rounds = IProofOfService(proofOfService_);
        require(
            rounds.registry() == address(this) && rounds.staking() == staking_,
            RegistryWiringMismatch(proofOfService_)
        );
        require(
            rounds.settlement() == settlement_ &&
                ISettlement(settlement_).proofOfService() == proofOfService_,
            RegistryWiringMismatch(settlement_)
        );
        IChallengeBook book = IChallengeBook(challengeBook_);
        require(
            book.registry() == address(this) && book.proofOfService() == proofOfService_,
            RegistryWiringMismatch(challengeBook_)
        );
        IServiceLabels names = IServiceLabels(labels_);
        require(
            names.registry() == address(this) && names.token() == IStaking(staking_).token(),
            RegistryWiringMismatch(labels_)
        );

        staking = staking_;
        proofOfService = proofOfService_;
        settlement = settlement_;
        challengeBook = challengeBook_;
        labels = labels_;
        emit Wired(staking_, proofOfService_, settlement_, challengeBook_, labels_);
    }

    /// @inheritdoc IServiceRegistry
    function registerWithPermit(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake,
        Permit calldata permit
    ) external returns (uint64 number) {
        _tryPermit(permit);
        return register(classId, key, probe, metadata, stake);
    }

    /// @inheritdoc IServiceRegistry
    function takeOverWithPermit(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake,
        Permit calldata permit
    ) external {
        _tryPermit(permit);
        takeOver(number, classId, key, probe, metadata, stake);
    }

    /// @inheritdoc IServiceRegistry
    function setProbe(uint64 number, bytes calldata probe) external onlyOwnerOf(number) {
        _unretired(number);

        _setProbe(number, probe, _since());
    }

    /// @inheritdoc IServiceRegistry
    function setKey(uint64 number, address key) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(key != address(0), RegistryKeyZero());

        emit KeySet(number, _since(), key);
        _changeState(number, state.withKey(key));
    }

    /// @inheritdoc IServiceRegistry
    function setMetadata(uint64 number, string calldata metadata) external onlyOwnerOf(number) {
        _unretired(number);

        _setMetadata(number, metadata);
        emit MetadataSet(number, metadata);
    }

    /// @inheritdoc IServiceRegistry
    function setPayout(uint64 number, address payout) external onlyOwnerOf(number) {
        _services[number].payout = payout;
        emit PayoutSet(number, payout);
    }

    /// @inheritdoc IServiceRegistry
    function setMaintenance(uint64 number, bool on) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(
            state.has(ServiceStateLib.MAINTENANCE) != on,
            RegistryMaintenanceUnchanged(number, on)
        );

        emit MaintenanceSet(number, _since(), on);
        _changeState(number, state.withFlag(ServiceStateLib.MAINTENANCE, on));
    }

    /// @inheritdoc IServiceRegistry
    function reinstate(uint64 number) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);
        require(state.has(ServiceStateLib.SUSPENDED), RegistryNotSuspended(number));

        uint32 since = _since();
        _services[number].reinstatedSince = since;
        emit ServiceReinstated(number, since);
        _changeState(number, state.withFlag(ServiceStateLib.SUSPENDED, false));
    }

    /// @inheritdoc IServiceRegistry
    function retire(uint64 number) external onlyOwnerOf(number) {
        ServiceState state = _unretired(number);

        emit ServiceRetired(number, _since());
        _changeState(number, state.withFlag(ServiceStateLib.RETIRED, true));

        // The staking contract starts to unbond the stake, and calls {syncStake}.
        IStaking(staking).releaseService(number);
    }

    /// @inheritdoc IServiceRegistry
    function suspend(uint64 number) external {
        require(
            msg.sender == settlement || msg.sender == challengeBook,
            RegistryNotSuspender(msg.sender)
        );
        ServiceState state = _newest(number);
        if (state.has(ServiceStateLib.SUSPENDED | ServiceStateLib.RETIRED)) return;

        emit ServiceSuspended(number, _since());
        _changeState(number, state.withFlag(ServiceStateLib.SUSPENDED, true));
    }

    /// @inheritdoc IServiceRegistry
    function announce(uint64 number, bytes calldata record) external {
        require(_exists(number), RegistryUnknownService(number));
        require(
            record.length != 0 && record.length <= MAX_RECORD,
            RegistryRecordLength(record.length, MAX_RECORD)
        );

        emit Announced(number, record);
    }

    /// @inheritdoc IServiceRegistry
    function syncStake(
        uint64 number,
        uint96 stake
    ) external returns (bool wasActive, bool isActive, uint96 counted) {
        require(msg.sender == staking, RegistryNotStaking(msg.sender));

        ServiceState state = _newest(number);
        ServiceClass storage kind = _class(_services[number].classId);
        uint96 maximum = kind.maximumStake;
        counted = stake < maximum ? stake : maximum;
        // A service without stake is inactive even if the class requires none, because pay follows stake.
        bool enough = stake != 0 && stake >= kind.minimumStake;
        (wasActive, isActive) = _setState(number, state.withFlag(ServiceStateLib.STAKED, enough));
    }

    /// @inheritdoc IServiceRegistry
    function serviceCount() external view returns (uint64) {
        return _counters.services;
    }

    /// @inheritdoc IServiceRegistry
    function payoutOf(uint64 number) external view returns (address) {
        address payout = _services[number].payout;
        return payout == address(0) ? ownerOf(number) : payout;
    }

    /// @inheritdoc IServiceRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IServiceRegistry
    function register(
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) public returns (uint64 number) {
        number = _counters.services + 1;
        require(number <= MAX_SHARDS * LANES, RegistryFull(number));

        _counters.services = number;
        uint96 fee = _open(number, classId, key, probe, metadata);

        // The staking contract takes the fee and the stake, and calls {syncStake}.
        IStaking(staking).openService(number, msg.sender, stake, fee);
    }

    /// @inheritdoc IServiceRegistry
    function takeOver(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata,
        uint96 stake
    ) public {
        require(
            number != 0 && number <= inherited && !_exists(number),
            RegistryNotInherited(number)
        );
        // Views of an earlier version of this contract, which the deployer named.
        address home = ISuccession(predecessor).homeOf(number);
        require(IERC721(home).ownerOf(number) == msg.sender, RegistryNotOwner(number, msg.sender));
        require(
            IServiceRegistry(home).statusNow(number) == Status.Retired,
            RegistryNotRetired(number)
        );

        _open(number, classId, key, probe, metadata);

        // As in {register}, without the fee, which was burned in the predecessor.
        IServiceLabels(labels).inherit(number);
        IStaking(staking).openService(number, msg.sender, stake, 0);
    }

    /// @notice The metadata that the owner set, or by default a data URI with number and label.
    /// @param tokenId The service number.
    /// @return The URI.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        uint64 number = uint64(tokenId);
        string memory metadata = _services[number].metadata;
        // A view of a contract of this deployment.
        return
            bytes(metadata).length == 0 ? IServiceLabels(labels).defaultMetadata(number) : metadata;
    }

    /// @notice Whether this contract has an interface (ERC-165): ERC-721 with metadata, and its own.
    /// @param interfaceId The interface's ID.
    /// @return True for these.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return
            interfaceId == type(IServiceRegistry).interfaceId ||
            interfaceId == type(IServiceClasses).interfaceId ||
            interfaceId == type(IServiceSlots).interfaceId ||
            interfaceId == type(ISuccession).interfaceId ||
            interfaceId == type(IEpochClock).interfaceId ||
            super.supportsInterface(interfaceId);
    }

    /// @dev The hook of every transfer: the seller's settings must not bind the buyer. The key and a pending key are
    /// cleared two epochs later, pay goes to the new owner, and the old stake unbonds to its staker.
    function _update(
        address to,
        uint256 tokenId,
        address auth
    ) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from == address(0) || from == to) return from;

        uint64 number = uint64(tokenId);
        Service storage service = _services[number];
        if (service.payout != address(0)) {
            service.payout = address(0);
            emit PayoutSet(number, address(0));
        }
        emit KeySet(number, _since(), address(0));
        _changeState(number, _newest(number).withKey(address(0)));

        // The staking contract calls {syncStake}.
        IStaking(staking).releaseService(number);
    }

    /// @dev Creates a service of the caller.
    function _open(
        uint64 number,
        uint16 classId,
        address key,
        bytes calldata probe,
        string calldata metadata
    ) private returns (uint96 fee) {
        _requireOpen();
        ServiceClass storage kind = _class(classId);
        require(kind.open, RegistryClassClosed(classId));
        require(key != address(0), RegistryKeyZero());

        uint32 since = _since();
        Service storage service = _services[number];
        service.firstEpoch = since;
        service.classId = classId;
        ServiceState empty;
        service.state.set(since, ServiceState.unwrap(empty.withKey(key)));
        // Not `_safeMint`: its callback would run foreign code during the registration.
        _mint(msg.sender, number);
        emit ServiceRegistered(number, msg.sender, classId, key, metadata);
        _setMetadata(number, metadata);
        _setProbe(number, probe, since);
        return kind.registrationFee;
    }

    /// @dev Sets the state, and tells the staking contract if the service becomes active or inactive. The staking
    /// contract makes no call back.
    function _changeState(uint64 number, ServiceState state) private {
        (bool wasActive, bool isActive) = _setState(number, state);
        if (wasActive != isActive) IStaking(staking).syncActivity(number, isActive);
    }

    function _checkOwner(uint64 number) private view {
        require(_ownerOf(number) == msg.sender, RegistryNotOwner(number, msg.sender));
    }

    /// @dev See {Succession}.
    function _isHere(uint64 number) internal view override returns (bool) {
        return _exists(number);
    }

    /// @dev The staking contract takes fee and stake.
    function _tryPermit(Permit calldata permit) private {
        address spender = staking;
        PermitLib.tryPermit(IStaking(spender).token(), spender, permit);
    }
}
