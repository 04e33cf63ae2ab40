// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TabAuthorization, Voucher} from "../libraries/VoucherLib.sol";
import {ISkippingBatch} from "../proof-of-service/ISkippingBatch.sol";
import {IEpochClock} from "../registry/IEpochClock.sol";
import {ICashierAccounts} from "./ICashierAccounts.sol";
import {ICashierTabs} from "./ICashierTabs.sol";

/// @title ICashier
/// @notice Users pay for what they use. A payer deposits once; a collector redeems vouchers of any number of uses; the
/// sums are earned by a service and go to its payout address.
interface ICashier is IEpochClock, ISkippingBatch, ICashierAccounts, ICashierTabs {
    /// @dev A voucher, its signature by the tab's signer, and the salt of the tab's ID.
    struct Redemption {
        Voucher voucher;
        bytes32 salt;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice A voucher was redeemed.
    /// @param payer The payer.
    /// @param service The service that earned the amount.
    /// @param tab The tab's ID.
    /// @param cumulative The voucher's cumulative amount, BLOC in wei.
    /// @param amount What the service earned, before the fee, BLOC in wei.
    event Redeemed(
        address indexed payer,
        bytes32 indexed service,
        bytes32 indexed tab,
        uint256 cumulative,
        uint256 amount
    );
    /// @notice An item of a batch was skipped.
    /// @param index Its index.
    /// @param tab The voucher's tab.
    /// @param reason The encoded error with which {redeem} reverts for this item.
    event RedemptionSkipped(uint256 indexed index, bytes32 indexed tab, bytes reason);
    /// @notice A service was paid what it had earned.
    /// @param service The service ID.
    /// @param payout The receiver.
    /// @param paid BLOC in wei.
    /// @param fee BLOC in wei.
    event Collected(bytes32 indexed service, address indexed payout, uint256 paid, uint256 fee);
    /// @notice Fees were forwarded.
    /// @param burned BLOC in wei.
    /// @param contributed To the auditors' budgets, BLOC in wei.
    event FeesForwarded(uint256 burned, uint256 contributed);

    /// @notice Epochs are so long that an announced closing would end before graded vouchers are due.
    /// @param epochSeconds Length of an epoch.
    /// @param longest The longest one that is allowed, seconds.
    error CashierEpochTooLong(uint256 epochSeconds, uint256 longest);

    // redeem. The first parameter of each error is the tab; {redeemBatch} has them as reasons. See also
    // `CashierNotCollector`, `CashierTabUnknown`, `CashierTabDead` and `CashierTabOver`.

    /// @notice The cumulative amount is above the tab's limit.
    /// @param tab The tab's ID.
    /// @param cumulative The voucher's, BLOC in wei.
    /// @param limit The tab's, BLOC in wei.
    error CashierOverLimit(bytes32 tab, uint256 cumulative, uint256 limit);
    /// @notice The cumulative amount is not above the one that is redeemed.
    /// @param tab The tab's ID.
    /// @param cumulative The voucher's, BLOC in wei.
    /// @param redeemed The tab's, BLOC in wei.
    error CashierNotHigher(bytes32 tab, uint256 cumulative, uint256 redeemed);
    /// @notice The base must be below the cumulative amount.
    /// @param tab The tab's ID.
    /// @param base The voucher's, BLOC in wei.
    /// @param cumulative The voucher's, BLOC in wei.
    error CashierBase(bytes32 tab, uint256 base, uint256 cumulative);
    /// @notice The tab's signer did not sign this voucher for this contract on this chain.
    /// @param tab The tab's ID.
    /// @param recovered The key that the signature recovers; 0 for a malformed one.
    /// @param signer The tab's signer.
    error CashierVoucherSigner(bytes32 tab, address recovered, address signer);
    /// @notice There is no such grade.
    /// @param tab The tab's ID.
    /// @param minGrade The voucher's.
    /// @param highest The highest grade.
    error CashierGradeUnknown(bytes32 tab, uint256 minGrade, uint256 highest);
    /// @notice The verdicts are not final yet.
    /// @param tab The tab's ID.
    /// @param due First epoch in which the voucher can be redeemed.
    /// @param current The current epoch.
    error CashierNotDue(bytes32 tab, uint256 due, uint256 current);
    /// @notice The ring has overwritten the verdicts.
    /// @param tab The tab's ID.
    /// @param last Last epoch in which the voucher could be redeemed.
    /// @param current The current epoch.
    error CashierVerdictGone(bytes32 tab, uint256 last, uint256 current);
    /// @notice The service was not active in the voucher's epoch.
    /// @param tab The tab's ID.
    /// @param service The service ID.
    /// @param epoch The voucher's epoch.
    error CashierServiceInactive(bytes32 tab, bytes32 service, uint256 epoch);
    /// @notice No epoch around the voucher's has a verdict with quorum.
    /// @param tab The tab's ID.
    /// @param service The service ID.
    /// @param epoch The voucher's epoch.
    error CashierNoVerdict(bytes32 tab, bytes32 service, uint256 epoch);
    /// @notice The verdict is below the voucher's grade.
    /// @param tab The tab's ID.
    /// @param grade The verdict.
    /// @param minGrade The voucher's.
    error CashierGradeMissed(bytes32 tab, uint256 grade, uint256 minGrade);
    /// @notice A view of registry or settlement failed.
    /// @param tab The tab's ID.
    /// @param service The service ID.
    /// @param epoch The voucher's epoch.
    error CashierViewFailed(bytes32 tab, bytes32 service, uint256 epoch);
    /// @notice The batch is empty or too long.
    /// @param length Its items.
    /// @param longest The most.
    error CashierBatchLength(uint256 length, uint256 longest);

    // collect

    /// @notice The service has earned nothing since its last collection.
    /// @param service The service ID.
    error CashierNothingEarned(bytes32 service);
    /// @notice There are no fees to forward.
    error CashierNoFees();

    /// @notice Redeems a voucher; only by the tab's collector, because a voucher of the payer to itself must not
    /// precede the collector's.
    /// @param item The voucher. Of one tab, the newest voucher of each epoch, in order.
    /// @return amount What the service earned, `cumulative - max(base, redeemed)`, BLOC in wei.
    function redeem(Redemption calldata item) external returns (uint256 amount);

    /// @notice Opens a tab and redeems its first voucher.
    /// @param authorization See {openTab}.
    /// @param signature See {openTab}.
    /// @param item The voucher, with the salt of the tab's ID.
    /// @return amount What the service earned, BLOC in wei.
    function openAndRedeem(
        TabAuthorization calldata authorization,
        bytes calldata signature,
        Redemption calldata item
    ) external returns (uint256 amount);

    /// @notice Redeems several vouchers of tabs of the caller. An item that {redeem} refuses is skipped with an event.
    /// @param items At most `LONGEST_BATCH`; cheapest in the order of services and epochs.
    /// @return amount What all services earned, BLOC in wei.
    function redeemBatch(Redemption[] calldata items) external returns (uint256 amount);

    /// @notice Pays what a service has earned to its payout address of this moment, without the fee; by anyone. The
    /// fee is `FEE_PERCENT`, rounded up.
    /// @param service The service ID.
    /// @return paid BLOC in wei.
    function collect(bytes32 service) external returns (uint256 paid);

    /// @notice Forwards the fees of all collections; by anyone. Half, rounded up, is burned; the rest goes to
    /// `RewardPool.contribute`.
    /// @return burned BLOC in wei.
    /// @return contributed BLOC in wei.
    function forwardFees() external returns (uint256 burned, uint256 contributed);

    /// @notice Whether {redeem} accepts a voucher now, and why not.
    /// @param item The voucher.
    /// @param collector The account that would redeem.
    /// @return amount What the service would earn, BLOC in wei; 0 if it is refused.
    /// @return reason The encoded error; empty if it is accepted.
    function redeemable(
        Redemption calldata item,
        address collector
    ) external view returns (uint256 amount, bytes memory reason);

    /// @notice What a service has earned and not collected; a buyer of the service gets it.
    /// @param service The service ID.
    /// @return BLOC in wei, before the fee.
    function earnedOf(bytes32 service) external view returns (uint256);

    /// @notice What a service has collected.
    /// @param service The service ID.
    /// @return BLOC in wei, before the fee.
    function collectedOf(bytes32 service) external view returns (uint256);

    /// @notice How {collect} would divide what a service has earned.
    /// @param service The service ID.
    /// @return paid To the payout address, BLOC in wei.
    /// @return fee BLOC in wei.
    function collectableOf(bytes32 service) external view returns (uint256 paid, uint256 fee);

    /// @notice Fees that {forwardFees} has not forwarded.
    /// @return BLOC in wei.
    function fees() external view returns (uint256);

    /// @notice The grade that counts for a voucher: of the verdicts with quorum in the epoch and its two neighbours the
    /// median, of two the higher.
    /// @param service The service ID.
    /// @param epoch The voucher's epoch.
    /// @return grade 0 to 3.
    /// @return known False before the verdicts are final and after the ring has overwritten one of them; false if the
    /// service was not active in the epoch, or no verdict has a quorum.
    function gradeOf(
        bytes32 service,
        uint32 epoch
    ) external view returns (uint256 grade, bool known);

    /// @notice The digest that is signed for a voucher.
    /// @param voucher The voucher.
    /// @return The EIP-712 digest.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);

    /// @notice The contract that gives the verdicts.
    /// @return Its address.
    function settlement() external view returns (address);

    /// @notice The reward pool.
    /// @return Its address.
    function rewardPool() external view returns (address);
}
