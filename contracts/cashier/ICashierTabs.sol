// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TabState} from "../libraries/TabWord.sol";
import {TabAuthorization} from "../libraries/VoucherLib.sol";

/// @title ICashierTabs
/// @notice Tabs: parts of a payer's account that are reserved for one service and one collector. Only an open tab
/// secures a voucher.
interface ICashierTabs {
    /// @dev A tab, as {tabOf} shows it.
    struct TabView {
        TabState state;
        // the only key that signs the tab's vouchers; 0 for a closed tab
        address signer;
        // BLOC in wei
        uint96 limit;
        // the highest redeemed cumulative amount, BLOC in wei
        uint96 redeemed;
        // the part of `redeemed` that was passed over, because its epoch was not redeemed: it goes back to the payer
        uint96 passed;
        // last second of serving, Unix seconds; for a closing tab, that of redemption
        uint40 endsAt;
        // last second of redemption, Unix seconds
        uint40 redeemableUntil;
    }

    /// @notice A payer allowed a key to sign tab authorizations.
    /// @param payer The payer.
    /// @param signer The key.
    /// @param limit Sum of the limits of the tabs that it may open, BLOC in wei.
    /// @param expiresAt Last second in which it may open or raise tabs, Unix seconds.
    event SignerAuthorized(
        address indexed payer,
        address indexed signer,
        uint256 limit,
        uint256 expiresAt
    );
    /// @notice A payer revoked a key. Its open tabs stay open.
    /// @param payer The payer.
    /// @param signer The key.
    event SignerRevoked(address indexed payer, address indexed signer);
    /// @notice A tab was opened.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    /// @param collector The collector.
    /// @param signer The key that signs its vouchers.
    /// @param limit BLOC in wei.
    /// @param expiresAt Last second of serving, Unix seconds.
    event TabOpened(
        address indexed payer,
        bytes32 indexed service,
        bytes32 indexed tab,
        address collector,
        address signer,
        uint256 limit,
        uint256 expiresAt
    );
    /// @notice A tab was raised.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    /// @param limit BLOC in wei.
    /// @param expiresAt Last second of serving, Unix seconds.
    event TabRaised(
        address indexed payer,
        bytes32 indexed service,
        bytes32 indexed tab,
        uint256 limit,
        uint256 expiresAt
    );
    /// @notice A payer announced that it closes a tab: the collector has until then to redeem.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    /// @param redeemableUntil Last second of redemption, Unix seconds.
    event TabClosing(
        address indexed payer,
        bytes32 indexed service,
        bytes32 indexed tab,
        uint256 redeemableUntil
    );
    /// @notice A tab was closed.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    /// @param paid Paid out of it in all, BLOC in wei.
    /// @param returned What went back to the payer's account, BLOC in wei.
    event TabClosed(
        address indexed payer,
        bytes32 indexed service,
        bytes32 indexed tab,
        uint256 paid,
        uint256 returned
    );

    // authorizeSigner, revokeSigner

    /// @notice A signer must not be the zero address.
    error CashierSignerZero();
    /// @notice The payer has not authorized this key, has revoked it, or its time is over.
    /// @param payer The payer.
    /// @param signer The key.
    error CashierSignerUnknown(address payer, address signer);
    /// @notice The key may not open tabs for this amount any more.
    /// @param payer The payer.
    /// @param signer The key.
    /// @param amount The needed amount, BLOC in wei.
    /// @param left What is left of its limit, BLOC in wei.
    error CashierSignerLimit(address payer, address signer, uint256 amount, uint256 left);

    // openTab

    /// @notice Only the collector that the tab's ID names may do this.
    /// @param tab The tab's ID.
    /// @param caller The caller.
    /// @param salt The given salt.
    error CashierNotCollector(bytes32 tab, address caller, bytes32 salt);
    /// @notice The authorization had to be submitted earlier.
    /// @param tab The tab's ID.
    /// @param openBy Unix seconds.
    error CashierTabLate(bytes32 tab, uint256 openBy);
    /// @notice The authorization's last moment is too far ahead.
    /// @param tab The tab's ID.
    /// @param openBy Unix seconds.
    /// @param latest The latest allowed value, Unix seconds.
    error CashierTabOpenBy(bytes32 tab, uint256 openBy, uint256 latest);
    /// @notice The tab's expiry is over or too far ahead.
    /// @param tab The tab's ID.
    /// @param expiresAt Unix seconds.
    /// @param latest The latest allowed value, Unix seconds.
    error CashierTabExpiry(bytes32 tab, uint256 expiresAt, uint256 latest);
    /// @notice A tab needs a signer.
    /// @param tab The tab's ID.
    error CashierTabSignerZero(bytes32 tab);
    /// @notice A tab needs a limit.
    /// @param tab The tab's ID.
    error CashierTabLimitZero(bytes32 tab);
    /// @notice Only root services are paid; a sub-service uses tabs of its root.
    /// @param service The given ID.
    error CashierNotRoot(bytes32 service);
    /// @notice The service does not exist in this registry.
    /// @param service The given ID.
    error CashierServiceUnknown(bytes32 service);
    /// @notice The payer did not sign this authorization, nor did a key that the payer authorized.
    /// @param tab The tab's ID.
    /// @param payer The payer.
    error CashierTabSignature(bytes32 tab, address payer);
    /// @notice A call of another contract needs more gas: send the transaction again with more.
    /// @param available Gas.
    /// @param needed Gas.
    error CashierGas(uint256 available, uint256 needed);
    /// @notice A tab keeps its signer.
    /// @param tab The tab's ID.
    /// @param signer Its signer.
    error CashierTabOtherSigner(bytes32 tab, address signer);
    /// @notice An authorization for an open tab must raise the limit or the expiry, and lower neither.
    /// @param tab The tab's ID.
    /// @param limit The tab's limit, BLOC in wei.
    /// @param expiresAt The tab's expiry, Unix seconds.
    error CashierTabNotRaised(bytes32 tab, uint256 limit, uint256 expiresAt);

    // Closing

    /// @notice There is no such tab of this payer for this service.
    /// @param tab The given ID.
    /// @param payer The payer.
    /// @param service The service ID.
    error CashierTabUnknown(bytes32 tab, address payer, bytes32 service);
    /// @notice The payer has announced to close the tab.
    /// @param tab The tab's ID.
    error CashierTabIsClosing(bytes32 tab);
    /// @notice The tab is closed, and its ID is dead.
    /// @param tab The tab's ID.
    /// @param payer The payer.
    /// @param service The service ID.
    error CashierTabDead(bytes32 tab, address payer, bytes32 service);
    /// @notice The tab's time of redemption is over.
    /// @param tab The tab's ID.
    /// @param redeemableUntil Unix seconds.
    /// @param time The current time, Unix seconds.
    error CashierTabOver(bytes32 tab, uint256 redeemableUntil, uint256 time);
    /// @notice The collector may still redeem.
    /// @param tab The tab's ID.
    /// @param redeemableUntil Unix seconds.
    error CashierTabRedeemable(bytes32 tab, uint256 redeemableUntil);

    /// @notice Allows a key to sign tab authorizations of the caller, for tabs whose vouchers the same key signs.
    /// Replaces what is left of the key's earlier limit; until the call is executed the key can use that, too. The
    /// limit is charged when a tab opens or rises, and never given back.
    /// @param signer The key.
    /// @param limit Sum of the limits of its tabs, BLOC in wei.
    /// @param expiresAt Last second in which it may open or raise tabs, Unix seconds.
    function authorizeSigner(address signer, uint96 limit, uint40 expiresAt) external;

    /// @notice Revokes a key of the caller. Counts at once for new tabs and for raising, and never for the vouchers of
    /// open ones.
    /// @param signer The key.
    function revokeSigner(address signer) external;

    /// @notice Opens a tab, or raises an open one; only by the collector whom the tab's ID names.
    /// @param authorization Signed by the payer, or by a key that the payer authorized and that is the tab's signer.
    /// @param salt The salt of the tab's ID.
    /// @param signature 65 bytes `r | s | v`, or a signature that the payer's contract accepts.
    function openTab(
        TabAuthorization calldata authorization,
        bytes32 salt,
        bytes calldata signature
    ) external;

    /// @notice Announces that a tab of the caller closes: it can be redeemed for another day, and no longer than
    /// without the announcement.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    function announceClosing(bytes32 service, bytes32 tab) external;

    /// @notice Closes a tab of the caller, who is its collector, at once.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param salt The salt of the tab's ID.
    function closeAsCollector(address payer, bytes32 service, bytes32 salt) external;

    /// @notice Closes a tab whose time of redemption is over; by anyone. The rest returns to the payer's account.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    function closeTab(address payer, bytes32 service, bytes32 tab) external;

    /// @notice A tab.
    /// @param payer The payer.
    /// @param service The service ID.
    /// @param tab The tab's ID.
    /// @return Its state; zeros for none.
    function tabOf(
        address payer,
        bytes32 service,
        bytes32 tab
    ) external view returns (TabView memory);

    /// @notice The ID of a collector's tab, `keccak256(abi.encode(collector, salt))`.
    /// @param collector The collector.
    /// @param salt Any value that the collector has not used for the same payer and service.
    /// @return The ID.
    function tabIdOf(address collector, bytes32 salt) external pure returns (bytes32);

    /// @notice What a key may still open in a payer's name.
    /// @param payer The payer.
    /// @param signer The key.
    /// @return left BLOC in wei; 0 for an unknown or revoked key.
    /// @return expiresAt Unix seconds.
    function signerOf(
        address payer,
        address signer
    ) external view returns (uint256 left, uint256 expiresAt);

    /// @notice The digest that is signed for a tab.
    /// @param authorization The authorization.
    /// @return The EIP-712 digest.
    function tabDigest(TabAuthorization calldata authorization) external view returns (bytes32);

    /// @notice The registry.
    /// @return Its address.
    function registry() external view returns (address);
}
