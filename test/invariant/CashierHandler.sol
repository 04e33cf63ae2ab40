// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {TabState} from "../../contracts/libraries/TabWord.sol";
import {TabAuthorization, Voucher} from "../../contracts/libraries/VoucherLib.sol";
import {CashierKit} from "../support/CashierKit.sol";
import {vm} from "../support/Cheatcodes.sol";
import {System, SystemLib} from "../support/System.sol";

/// @title CashierHandler
/// @notice Payers, collectors and strangers at the Cashier, beside a naive model of it: the model keeps every payment
/// and adds up. Where a rule decides, the handler works out by itself whether it applies, makes the call in any case,
/// and records a violation if the contract decides otherwise.
contract CashierHandler {
    using SystemLib for System;
    using CashierKit for bytes32;

    uint256 internal constant PAYERS = 3;
    uint256 internal constant SERVICES = 2;
    /// @dev Tabs of a payer for a service, of two collectors.
    uint256 internal constant SALTS = 3;
    uint256 internal constant COLLECTORS = 2;

    /// @dev A tab of the model.
    struct Model {
        bool exists;
        bool closed;
        uint96 limit;
        uint96 redeemed;
        uint96 paid;
        uint256 endsAt;
        uint256 until;
    }

    System internal s;
    bytes32 internal domain;
    bytes32[] internal keys;
    mapping(bytes32 key => Model) internal tabs;
    mapping(uint256 payer => uint256) internal deposited;
    mapping(uint256 payer => uint256) internal withdrawn;
    mapping(uint256 service => uint256) internal earned;
    mapping(uint256 service => uint256) internal collected;
    uint256 internal fees;
    uint256 internal forwarded;
    uint256 internal burned;
    mapping(bytes32 action => uint256) public happened;
    string public violation;

    constructor(System memory system) {
        s = system;
        domain = CashierKit.separator(address(s.cashier), block.chainid);
        for (uint256 i = 0; i < SERVICES; ++i) {
            s.register(_owner(i), 1_000e18);
        }
        for (uint256 i = 0; i < PAYERS; ++i) {
            s.fund(_payer(i), 1_000_000e18);
            vm.prank(_payer(i));
            s.token.approve(address(s.cashier), type(uint256).max);
        }
    }

    function deposit(uint256 who, uint96 amount) external {
        who %= PAYERS;
        amount = uint96(1 + (uint256(amount) % 100e18));
        if (s.token.balanceOf(_payer(who)) < amount) return;
        vm.prank(_payer(who));
        s.cashier.deposit(amount);
        deposited[who] += amount;
        ++happened["deposit"];
    }

    function withdraw(uint256 who, uint96 amount) external {
        who %= PAYERS;
        amount = uint96(uint256(amount) % 100e18);
        bool allowed = amount <= _free(who);
        vm.prank(_payer(who));
        try s.cashier.withdraw(amount) {
            _check(allowed, "a withdrawal of what a tab reserves");
            withdrawn[who] += amount;
            ++happened["withdraw"];
        } catch {
            _check(!allowed, "no withdrawal of what is free");
        }
    }

    function open(uint256 luck, uint96 limit, uint256 time) external {
        (uint256 who, uint256 service, uint256 collector, uint256 salt) = _draw(luck);
        bytes32 key = _key(who, service, collector, salt);
        Model storage tab = tabs[key];
        uint256 now_ = vm.getBlockTimestamp();
        uint256 endsAt = now_ + 1 + (time % 3 days);
        limit = uint96(1 + (uint256(limit) % 40e18));
        bool allowed;
        if (!tab.exists) allowed = limit <= _free(who);
        else if (!tab.closed && now_ <= tab.until && tab.until == tab.endsAt + 2 days) {
            allowed =
                limit >= tab.limit &&
                endsAt >= tab.endsAt &&
                (limit > tab.limit || endsAt > tab.endsAt) &&
                limit - tab.limit <= _free(who);
        }
        TabAuthorization memory terms = TabAuthorization({
            payer: _payer(who),
            service: _service(service),
            tab: _tab(collector, salt),
            signer: vm.addr(_signerKey(who)),
            limit: limit,
            openBy: uint40(now_),
            expiresAt: uint40(endsAt)
        });
        bytes memory signature = CashierKit.sign(_payerKey(who), domain.digest(terms));
        vm.prank(_collector(collector));
        try s.cashier.openTab(terms, bytes32(salt), signature) {
            _check(allowed, "a tab against the rules");
            if (!tab.exists) keys.push(key);
            ++happened[tab.exists ? bytes32("raise") : bytes32("open")];
            (tab.exists, tab.limit) = (true, limit);
            (tab.endsAt, tab.until) = (endsAt, endsAt + 2 days);
        } catch {
            _check(!allowed, "no tab within the rules");
        }
    }

    /// @dev A voucher within an open tab is always payable.
    function redeem(uint256 luck, uint96 cumulative, uint96 base) external {
        (ICashier.Redemption memory item, uint256 pays, uint256 service, bytes32 key) = _item(
            luck,
            cumulative,
            base
        );
        vm.prank(_collector((luck >> 24) % COLLECTORS));
        try s.cashier.redeem(item) returns (uint256 amount) {
            _check(pays != 0 && amount == pays, "a redemption against the rules");
            _record(key, service, item.voucher.cumulative, amount);
            ++happened["redeem"];
        } catch {
            _check(pays == 0, "no redemption within the rules");
        }
    }

    /// @dev Two items, with the model in their order.
    function redeemBatch(uint256 luck, uint96 cumulative, uint96 base) external {
        ICashier.Redemption[] memory items = new ICashier.Redemption[](2);
        uint256 pays;
        uint256 all;
        uint256 service;
        bytes32 key;
        uint256 before = _earnedInAll();
        for (uint256 i = 0; i < 2; ++i) {
            // Both of one collector.
            uint256 mine = i == 0 ? luck : luck ^ (0xffff << 8);
            (items[i], pays, service, key) = _item(
                mine,
                uint96((uint256(cumulative) + i) % 44e18),
                base
            );
            all += pays;
            if (pays != 0) _record(key, service, items[i].voucher.cumulative, pays);
        }
        vm.prank(_collector((luck >> 24) % COLLECTORS));
        uint256 amount = s.cashier.redeemBatch(items);
        _check(amount == all, "a batch pays another sum than its items");
        _check(_earnedInAll() - before == all, "a batch credits another sum than it pays");
        ++happened["batch"];
    }

    function announce(uint256 luck) external {
        (uint256 who, uint256 service, uint256 collector, uint256 salt) = _draw(luck);
        Model storage tab = tabs[_key(who, service, collector, salt)];
        bool allowed = tab.exists && !tab.closed && tab.until == tab.endsAt + 2 days;
        vm.prank(_payer(who));
        try s.cashier.announceClosing(_service(service), _tab(collector, salt)) {
            _check(allowed, "an announcement against the rules");
            uint256 until = vm.getBlockTimestamp() + 1 days;
            if (until < tab.until) tab.until = until;
            tab.endsAt = tab.until;
            ++happened["announce"];
        } catch {
            _check(!allowed, "no announcement within the rules");
        }
    }

    function close(uint256 luck, bool byCollector) external {
        (uint256 who, uint256 service, uint256 collector, uint256 salt) = _draw(luck);
        Model storage tab = tabs[_key(who, service, collector, salt)];
        bool living = tab.exists && !tab.closed;
        if (byCollector) {
            vm.prank(_collector(collector));
            try s.cashier.closeAsCollector(_payer(who), _service(service), bytes32(salt)) {
                _check(living, "a dead tab closes");
                tab.closed = true;
                ++happened["collector closes"];
            } catch {
                _check(!living, "a collector cannot close its tab");
            }
            return;
        }
        bool allowed = living && vm.getBlockTimestamp() > tab.until;
        try s.cashier.closeTab(_payer(who), _service(service), _tab(collector, salt)) {
            _check(allowed, "a tab closes too early");
            tab.closed = true;
            ++happened["anyone closes"];
        } catch {
            _check(!allowed, "no end of a tab that is over");
        }
    }

    /// @dev Only the named service's payout address gets BLOC.
    function collect(uint256 service) external {
        service %= SERVICES;
        uint256 amount = earned[service] - collected[service];
        uint256 before = s.token.balanceOf(_owner(service));
        try s.cashier.collect(_service(service)) {
            uint256 fee = (amount * 2 + 99) / 100;
            _check(amount != 0, "a collection of nothing");
            _check(
                s.token.balanceOf(_owner(service)) - before == amount - fee,
                "a service gets another sum"
            );
            collected[service] += amount;
            fees += fee;
            ++happened["collect"];
        } catch {
            _check(amount == 0, "no collection of what is earned");
        }
    }

    function forward() external {
        uint256 amount = fees - forwarded;
        uint256 supply = s.token.totalSupply();
        try s.cashier.forwardFees() {
            _check(amount != 0, "fees out of nothing");
            forwarded += amount;
            burned += (amount + 1) / 2;
            _check(supply - s.token.totalSupply() == (amount + 1) / 2, "another half is burned");
            ++happened["forward"];
        } catch {
            _check(amount == 0, "fees are kept back");
        }
    }

    /// @dev Sometimes to the last second of a tab's redemption, or to the one after it.
    function wait(uint256 time) external {
        uint256 to = vm.getBlockTimestamp() + (time % 1 days);
        if (time % 4 == 0 && keys.length != 0) {
            uint256 edge = tabs[keys[(time >> 16) % keys.length]].until + ((time >> 8) & 1);
            if (edge > vm.getBlockTimestamp() && edge < to + 1 days) to = edge;
        }
        vm.warp(to);
        ++happened["wait"];
    }

    /// @notice Compares the contract with the model.
    function check() external view {
        vm.assertEq(bytes(violation).length, 0, violation);
        uint256 inTabs;
        for (uint256 i = 0; i < keys.length; ++i) {
            Model storage tab = tabs[keys[i]];
            if (!tab.closed) inTabs += tab.limit - tab.paid;
        }
        uint256 inAccounts;
        uint256 paidIn;
        uint256 takenOut;
        for (uint256 who = 0; who < PAYERS; ++who) {
            (, uint256 held, uint256 spare) = s.cashier.accountOf(_payer(who));
            vm.assertEq(spare, _free(who), "free");
            vm.assertEq(held, _reserved(who), "reserved");
            inAccounts += spare;
            paidIn += deposited[who];
            takenOut += withdrawn[who];
        }
        uint256 open_;
        uint256 paid;
        for (uint256 i = 0; i < SERVICES; ++i) {
            vm.assertEq(s.cashier.earnedOf(_service(i)), earned[i] - collected[i], "earned");
            vm.assertEq(s.cashier.collectedOf(_service(i)), collected[i], "collected");
            open_ += earned[i] - collected[i];
            paid += earned[i];
        }
        uint256 balance = s.token.balanceOf(address(s.cashier));
        vm.assertEq(s.cashier.fees(), fees - forwarded, "fees");
        vm.assertEq(balance, inAccounts + inTabs + open_ + fees - forwarded, "escrow");
        vm.assertEq(paid + inAccounts + inTabs + takenOut, paidIn, "paid and left is deposited");
        vm.assertEq(s.pool.contributions(), forwarded - burned, "contributed");
        _checkTabs();
    }

    function _checkTabs() private view {
        for (uint256 luck = 0; luck < PAYERS * SERVICES * COLLECTORS * SALTS; ++luck) {
            uint256 who = luck % PAYERS;
            uint256 service = (luck / PAYERS) % SERVICES;
            uint256 collector = (luck / PAYERS / SERVICES) % COLLECTORS;
            uint256 salt = luck / PAYERS / SERVICES / COLLECTORS;
            Model storage tab = tabs[_key(who, service, collector, salt)];
            ICashier.TabView memory found = s.cashier.tabOf(
                _payer(who),
                _service(service),
                _tab(collector, salt)
            );
            vm.assertEq(found.state != TabState.None, tab.exists, "exists");
            vm.assertEq(found.state == TabState.Closed, tab.closed, "closed");
            vm.assertEq(found.limit, tab.limit, "limit");
            vm.assertEq(found.redeemed, tab.redeemed, "cumulative never falls");
            if (tab.closed) continue;
            vm.assertEq(found.passed, tab.redeemed - tab.paid, "passed over");
            vm.assertEq(found.redeemableUntil, tab.until, "time");
        }
    }

    /// @dev A voucher, and what it is worth by the rules.
    function _item(
        uint256 luck,
        uint96 cumulative,
        uint96 base
    )
        private
        view
        returns (ICashier.Redemption memory item, uint256 pays, uint256 service, bytes32 key)
    {
        uint256 who;
        uint256 collector;
        uint256 salt;
        (who, service, collector, salt) = _draw(luck);
        key = _key(who, service, collector, salt);
        Model storage tab = tabs[key];
        cumulative = uint96(uint256(cumulative) % 44e18);
        // Often none, as without a grade.
        base = luck % 2 == 0 ? 0 : uint96(uint256(base) % 44e18);
        Voucher memory voucher = Voucher(
            _payer(who),
            _service(service),
            _tab(collector, salt),
            cumulative,
            base,
            0,
            0
        );
        // Some are signed by the payer's own key, which is not the tab's signer.
        bool wrongKey = (luck >> 96) % 16 == 0;
        item = domain.redemption(
            wrongKey ? _payerKey(who) : _signerKey(who),
            voucher,
            bytes32(salt)
        );
        bool payable_ =
            tab.exists &&
                !tab.closed &&
                vm.getBlockTimestamp() <= tab.until &&
                cumulative <= tab.limit &&
                cumulative > tab.redeemed &&
                base < cumulative &&
                !wrongKey;
        if (payable_) pays = cumulative - (base > tab.redeemed ? base : tab.redeemed);
    }

    function _record(bytes32 key, uint256 service, uint96 cumulative, uint256 amount) private {
        Model storage tab = tabs[key];
        if (cumulative <= tab.redeemed) violation = "a cumulative amount falls";
        tab.redeemed = cumulative;
        tab.paid += uint96(amount);
        earned[service] += amount;
    }

    /// @dev Deposits less withdrawals, less payments, less the rest of open tabs.
    function _free(uint256 who) private view returns (uint256 amount) {
        amount = deposited[who] - withdrawn[who];
        for (uint256 i = 0; i < SERVICES * COLLECTORS * SALTS; ++i) {
            Model storage tab = tabs[_nth(who, i)];
            amount -= tab.closed ? tab.paid : tab.limit;
        }
    }

    function _reserved(uint256 who) private view returns (uint256 amount) {
        for (uint256 i = 0; i < SERVICES * COLLECTORS * SALTS; ++i) {
            Model storage tab = tabs[_nth(who, i)];
            if (!tab.closed) amount += tab.limit;
        }
    }

    function _earnedInAll() private view returns (uint256 amount) {
        for (uint256 i = 0; i < SERVICES; ++i) {
            amount += s.cashier.earnedOf(_service(i));
        }
    }

    function _check(bool ok, string memory what) private {
        if (!ok) violation = what;
    }

    function _draw(
        uint256 luck
    ) private pure returns (uint256 who, uint256 service, uint256 collector, uint256 salt) {
        return (
            (luck >> 8) % PAYERS,
            (luck >> 16) % SERVICES,
            (luck >> 24) % COLLECTORS,
            (luck >> 32) % SALTS
        );
    }

    function _nth(uint256 who, uint256 i) private pure returns (bytes32) {
        uint256 collector = (i / SERVICES) % COLLECTORS;
        return _key(who, i % SERVICES, collector, i / SERVICES / COLLECTORS);
    }

    function _key(
        uint256 who,
        uint256 service,
        uint256 collector,
        uint256 salt
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(who, service, collector, salt));
    }

    function _tab(uint256 collector, uint256 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(_collector(collector), bytes32(salt)));
    }

    function _service(uint256 i) private pure returns (bytes32) {
        return bytes32((i + 1) << 192);
    }

    function _owner(uint256 i) private pure returns (address) {
        return address(uint160(0x9406000 + i));
    }

    function _collector(uint256 i) private pure returns (address) {
        return address(uint160(0xc011000 + i));
    }

    function _payerKey(uint256 i) private pure returns (uint256) {
        return 0xbeef000 + i;
    }

    function _payer(uint256 i) private pure returns (address) {
        return vm.addr(_payerKey(i));
    }

    function _signerKey(uint256 i) private pure returns (uint256) {
        return 0x51611000 + i;
    }
}
