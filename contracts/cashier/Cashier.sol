// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {FeeLib} from "../libraries/FeeLib.sol";
import {ServiceId, ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {TabAuthorization, Voucher, VoucherLib} from "../libraries/VoucherLib.sol";
import {ISettlement} from "../proof-of-service/ISettlement.sol";
import {SkippingBatch} from "../proof-of-service/SkippingBatch.sol";
import {EpochClock} from "../registry/EpochClock.sol";
import {IServiceRegistry} from "../registry/IServiceRegistry.sol";
import {IStaking} from "../staking/IStaking.sol";
import {IRewardPool} from "../token/IRewardPool.sol";
import {CashierAccounts} from "./CashierAccounts.sol";
import {CashierGrades} from "./CashierGrades.sol";
import {CashierTabs} from "./CashierTabs.sol";
import {ICashier} from "./ICashier.sol";

/// @title Cashier
/// @notice See {ICashier}. No account holds a privilege over another's BLOC: a tab's collector redeems what the tab's
/// signer signed, for the service that the tab names; the service's payout address is paid by a call of anyone.
/// @dev A Cashier belongs to one registry. It changes no state of the other contracts, except that it contributes to
/// the reward pool.
contract Cashier is CashierGrades, SkippingBatch {
    using SafeERC20 for IERC20;
    using ServiceIdLib for ServiceId;
    using VoucherLib for Voucher;

    /// @notice The most items of {redeemBatch}.
    uint256 public constant LONGEST_BATCH = 100;
    /// @notice The fee, percent of what a service earned: half is burned, half goes to the auditors' budgets.
    uint256 public constant FEE_PERCENT = FeeLib.FEE_PERCENT;

    struct Earnings {
        // one slot, which stays above 0 after the first collection
        uint96 earned;
        uint160 collected;
    }

    /// @dev The outcome of an item: the error that refuses it, or its effect.
    struct Outcome {
        // selector and last two parameters; the first one is the tab
        bytes4 refusal;
        uint256 a;
        uint256 b;
        uint96 amount;
        uint96 passed;
    }

    /// @inheritdoc ICashier
    address public immutable rewardPool;

    mapping(bytes32 service => Earnings) private _earnings;

    /// @notice Sets the values that never change, and lets the pool take contributions of this contract.
    /// @param settlement_ Gives the verdicts; names the other contracts; its clock is copied.
    constructor(
        address settlement_
    )
        EpochClock(ISettlement(settlement_).genesis(), ISettlement(settlement_).epochSeconds())
        CashierAccounts(IStaking(ISettlement(settlement_).staking()).token())
        CashierTabs(ISettlement(settlement_).registry())
        CashierGrades(settlement_)
    {
        rewardPool = ISettlement(settlement_).rewardPool();
        // The pool takes BLOC only from the caller of `contribute`: from this contract only in {collect}.
        IERC20(token).forceApprove(rewardPool, type(uint256).max);
    }

    /// @inheritdoc ICashier
    function redeem(Redemption calldata item) external returns (uint256 amount) {
        return _redeemOne(item);
    }

    /// @inheritdoc ICashier
    function openAndRedeem(
        TabAuthorization calldata authorization,
        bytes calldata signature,
        Redemption calldata item
    ) external returns (uint256 amount) {
        openTab(authorization, item.salt, signature);
        return _redeemOne(item);
    }

    /// @inheritdoc ICashier
    function redeemBatch(Redemption[] calldata items) external returns (uint256 amount) {
        require(
            items.length != 0 && items.length <= LONGEST_BATCH,
            CashierBatchLength(items.length, LONGEST_BATCH)
        );
        Grade memory grade;
        bytes32 service;
        uint256 earned;
        for (uint256 i = 0; i < items.length; ++i) {
            Redemption calldata item = items[i];
            Outcome memory outcome = _redeem(item, grade);
            bytes32 tabId = item.voucher.tab;
            if (outcome.refusal != 0) {
                emit RedemptionSkipped(i, tabId, _reason(tabId, outcome));
                continue;
            }
            // Neighbours of one service are credited together.
            if (item.voucher.service != service) {
                _earn(service, earned);
                (service, earned) = (item.voucher.service, 0);
            }
            earned += outcome.amount;
            amount += outcome.amount;
        }
        _earn(service, earned);
    }

    /// @inheritdoc ICashier
    function collect(bytes32 service) external returns (uint256 paid) {
        Earnings storage earnings = _earnings[service];
        uint96 earned = earnings.earned;
        require(earned != 0, CashierNothingEarned(service));
        uint256 burned;
        uint256 contributed;
        (paid, burned, contributed) = FeeLib.divide(earned);
        // A view of a contract of this deployment. Services never vanish, so it does not revert.
        address payout = IServiceRegistry(registry).payoutOf(ServiceId.wrap(service).prefix());

        earnings.earned = 0;
        earnings.collected += earned;
        emit Collected(service, payout, paid, burned, contributed);

        // BLOC has no hooks, and the pool makes no call back.
        IERC20(token).safeTransfer(payout, paid);
        ERC20Burnable(token).burn(burned);
        if (contributed != 0) IRewardPool(rewardPool).contribute(contributed);
    }

    /// @inheritdoc ICashier
    function redeemable(
        Redemption calldata item,
        address collector
    ) external view returns (uint256 amount, bytes memory reason) {
        Grade memory grade;
        Voucher calldata voucher = item.voucher;
        Tab storage tab = _tabs[VoucherLib.keyOf(voucher.payer, voucher.service, voucher.tab)];
        Outcome memory outcome = _judge(item, tab, collector, grade);
        if (outcome.refusal != 0) return (0, _reason(voucher.tab, outcome));
        return (outcome.amount, "");
    }

    /// @inheritdoc ICashier
    function earnedOf(bytes32 service) external view returns (uint256) {
        return _earnings[service].earned;
    }

    /// @inheritdoc ICashier
    function collectedOf(bytes32 service) external view returns (uint256) {
        return _earnings[service].collected;
    }

    /// @inheritdoc ICashier
    function collectableOf(
        bytes32 service
    ) external view returns (uint256 paid, uint256 burned, uint256 contributed) {
        return FeeLib.divide(_earnings[service].earned);
    }

    /// @inheritdoc ICashier
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }

    function _redeemOne(Redemption calldata item) private returns (uint256) {
        Grade memory grade;
        Outcome memory outcome = _redeem(item, grade);
        if (outcome.refusal != 0) {
            bytes memory reason = _reason(item.voucher.tab, outcome);
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
        _earn(item.voucher.service, outcome.amount);
        return outcome.amount;
    }

    /// @dev Redeems an item if nothing refuses it; the caller credits the service.
    function _redeem(
        Redemption calldata item,
        Grade memory grade
    ) private returns (Outcome memory outcome) {
        Voucher calldata voucher = item.voucher;
        (address payer, bytes32 service, bytes32 tabId) = (
            voucher.payer,
            voucher.service,
            voucher.tab
        );
        Tab storage tab = _tabs[VoucherLib.keyOf(payer, service, tabId)];
        outcome = _judge(item, tab, msg.sender, grade);
        if (outcome.refusal != 0) return outcome;

        uint96 cumulative = voucher.cumulative;
        tab.redeemed = cumulative;
        if (outcome.passed != 0) tab.passed += outcome.passed;
        emit Redeemed(payer, service, tabId, cumulative, outcome.amount);
    }

    /// @dev The sums stay below the supply of BLOC.
    function _earn(bytes32 service, uint256 amount) private {
        if (amount != 0) _earnings[service].earned += uint96(amount);
    }

    /// @dev Why an item is refused, or what it earns: its cumulative amount less its base, or less what is redeemed if
    /// that is more. What lies between the two belongs to epochs that were not redeemed; it is passed over.
    function _judge(
        Redemption calldata item,
        Tab storage tab,
        address collector,
        Grade memory grade
    ) private view returns (Outcome memory outcome) {
        Voucher calldata voucher = item.voucher;
        bytes32 tabId = voucher.tab;
        if (tabId != VoucherLib.tabOf(collector, item.salt)) {
            return _refuse(CashierNotCollector.selector, uint160(collector), uint256(item.salt));
        }
        if (tab.state == TabState.None || tab.state == TabState.Closed) {
            return
                _refuse(
                    tab.state == TabState.None
                        ? CashierTabUnknown.selector
                        : CashierTabDead.selector,
                    uint160(voucher.payer),
                    uint256(voucher.service)
                );
        }
        uint256 until = _redeemableUntil(tab);
        if (block.timestamp > until) {
            return _refuse(CashierTabOver.selector, until, block.timestamp);
        }
        (uint96 cumulative, uint96 base, uint96 paidUpTo) = (
            voucher.cumulative,
            voucher.base,
            tab.redeemed
        );
        if (cumulative > tab.limit) {
            return _refuse(CashierOverLimit.selector, cumulative, tab.limit);
        }
        if (cumulative <= paidUpTo) {
            return _refuse(CashierNotHigher.selector, cumulative, paidUpTo);
        }
        if (base >= cumulative) return _refuse(CashierBase.selector, base, cumulative);
        // By recovery alone: code at the signer (EIP-7702) is never asked.
        (address recovered, , ) = ECDSA.tryRecover(
            _hashTypedDataV4(voucher.hash()),
            item.v,
            item.r,
            item.s
        );
        if (recovered != tab.signer) {
            return _refuse(CashierVoucherSigner.selector, uint160(recovered), uint160(tab.signer));
        }
        if (voucher.minGrade != 0) {
            (outcome.refusal, outcome.a, outcome.b) = _refusalByGrade(
                voucher.service,
                voucher.epoch,
                voucher.minGrade,
                grade
            );
        }
        (outcome.amount, outcome.passed) =
            base > paidUpTo ? (cumulative - base, base - paidUpTo) : (cumulative - paidUpTo, 0);
    }

    function _refuse(
        bytes4 refusal,
        uint256 a,
        uint256 b
    ) private pure returns (Outcome memory outcome) {
        (outcome.refusal, outcome.a, outcome.b) = (refusal, a, b);
    }

    /// @dev The encoded error. All errors of an item have three parameters of one word, the tab first.
    function _reason(bytes32 tabId, Outcome memory outcome) private pure returns (bytes memory) {
        return abi.encodeWithSelector(outcome.refusal, tabId, outcome.a, outcome.b);
    }
}
