// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IServiceClasses} from "../../contracts/registry/IServiceClasses.sol";
import {AuditorActor} from "../support/AuditorActor.sol";
import {vm} from "../support/Cheatcodes.sol";
import {Deployment} from "../support/Deployment.sol";
import {EPOCH_SECONDS, GOVERNOR, System, SystemLib, TREASURY} from "../support/System.sol";

/// @notice Pay of an epoch if the yield of the stake bounds the emission, as in public: 100% a year. The tests use
/// epochs of 12 s, whose pay is 1/300 of an hour's.
contract EmissionTest is Deployment {
    using SystemLib for System;

    uint32 private constant YIELD = 100;
    uint256 private constant YEAR = 31_557_600;
    address private constant OWNER = address(0x0b0b);

    function setUp() public override {
        _use(SystemLib.deploy(YIELD));
    }

    /// @dev A service and an auditor of one owner, alone in the network: without the bound they would receive the
    /// whole scheduled emission.
    function test_TheOnlyOnesEarnTheYieldOfTheirOwnStake() public {
        system().register(OWNER, 1_000e18);
        AuditorActor mine = newAuditor("mine", 5_000e18);
        uint256 got = _play(mine, 2);
        got += settlement.settle(1, 2);
        _assertNear(got, _yield(1_000e18), "of the service's stake, both parts");
        vm.assertLt(got * 100_000, pool.epochBudget(), "next to nothing of the schedule");
    }

    /// @dev Without the bound, a single auditor would receive the auditors' part of a network of many services.
    function test_AnAuditorAloneEarnsFourYieldsOfItsStake() public {
        for (uint256 i = 0; i < 15; ++i) {
            system().register(OWNER, 100_000e18);
        }
        AuditorActor alone = newAuditor("alone", 5_000e18);
        uint256 got = _play(alone, 2);
        _assertNear(got, 4 * _yield(5_000e18), "four yields");
        vm.assertLt(
            got,
            (4 * _yield(1_500_000e18)) / 10,
            "of what the services' stake would allow"
        );
    }

    /// @dev Pay for each staked BLOC of auditors stays when auditors join, while the services' stake allows it.
    function test_PayForAnAuditDoesNotFallWhenAuditorsJoin() public {
        for (uint256 i = 0; i < 15; ++i) {
            system().register(OWNER, 100_000e18);
        }
        AuditorActor first = newAuditor("first", 5_000e18);
        _play(first, 2);
        (uint256 alone, , , ) = pos.budgetOf(2);
        // It counts from 6 on.
        enter(4);
        newAuditor("second", 5_000e18);
        newAuditor("third", 10_000e18);
        enterAndTick(6);
        (uint256 four, , , ) = pos.budgetOf(6);
        _assertNear(four, 4 * alone, "as much for each BLOC that is staked");
    }

    /// @dev Stake above the class's maximum is at risk, and earns nothing.
    function test_StakeAboveTheMaximumIsNotPaidFor() public {
        registerService();
        system().register(OWNER, 100_000e18);
        system().register(OWNER, 900_000e18);
        enterAndTick(2);
        (uint96 whole, uint96 counted) = staking.serviceStakeAt(3, 2);
        vm.assertEq(whole, 900_000e18, "at stake");
        vm.assertEq(counted, 100_000e18, "counts");
        (, , uint256 active) = settlement.budgetOf(2);
        vm.assertEq(active, 201_000e18, "in the total too");
        AuditorActor auditor = newAuditor("auditor", 500_000e18);
        _play(auditor, 5);
        vm.assertEq(settlement.settle(3, 5), settlement.settle(2, 5), "paid alike");
    }

    function test_RevertsWhen_AClassPaysForLessThanItsLeastStake() public {
        IServiceClasses.ServiceClass memory kind = SystemLib.class("small", address(verifier));
        kind.maximumStake = kind.minimumStake - 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IServiceClasses.RegistryClassStake.selector,
                kind.minimumStake,
                kind.maximumStake
            )
        );
        vm.prank(GOVERNOR);
        registry.addClass(kind);
    }

    /// @dev A network with fees: its contributions reach the auditors, above the bound.
    function test_ContributionsArePaidToAuditors() public {
        _contribute(168_000e18);
        system().register(OWNER, 1_000e18);
        AuditorActor auditor = newAuditor("auditor", 5_000e18);
        uint256 got = _play(auditor, 2);
        vm.assertGe(got, 1_000e18, "a week's part, and a little emission");
        vm.assertLt(got, 1_001e18, "not more");
        vm.assertLt(pool.contributions(), 167_000e18, "each tick takes its part");
    }

    /// @dev The epoch's auditors did nothing: when its entry is reused, its contribution is returned.
    function test_ContributionsThatNobodyEarnedReturn() public {
        _contribute(168_000e18);
        system().register(OWNER, 1_000e18);
        newAuditor("idle", 5_000e18);
        enterAndTick(2);
        vm.assertEq(pool.contributions(), 167_000e18, "an epoch's part");
        (uint256 budget, , uint256 contributed, ) = pos.budgetOf(2);
        vm.assertEq(contributed, 1_000e18, "in the auditors' budget");
        vm.assertGt(budget, 1_000e18, "above the emission");

        // No other tick in between: the entry of 2 is that of 258.
        enterAndTick(258);
        uint256 part = uint256(168_000e18) / 168;
        vm.assertEq(pool.contributions(), 168_000e18 - part, "back, and the next part out");
    }

    /// @dev Without services there is no emission, but the tick is paid.
    function test_AnEmptyNetworkPaysForItsTickAlone() public {
        enter(2);
        uint256 before = token.balanceOf(address(this));
        tick(2);
        vm.assertEq(token.balanceOf(address(this)) - before, 1e18, "the bounty");
        vm.assertEq(setAside(), 0, "nothing else");
    }

    /// @dev Neither spender can use the other's reserve: claims of auditors do not change the providers' reserve, and
    /// settlements do not change the auditors' reserve.
    function test_ProvidersAndAuditorsHaveReservesOfTheirOwn() public {
        system().register(OWNER, 1_000e18);
        AuditorActor auditor = newAuditor("auditor", 5_000e18);
        enterAndTick(2);
        (uint256 providers, , uint256 auditors, ) = budgetOf(2);
        vm.assertEq(pool.reservedForProviders(), providers, "providers");
        vm.assertEq(pool.reservedForAuditors(), auditors, "auditors");
        auditor.commit(2, 3);
        enterAndTick(3);
        auditor.reveal(2);
        enterAndTick(4);
        uint256 held = pool.reservedForProviders();
        auditor.claim(2, 4);
        pos.collect(address(auditor));
        vm.assertEq(pool.reservedForProviders(), held, "untouched by a claim");
        held = pool.reservedForAuditors();
        vm.assertGt(settlement.settle(1, 2), 0, "paid");
        vm.assertEq(pool.reservedForAuditors(), held, "untouched by a settlement");
    }

    /// @dev One audited epoch; returns what the auditor was credited.
    function _play(AuditorActor auditor, uint32 epoch) private returns (uint256) {
        enterAndTick(epoch);
        auditor.commit(epoch, 3);
        enterAndTick(epoch + 1);
        auditor.reveal(epoch);
        enterAndTick(epoch + 2);
        return auditor.claim(epoch, epoch + 2);
    }

    function _contribute(uint256 amount) private {
        vm.startPrank(TREASURY);
        token.approve(address(pool), amount);
        pool.contribute(amount);
        vm.stopPrank();
    }

    /// @dev Equal except for roundings, which are all down.
    function _assertNear(uint256 actual, uint256 exact, string memory what) private pure {
        vm.assertLe(actual, exact + 1_000, what);
        vm.assertGe(actual * 1_000, exact * 999, what);
    }

    function _yield(uint256 stake) private pure returns (uint256) {
        return (stake * YIELD * EPOCH_SECONDS) / (100 * YEAR);
    }
}
