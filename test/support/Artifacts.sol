// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ICashier} from "../../contracts/cashier/ICashier.sol";
import {IChallengeBook} from "../../contracts/challenges/IChallengeBook.sol";
import {IServiceLabels} from "../../contracts/labels/IServiceLabels.sol";
import {IProofOfService} from "../../contracts/proof-of-service/IProofOfService.sol";
import {ISettlement} from "../../contracts/proof-of-service/ISettlement.sol";
import {IStaking} from "../../contracts/staking/IStaking.sol";
import {IRewardPool} from "../../contracts/token/IRewardPool.sol";
import {vm} from "./Cheatcodes.sol";
import {IBlocToken, ILivenessVerifier, IRegistry} from "./Interfaces.sol";

/// @title Artifacts
/// @notice Creates the contracts under test from their artifacts, so that tests run the deployed bytecode. Each
/// function takes the parameters of a constructor, and forwards its revert. The creator is the calling contract, as
/// with `new`.
library Artifacts {
    function newToken(address rewardPool, address treasury) internal returns (IBlocToken) {
        return IBlocToken(_create("BlocToken", abi.encode(rewardPool, treasury)));
    }

    function newPool(uint32 epochSeconds, uint32 yieldPercent) internal returns (IRewardPool) {
        return IRewardPool(_create("RewardPool", abi.encode(epochSeconds, yieldPercent)));
    }

    function newAccessManager(address admin) internal returns (IAccessManager) {
        return IAccessManager(_create("AccessManager", abi.encode(admin)));
    }

    function newRegistry(
        uint32 epochSeconds,
        address governance,
        address predecessor,
        uint64 closingSeconds
    ) internal returns (IRegistry) {
        bytes memory parameters = abi.encode(epochSeconds, governance, predecessor, closingSeconds);
        return IRegistry(_create("ServiceRegistry", parameters));
    }

    function newStaking(
        address token,
        address registry,
        uint64 unbondingSeconds,
        uint96 minimumAuditorStake
    ) internal returns (IStaking) {
        bytes memory parameters = abi.encode(
            token,
            registry,
            unbondingSeconds,
            minimumAuditorStake
        );
        return IStaking(_create("Staking", parameters));
    }

    function newProofOfService(
        address registry,
        address staking,
        address rewardPool
    ) internal returns (IProofOfService) {
        bytes memory parameters = abi.encode(registry, staking, rewardPool);
        return IProofOfService(_create("ProofOfService", parameters));
    }

    function newSettlement(address proofOfService) internal returns (ISettlement) {
        return ISettlement(_create("Settlement", abi.encode(proofOfService)));
    }

    function newChallengeBook(
        address proofOfService,
        uint64 windowSeconds,
        uint64 coolDownSeconds,
        uint96 bond
    ) internal returns (IChallengeBook) {
        bytes memory parameters = abi.encode(proofOfService, windowSeconds, coolDownSeconds, bond);
        return IChallengeBook(_create("ChallengeBook", parameters));
    }

    function newLabels(
        address registry,
        address token,
        uint64 minimumAge,
        uint64 maximumAge,
        uint256[5] memory prices
    ) internal returns (IServiceLabels) {
        bytes memory parameters = abi.encode(registry, token, minimumAge, maximumAge, prices);
        return IServiceLabels(_create("ServiceLabels", parameters));
    }

    function newCashier(address settlement) internal returns (ICashier) {
        return ICashier(_create("Cashier", abi.encode(settlement)));
    }

    function newVerifier(address registry) internal returns (ILivenessVerifier) {
        return ILivenessVerifier(_create("LivenessVerifier", abi.encode(registry)));
    }

    function _create(string memory name, bytes memory parameters) private returns (address made) {
        bytes memory code = abi.encodePacked(vm.getCode(name), parameters);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                let data := mload(64)
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }
}
