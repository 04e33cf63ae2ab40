// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UnbondingLib} from "../../contracts/libraries/UnbondingLib.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {Slot} from "../../contracts/libraries/Slot.sol";
import {IServiceRegistry} from "../../contracts/registry/IServiceRegistry.sol";
import {vm} from "../support/Cheatcodes.sol";
import {
    CHALLENGE_BOND,
    MAXIMUM_STAKE,
    SERVICE_FEE,
    System,
    SystemLib,
    TREASURY,
    UNBONDING_SECONDS
} from "../support/System.sol";
import {Store} from "./Store.sol";

/// @title InvariantAssertions
/// @notice The invariants after any sequence of actions; `README.md` describes them.
library InvariantAssertions {
    using SystemLib for System;

    uint256 private constant REMEMBERED = 5;
    uint256 private constant SUPPLY = 10_000_000_000e18;

    function blocIsConserved(Store store) internal view {
        System memory s = store.system();
        uint256 sum =
            s.token.balanceOf(TREASURY) +
                s.token.balanceOf(address(s.pool)) +
                s.token.balanceOf(address(s.staking)) +
                s.token.balanceOf(address(s.book)) +
                s.token.balanceOf(store.CHALLENGER()) +
                s.token.balanceOf(store.KEEPER());
        for (uint256 i = 0; i < store.providerCount(); ++i) {
            sum += s.token.balanceOf(store.providers(i));
        }
        for (uint256 i = 0; i < store.auditorCount(); ++i) {
            sum += s.token.balanceOf(address(store.auditors(i)));
        }
        vm.assertEq(sum, s.token.totalSupply(), "balances add up to the supply");
        uint256 fees = SERVICE_FEE * s.registry.serviceCount();
        vm.assertEq(sum, SUPPLY - fees - store.burned(), "only fees and slashes are burned");
        vm.assertEq(s.token.balanceOf(store.ADVERSARY()), 0, "the adversary has nothing");
        vm.assertEq(s.token.balanceOf(address(s.pos)), 0, "ProofOfService holds nothing");
        vm.assertEq(s.token.balanceOf(address(s.registry)), 0, "ServiceRegistry holds nothing");
    }

    function stakingHoldsWhatIsAtStakeAndUnbonding(Store store) internal view {
        System memory s = store.system();
        uint32 next = s.registry.currentEpoch() + 2;
        uint256 sum;
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            sum += s.serviceStakeAt(number, next);
            for (uint256 i = 0; i < store.providerCount(); ++i) {
                sum += _open(s.staking.serviceUnbonding(number, store.providers(i)));
            }
        }
        for (uint256 i = 0; i < store.auditorCount(); ++i) {
            (uint96 stake, ) = s.staking.auditorStake(address(store.auditors(i)));
            sum += stake + _open(s.staking.auditorUnbonding(address(store.auditors(i))));
        }
        vm.assertEq(sum, s.token.balanceOf(address(s.staking)), "stake and unbonding");
    }

    function totalsAreSumsOfTheirParts(Store store) internal view {
        System memory s = store.system();
        uint32 current = s.registry.currentEpoch();
        for (uint32 epoch = current; epoch <= current + 2; ++epoch) {
            _activeTotal(s, epoch);
            uint256 sum;
            uint256 total;
            for (uint256 i = 0; i < store.auditorCount(); ++i) {
                uint96 mine;
                (mine, total) = s.auditorStakeAt(address(store.auditors(i)), epoch);
                sum += mine;
            }
            vm.assertEq(sum, total, "enrolled stake");
        }
    }

    function thePoolCoversWhatIsReserved(Store store) internal view {
        System memory s = store.system();
        uint256 sum;
        for (uint256 i = 0; i < store.tickedCount(); ++i) {
            (, uint256 providers, , uint256 auditors) = s.budgetOf(store.ticked(i));
            sum += providers + auditors;
        }
        for (uint256 i = 0; i < store.auditorCount(); ++i) {
            sum += s.pos.earnedOf(address(store.auditors(i)));
        }
        vm.assertEq(sum, s.setAside(), "reserved is what epochs have left and auditors earned");
        vm.assertGe(
            s.token.balanceOf(address(s.pool)),
            s.setAside() + s.pool.contributions(),
            "covered, what was contributed as well"
        );
    }

    function anEpochPaysNoMoreThanItsBudget(Store store) internal view {
        System memory s = store.system();
        uint256 count = store.tickedCount();
        for (uint256 i = count > 20 ? count - 20 : 0; i < count; ++i) {
            uint32 epoch = store.ticked(i);
            (uint256 providers, uint256 a, uint256 auditors, uint256 b) = s.budgetOf(epoch);
            if (providers == 0) continue;
            vm.assertEq(store.settledOf(epoch) + a, providers, "providers' budget");
            vm.assertEq(store.claimedOf(epoch) + b, auditors, "auditors' budget");
        }
    }

    function nothingIsClaimedWithoutAReveal(Store store) internal view {
        for (uint256 i = 0; i < store.tickedCount(); ++i) {
            uint32 epoch = store.ticked(i);
            if (store.claimedOf(epoch) != 0)
                vm.assertGt(store.revealsOf(epoch), 0, "paid without a reveal");
        }
    }

    function whatCountsInAnEpochNeverChanges(Store store) internal view {
        uint256 count = store.begunCount();
        uint32 current = store.system().registry.currentEpoch();
        for (uint256 i = count > REMEMBERED ? count - REMEMBERED : 0; i < count; ++i) {
            uint32 epoch = store.begun(i);
            uint64 services = store.servicesAt(epoch);
            vm.assertEq(store.past(epoch, services), store.pastAt(epoch), "the past changed");
            if (epoch == current)
                vm.assertEq(
                    store.present(epoch, services),
                    store.presentAt(epoch),
                    "the present changed"
                );
        }
    }

    /// @dev The book holds only the bonds of open challenges, at most one per service.
    function theBookHoldsTheOpenBonds(Store store) internal view {
        System memory s = store.system();
        uint256 open;
        for (uint256 id = 1; id <= s.book.challengeCount(); ++id) {
            IChallengeBook.Challenge memory entry = s.book.challengeOf(id);
            bool listed = s.book.openChallenge(entry.number) == id;
            vm.assertEq(entry.state == IChallengeBook.State.Open, listed, "open and listed");
            if (listed) ++open;
        }
        vm.assertEq(s.token.balanceOf(address(s.book)), open * CHALLENGE_BOND, "bonds");
    }

    /// @dev While a challenge can be resolved in time, its penalty is covered.
    function whatMayBeSlashedIsThere(Store store) internal view {
        System memory s = store.system();
        uint256 time = vm.getBlockTimestamp();
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            uint256 id = s.book.openChallenge(number);
            if (id == 0) continue;
            IChallengeBook.Challenge memory entry = s.book.challengeOf(id);
            // Stake that left in the previous epoch still counted in the epoch of the opening.
            if (time > s.registry.epochStart(entry.openedIn - 1) + UNBONDING_SECONDS) continue;
            uint256 held = _open(s.staking.serviceUnbonding(number, entry.staker));
            uint32 next = s.registry.currentEpoch() + 2;
            if (s.staking.stakerOf(number) == entry.staker) held += s.serviceStakeAt(number, next);
            vm.assertGe(held, entry.penalty, "slashable");
        }
    }

    /// @dev A service without a staker has no stake; otherwise its staker is its owner.
    function stakersOwnTheirServices(Store store) internal view {
        System memory s = store.system();
        uint32 next = s.registry.currentEpoch() + 2;
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            address staker = s.staking.stakerOf(number);
            if (staker == address(0))
                vm.assertEq(s.serviceStakeAt(number, next), 0, "no stake without a staker");
            else vm.assertEq(staker, s.registry.ownerOf(number), "staker and owner");
        }
    }

    /// @dev A slot has one service or is free; together they are all slots that were ever taken.
    function slotsHaveOneHolder(Store store) internal view {
        System memory s = store.system();
        uint256 slots = s.registry.slotCount();
        bool[] memory isHeld = new bool[](slots + 1);
        uint256 held;
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            uint40 slot = Slot.unwrap(s.registry.slotOf(number));
            if (slot == 0) continue;
            vm.assertFalse(isHeld[slot], "two holders");
            isHeld[slot] = true;
            ++held;
        }
        vm.assertEq(held + s.registry.freeSlots(), slots, "held or free");
    }

    function nothingForbiddenHappened(Store store) internal view {
        for (uint256 i = 0; i < store.violationCount(); ++i) {
            vm.assertTrue(false, store.violations(i));
        }
    }

    function _activeTotal(System memory s, uint32 epoch) private view {
        uint256 sum;
        uint256 services;
        for (uint64 number = 1; number <= s.registry.serviceCount(); ++number) {
            bool active = s.registry.statusAt(number, epoch) == IServiceRegistry.Status.Active;
            uint40 slot = Slot.unwrap(s.registry.slotOf(number));
            if (slot == 0) vm.assertFalse(active, "active without a slot");
            else {
                uint256 lanes = s.registry.activeLanes((slot - 1) / 15, epoch);
                vm.assertEq((lanes >> ((slot - 1) % 15)) & 1 == 1, active, "lane and status");
            }
            if (!active) continue;
            (uint96 stake, uint96 counted) = s.staking.serviceStakeAt(number, epoch);
            vm.assertGe(stake, 1_000e18, "active with the minimum");
            vm.assertEq(counted, stake < MAXIMUM_STAKE ? stake : MAXIMUM_STAKE, "what counts");
            sum += counted;
            ++services;
        }
        (uint96 total, uint64 count) = s.activeAt(epoch);
        vm.assertEq(sum, total, "active stake");
        vm.assertEq(services, count, "active services");
    }

    function _open(UnbondingLib.Entry[] memory entries) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < entries.length; ++i) {
            sum += entries[i].amount;
        }
    }
}
