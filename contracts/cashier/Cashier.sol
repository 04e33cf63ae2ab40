// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {FeeLib} from "../libraries/FeeLib.sol";
import {ServiceId, ServiceIdLib} from "../libraries/ServiceIdLib.sol";
import {TabState, TabWord} from "../libraries/TabWord.sol";
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

    /// @dev Memory of a redemption, which the items of a batch share: memory costs more the more a call uses.
    struct Work {
        bytes32 domain;
        Grade grade;
        // the error that refuses the item: selector and last two parameters; the first one is the tab
        bytes4 refusal;
        uint256 a;
        uint256 b;
    }

    /// @inheritdoc ICashier
    address public immutable rewardPool;

    mapping(bytes32 service => Earnings) private _earnings;
    /// @inheritdoc ICashier
    uint256 public fees;

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
        // The pool takes BLOC only from the caller of `contribute`: from this contract only in {forwardFees}.
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
        Work memory work;
        work.domain = _domainSeparatorV4();
        bytes32 service;
        uint256 earned;
        for (uint256 i = 0; i < items.length; ++i) {
            Redemption calldata item = items[i];
            uint256 pay = _redeem(item, work);
            if (pay == 0) {
                emit RedemptionSkipped(i, item.voucher.tab, _reason(item.voucher.tab, work));
                continue;
            }
            // Neighbours of one service are credited together.
            if (item.voucher.service != service) {
                _earn(service, earned);
                (service, earned) = (item.voucher.service, 0);
            }
            earned += pay;
            amount += pay;
        }
        _earn(service, earned);
    }

    /// @inheritdoc ICashier
    function collect(bytes32 service) external returns (uint256 paid) {
        Earnings storage earnings = _earnings[service];
        uint96 earned = earnings.earned;
        require(earned != 0, CashierNothingEarned(service));
        uint256 fee = FeeLib.feeOf(earned);
        paid = earned - fee;
        // A view of a contract of this deployment. Services never vanish, so it does not revert.
        address payout = IServiceRegistry(registry).payoutOf(ServiceId.wrap(service).prefix());

        _earnings[service] = Earnings(0, earnings.collected + earned);
        fees += fee;
        emit Collected(service, payout, paid, fee);

        // BLOC has no hooks: no foreign code runs here.
        if (paid != 0) IERC20(token).safeTransfer(payout, paid);
    }

    /// @inheritdoc ICashier
    function forwardFees() external returns (uint256 burned, uint256 contributed) {
        uint256 all = fees;
        require(all != 0, CashierNoFees());
        burned = FeeLib.burnedOf(all);
        contributed = all - burned;

        fees = 0;
        emit FeesForwarded(burned, contributed);

        // BLOC has no hooks, and the pool makes no call back. The pool refuses 0.
        ERC20Burnable(token).burn(burned);
        if (contributed != 0) IRewardPool(rewardPool).contribute(contributed);
    }

    /// @inheritdoc ICashier
    function redeemable(
        Redemption calldata item,
        address collector
    ) external view returns (uint256 amount, bytes memory reason) {
        Work memory work;
        work.domain = _domainSeparatorV4();
        (amount, , ) = _judge(item, _tabs[item.voucher.keyOfTab()], collector, work);
        if (amount == 0) reason = _reason(item.voucher.tab, work);
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
    function collectableOf(bytes32 service) external view returns (uint256 paid, uint256 fee) {
        uint256 earned = _earnings[service].earned;
        fee = FeeLib.feeOf(earned);
        paid = earned - fee;
    }

    /// @inheritdoc ICashier
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }

    function _lacksGas(bytes memory reason) internal pure override returns (bool) {
        return bytes4(reason) == CashierGas.selector;
    }

    function _redeemOne(Redemption calldata item) private returns (uint256 amount) {
        Work memory work;
        work.domain = _domainSeparatorV4();
        amount = _redeem(item, work);
        if (amount == 0) {
            bytes memory reason = _reason(item.voucher.tab, work);
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
        _earn(item.voucher.service, amount);
    }

    /// @dev Redeems an item if nothing refuses it; the caller credits the service. Returns 0 for a refused item, whose
    /// error is in `work`.
    function _redeem(Redemption calldata item, Work memory work) private returns (uint256 amount) {
        Voucher calldata voucher = item.voucher;
        Tab storage tab = _tabs[voucher.keyOfTab()];
        uint256 passed;
        TabWord word;
        (amount, passed, word) = _judge(item, tab, msg.sender, work);
        if (amount == 0) return 0;

        uint96 cumulative = voucher.cumulative;
        tab.word = word.withRedeemed(cumulative);
        if (passed != 0) tab.passed += uint96(passed);
        emit Redeemed(voucher.payer, voucher.service, voucher.tab, cumulative, amount);
    }

    /// @dev The sums stay below the supply of BLOC.
    function _earn(bytes32 service, uint256 amount) private {
        if (amount != 0) _earnings[service].earned += uint96(amount);
    }

    /// @dev What an item earns: its cumulative amount less its base, or less what is redeemed if that is more. What
    /// lies between the two belongs to epochs that were not redeemed; it is passed over. `amount` is 0 for a refused
    /// item, whose error is in `work`.
    function _judge(
        Redemption calldata item,
        Tab storage tab,
        address collector,
        Work memory work
    ) private view returns (uint256 amount, uint256 passed, TabWord word) {
        Voucher calldata voucher = item.voucher;
        if (voucher.tab != VoucherLib.tabOf(collector, item.salt)) {
            _refuse(work, CashierNotCollector.selector, uint160(collector), uint256(item.salt));
            return (0, 0, word);
        }
        word = tab.word;
        uint256 redeemed = word.redeemed();
        if (
            _refusedByTab(voucher, word, redeemed, work) ||
            _refusedBySigner(item, tab.signer, work) ||
            _refusedByGrade(voucher, work)
        ) return (0, 0, word);

        uint256 base = voucher.base;
        if (base > redeemed) return (voucher.cumulative - base, base - redeemed, word);
        return (voucher.cumulative - redeemed, 0, word);
    }

    function _refusedByTab(
        Voucher calldata voucher,
        TabWord word,
        uint256 redeemed,
        Work memory work
    ) private view returns (bool) {
        if (!word.isLive()) {
            bytes4 refusal =
                word.state() == TabState.None
                    ? CashierTabUnknown.selector
                    : CashierTabDead.selector;
            return _refuse(work, refusal, uint160(voucher.payer), uint256(voucher.service));
        }
        uint256 until = word.redeemableUntil();
        if (block.timestamp > until) {
            return _refuse(work, CashierTabOver.selector, until, block.timestamp);
        }
        uint256 cumulative = voucher.cumulative;
        if (cumulative > word.limit()) {
            return _refuse(work, CashierOverLimit.selector, cumulative, word.limit());
        }
        if (cumulative <= redeemed) {
            return _refuse(work, CashierNotHigher.selector, cumulative, redeemed);
        }
        if (voucher.base >= cumulative) {
            return _refuse(work, CashierBase.selector, voucher.base, cumulative);
        }
        return false;
    }

    /// @dev By recovery alone: code at the signer (EIP-7702) is never asked.
    function _refusedBySigner(
        Redemption calldata item,
        address signer,
        Work memory work
    ) private pure returns (bool) {
        bytes32 digest = MessageHashUtils.toTypedDataHash(work.domain, item.voucher.hash());
        (address recovered, , ) = ECDSA.tryRecover(digest, item.v, item.r, item.s);
        if (recovered == signer) return false;
        return _refuse(work, CashierVoucherSigner.selector, uint160(recovered), uint160(signer));
    }

    function _refusedByGrade(
        Voucher calldata voucher,
        Work memory work
    ) private view returns (bool) {
        if (voucher.minGrade == 0) return false;
        (bytes4 refusal, uint256 a, uint256 b) = _refusalByGrade(
            voucher.service,
            voucher.epoch,
            voucher.minGrade,
            work.grade
        );
        return refusal != 0 && _refuse(work, refusal, a, b);
    }

    function _refuse(
        Work memory work,
        bytes4 refusal,
        uint256 a,
        uint256 b
    ) private pure returns (bool) {
        (work.refusal, work.a, work.b) = (refusal, a, b);
        return true;
    }

    /// @dev The encoded error. All errors of an item have three parameters of one word, the tab first.
    function _reason(bytes32 tabId, Work memory work) private pure returns (bytes memory) {
        return abi.encodeWithSelector(work.refusal, tabId, work.a, work.b);
    }
}
