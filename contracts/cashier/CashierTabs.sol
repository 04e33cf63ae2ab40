// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ServiceId, ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {TabState, TabWord, TabWordLib} from "../libraries/TabWord.sol";
import {TabAuthorization, VoucherLib} from "../libraries/VoucherLib.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {CashierAccounts} from "./CashierAccounts.sol";
import {ICashierTabs} from "./ICashierTabs.sol";

/// @title CashierTabs
/// @notice See {ICashierTabs}. Holders of privilege: a payer and the keys that it authorized open tabs out of its own
/// account; a tab's collector opens, raises, redeems and closes that tab.
abstract contract CashierTabs is CashierAccounts, EIP712, ICashierTabs {
    using ServiceIdLib for ServiceId;
    using VoucherLib for TabAuthorization;

    /// @notice Longest time from the submission of an authorization to its `openBy`, seconds.
    uint40 public constant OPEN_AHEAD = 86_400;
    /// @notice Longest time from the submission of an authorization to the tab's expiry, seconds.
    uint40 public constant LONGEST_TAB = 2_592_000;
    /// @notice Time of redemption after a tab's expiry, seconds.
    uint256 public constant REDEMPTION = TabWordLib.REDEMPTION;
    /// @notice Time of redemption after the payer announced to close, seconds.
    uint40 public constant NOTICE = 86_400;
    /// @notice Gas for a payer's contract to check a signature (ERC-1271).
    uint256 public constant SIGNATURE_GAS = 300_000;

    struct Tab {
        // slot 0
        TabWord word;
        // slot 1: the key of the vouchers, and the part of `redeemed` that was passed over
        address signer;
        uint96 passed;
    }

    struct Session {
        // one slot
        uint96 left;
        uint40 expiresAt;
    }

    /// @inheritdoc ICashierTabs
    address public immutable registry;

    /// @dev By `VoucherLib.keyOf`.
    mapping(bytes32 key => Tab) internal _tabs;
    mapping(address payer => mapping(address signer => Session)) private _sessions;

    /// @notice Sets the values that never change.
    /// @param registry_ The registry whose services are paid.
    constructor(address registry_) EIP712("Blockcloud Cashier", "1") {
        registry = registry_;
    }

    /// @inheritdoc ICashierTabs
    function authorizeSigner(address signer, uint96 limit, uint40 expiresAt) external {
        require(signer != address(0), CashierSignerZero());

        _sessions[msg.sender][signer] = Session(limit, expiresAt);
        emit SignerAuthorized(msg.sender, signer, limit, expiresAt);
    }

    /// @inheritdoc ICashierTabs
    function revokeSigner(address signer) external {
        require(
            _sessions[msg.sender][signer].expiresAt != 0,
            CashierSignerUnknown(msg.sender, signer)
        );

        delete _sessions[msg.sender][signer];
        emit SignerRevoked(msg.sender, signer);
    }

    /// @inheritdoc ICashierTabs
    function announceClosing(bytes32 service, bytes32 tabId) external {
        (Tab storage tab, TabWord word) = _living(msg.sender, service, tabId);
        require(word.state() == TabState.Open, CashierTabIsClosing(tabId));
        uint256 until = block.timestamp + NOTICE;
        uint256 otherwise = word.redeemableUntil();
        if (until > otherwise) until = otherwise;

        tab.word = word.withState(uint40(until), TabState.Closing);
        emit TabClosing(msg.sender, service, tabId, until);
    }

    /// @inheritdoc ICashierTabs
    function closeAsCollector(address payer, bytes32 service, bytes32 salt) external {
        // The ID covers the caller, so a stranger finds no tab.
        _close(payer, service, VoucherLib.tabOf(msg.sender, salt));
    }

    /// @inheritdoc ICashierTabs
    function closeTab(address payer, bytes32 service, bytes32 tabId) external {
        (, TabWord word) = _living(payer, service, tabId);
        uint256 until = word.redeemableUntil();
        require(block.timestamp > until, CashierTabRedeemable(tabId, until));

        _close(payer, service, tabId);
    }

    /// @inheritdoc ICashierTabs
    function tabOf(
        address payer,
        bytes32 service,
        bytes32 tabId
    ) external view returns (TabView memory) {
        Tab storage tab = _tabs[VoucherLib.keyOf(payer, service, tabId)];
        TabWord word = tab.word;
        return
            TabView({
                state: word.state(),
                signer: tab.signer,
                limit: word.limit(),
                redeemed: word.redeemed(),
                passed: tab.passed,
                endsAt: word.endsAt(),
                redeemableUntil: uint40(word.redeemableUntil())
            });
    }

    /// @inheritdoc ICashierTabs
    function signerOf(
        address payer,
        address signer
    ) external view returns (uint256 left, uint256 expiresAt) {
        Session storage session = _sessions[payer][signer];
        return (session.left, session.expiresAt);
    }

    /// @inheritdoc ICashierTabs
    function tabDigest(TabAuthorization calldata authorization) external view returns (bytes32) {
        return _hashTypedDataV4(authorization.hash());
    }

    /// @inheritdoc ICashierTabs
    function tabIdOf(address collector, bytes32 salt) external pure returns (bytes32) {
        return VoucherLib.tabOf(collector, salt);
    }

    /// @inheritdoc ICashierTabs
    function openTab(
        TabAuthorization calldata authorization,
        bytes32 salt,
        bytes calldata signature
    ) public {
        (address payer, bytes32 service, bytes32 tabId) = (
            authorization.payer,
            authorization.service,
            authorization.tab
        );
        require(
            tabId == VoucherLib.tabOf(msg.sender, salt),
            CashierNotCollector(tabId, msg.sender, salt)
        );
        _checkTerms(authorization);
        Tab storage tab = _tabs[VoucherLib.keyOf(payer, service, tabId)];
        TabWord word = tab.word;
        bool isNew = word.state() == TabState.None;
        if (isNew) _checkService(service);
        else _checkRaise(word, tab.signer, authorization);

        uint96 added = authorization.limit - word.limit();
        Account storage account = _accounts[payer];
        uint96 free = account.free;
        require(added <= free, CashierNotFree(payer, added, free));
        _authorize(authorization, signature, added);

        account.free = free - added;
        account.reserved += added;
        tab.word = TabWordLib.pack(
            authorization.limit,
            word.redeemed(),
            authorization.expiresAt,
            TabState.Open
        );
        if (isNew) {
            tab.signer = authorization.signer;
            emit TabOpened(
                payer,
                service,
                tabId,
                msg.sender,
                authorization.signer,
                authorization.limit,
                authorization.expiresAt
            );
        } else {
            emit TabRaised(payer, service, tabId, authorization.limit, authorization.expiresAt);
        }
    }

    /// @dev A tab that is neither unknown nor closed.
    function _living(
        address payer,
        bytes32 service,
        bytes32 tabId
    ) private view returns (Tab storage tab, TabWord word) {
        tab = _tabs[VoucherLib.keyOf(payer, service, tabId)];
        word = tab.word;
        require(word.state() != TabState.None, CashierTabUnknown(tabId, payer, service));
        require(word.state() != TabState.Closed, CashierTabDead(tabId, payer, service));
    }

    /// @dev Returns the rest to the payer's account. Limit, redemptions and state stay: the ID is dead.
    function _close(address payer, bytes32 service, bytes32 tabId) private {
        (Tab storage tab, TabWord word) = _living(payer, service, tabId);
        uint96 limit = word.limit();
        uint96 paid = word.redeemed() - tab.passed;
        uint96 rest = limit - paid;

        tab.word = word.withState(word.endsAt(), TabState.Closed);
        tab.signer = address(0);
        tab.passed = 0;
        Account storage account = _accounts[payer];
        account.free += rest;
        account.reserved -= limit;
        emit TabClosed(payer, service, tabId, paid, rest);
    }

    /// @dev The payer's key first, so that an account with EIP-7702 code can still sign with its key; then a session
    /// key, whose limit is charged; then the payer's contract.
    function _authorize(
        TabAuthorization calldata authorization,
        bytes calldata signature,
        uint96 added
    ) private {
        address payer = authorization.payer;
        bytes32 digest = _hashTypedDataV4(authorization.hash());
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(
            digest,
            signature
        );
        bool isKey = failure == ECDSA.RecoverError.NoError;
        if (isKey && recovered == payer) return;

        bool isSigner = isKey && recovered == authorization.signer;
        Session storage session = _sessions[payer][recovered];
        bool isLive = isSigner && session.expiresAt >= block.timestamp;
        uint96 left = session.left;
        if (isLive && left >= added) {
            session.left = left - added;
            return;
        }
        if (payer.code.length != 0) {
            require(
                _isAccepted(payer, digest, signature),
                CashierTabSignature(authorization.tab, payer)
            );
            return;
        }
        require(isSigner, CashierTabSignature(authorization.tab, payer));
        require(isLive, CashierSignerUnknown(payer, recovered));
        revert CashierSignerLimit(payer, recovered, added, left);
    }

    /// @dev Asks a payer's contract (ERC-1271), with bounded gas, and reads one word of its answer: the collector pays
    /// for this call, and the payer's contract is hostile to it. The call is static: it must not change the account,
    /// which {openTab} has read before.
    function _isAccepted(
        address payer,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bool accepted) {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        uint256 limit = SIGNATURE_GAS;
        _needGas(limit);
        bytes32 answer;
        assembly ("memory-safe") {
            mstore(0, 0)
            let ok := staticcall(limit, payer, add(question, 32), mload(question), 0, 32)
            if and(ok, gt(returndatasize(), 31)) {
                answer := mload(0)
            }
        }
        return answer == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @dev A call that runs out of gas because the caller gave too little must not look like a refusal. EIP-150 keeps
    /// 1/64 back.
    function _needGas(uint256 limit) internal view {
        uint256 needed = (limit * 64) / 63 + 5_000;
        uint256 available = gasleft();
        require(available >= needed, CashierGas(available, needed));
    }

    function _checkService(bytes32 service) private view {
        ServiceId id = ServiceId.wrap(service);
        uint64 number = id.prefix();
        require(
            number != 0 && ServiceId.unwrap(ServiceIdLib.root(number)) == service,
            CashierNotRoot(service)
        );
        // A view of a contract of this deployment.
        require(IServiceRegistry(registry).firstEpoch(number) != 0, CashierServiceUnknown(service));
    }

    function _checkTerms(TabAuthorization calldata authorization) private view {
        bytes32 tabId = authorization.tab;
        uint256 openBy = authorization.openBy;
        uint256 expiresAt = authorization.expiresAt;
        require(block.timestamp <= openBy, CashierTabLate(tabId, openBy));
        uint256 latest = block.timestamp + OPEN_AHEAD;
        require(openBy <= latest, CashierTabOpenBy(tabId, openBy, latest));
        latest = block.timestamp + LONGEST_TAB;
        require(
            expiresAt > block.timestamp && expiresAt <= latest,
            CashierTabExpiry(tabId, expiresAt, latest)
        );
        require(authorization.signer != address(0), CashierTabSignerZero(tabId));
        require(authorization.limit != 0, CashierTabLimitZero(tabId));
    }

    function _checkRaise(
        TabWord word,
        address signer,
        TabAuthorization calldata authorization
    ) private view {
        bytes32 tabId = authorization.tab;
        require(
            word.state() != TabState.Closed,
            CashierTabDead(tabId, authorization.payer, authorization.service)
        );
        require(word.state() != TabState.Closing, CashierTabIsClosing(tabId));
        uint256 until = word.redeemableUntil();
        require(block.timestamp <= until, CashierTabOver(tabId, until, block.timestamp));
        require(signer == authorization.signer, CashierTabOtherSigner(tabId, signer));
        (uint96 limit, uint40 endsAt) = (word.limit(), word.endsAt());
        require(
            authorization.limit >= limit &&
                authorization.expiresAt >= endsAt &&
                (authorization.limit > limit || authorization.expiresAt > endsAt),
            CashierTabNotRaised(tabId, limit, endsAt)
        );
    }
}
