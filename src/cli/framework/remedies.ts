import { contractError } from "../../chain/transactions/revert.ts";
import { abis } from "../../protocol/abis.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Errors of all contracts: a call may fail in a contract that the called one calls. */
export const contractErrors = [
  ...abis.registry,
  ...abis.staking,
  ...abis.proofOfService,
  ...abis.settlement,
  ...abis.challengeBook,
  ...abis.labels,
  ...abis.rewardPool,
  ...abis.token,
  ...abis.cashier,
].filter((item, index, all) => {
  if (item.type !== "error") return false;
  return all.findIndex((other) => other.type === "error" && other.name === item.name) === index;
});

/** Remedies for the contracts' errors that a command can meet. */
export const remedies: Readonly<Record<string, string>> = {
  RegistryUnknownClass: "Give --class a class that the registry has.",
  RegistryClassClosed: "The class takes no new services: choose another.",
  RegistryUnknownService: "Check --service: no service has this number.",
  RegistryKeyZero: "Give a service key.",
  RegistryProbeLength: "Shorten the probe specification to 1,024 bytes.",
  RegistryMetadataLength: "Shorten the URI to 256 bytes.",
  RegistryProbePending:
    "A specification that was set an epoch ago is still pending: wait until it counts, and run again.",
  RegistryFull: "All service numbers are taken.",
  RegistryNotOwner: "Use the key that owns the service.",
  RegistryRetired: "The service is retired for ever: register another.",
  RegistryNotSuspended: "There is nothing to do: the service is not suspended.",
  RegistryMaintenanceUnchanged: "There is nothing to do: the service is in this state already.",
  RegistryClosed: "Name the deployment of the contracts' next version.",
  LabelAlreadyCommitted: "The commitment is made: run again to take the label.",
  LabelRegistryClosed: "Name the deployment of the contracts' next version.",
  LabelNotOwner: "Use the key that owns the service.",
  LabelServiceInactive: "The service must be active in this epoch: see blockcloud service show.",
  LabelNotCommitted: "Run again: the commitment is made first.",
  LabelAge: "Run again: an expired commitment is replaced by a new one.",
  LabelInvalid: "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last.",
  LabelTaken: "Choose another label.",
  LabelHeld: "The service already has a label, and keeps it for ever.",
  RegistryNotInherited:
    "Check the number: the predecessor has no such service, or it was taken over already.",
  RegistryNotRetired: "Retire the service in the predecessor's deployment first.",
  ERC721IncorrectOwner: "Use the key that owns the service.",
  ERC721InsufficientApproval: "Use the key that owns the service.",
  ERC721InvalidReceiver: "Give --to an address that can own a service.",
  ERC721NonexistentToken: "Check --service: no service has this number.",
  StakingServiceRetired: "The service is retired for ever: its stake can only be withdrawn.",
  StakingNotEnrolled: "The auditor is not enrolled: blockcloud auditor init enrols it.",
  StakingNotStaker: "Use the key that staked.",
  StakingAmountZero: "Give an amount above 0.",
  StakingInsufficient: "The stake is smaller than this amount: give a smaller amount.",
  StakingBelowMinimum: "The stake must be 0 or at least the minimum: change the amount.",
  StakingNothingToWithdraw: "No stake can be withdrawn yet: wait until the unbonding time is over.",
  UnbondingQueueFull: "Too many amounts are unbonding: withdraw those whose time is over, or wait.",
  SafeERC20FailedOperation: "Check that the token of the deployment file is the right one.",
  SafeCastOverflowedUintDowncast: "Give a smaller amount.",
  ERC20InsufficientAllowance: "Run again: the allowance or the permit was used meanwhile.",
  ERC20InsufficientBalance: "Send the missing amount to the account, and run again.",
  PosTipZero: "Give another --chain-number.",
  PosTipPending: "Wait until the pending hash chain is in use.",
  PosOperatorZero: "Give an operator key.",
  PosNotEnrolled: "Enrol first, with blockcloud auditor init.",
  SettlementNotFinal: "An epoch is final two epochs later: wait.",
  SettlementUnknownService: "Check --service: no service has this number.",
  PosNothingToCollect: "There is nothing to do: all pay was collected.",
  PosNotOperator: "Use the operator's key.",
  SettlementNotSuspendable: "There is nothing to do: the service is suspended or retired.",
  SettlementRunTooOld: "The run of failures is too old: look for a newer one.",
  SettlementRunTooShort: "Wait: the run of failures is too short.",
  SettlementNotDown: "There is nothing to do: the service was not FAILED in all of these epochs.",
  PosNotReportEpoch: "The round cannot be reported yet, or not any more.",
  PosNothingToReport: "There is nothing to do: the round was revealed or reported.",
  PosSeedTooLate: "The seed came too late to reveal the round, so the round cannot be reported.",
  PosNotLapsable: "There is nothing to do: the auditor has not missed enough epochs.",
  PosNoSeed: "The epoch has no seed: choose another epoch.",
  ChallengeNotActive: "Only active services can be challenged: see blockcloud service show.",
  ChallengeAlreadyOpen: "Wait until the open challenge is closed.",
  ChallengeCoolingDown: "Wait until the cool-down is over.",
  ChallengeNotOpen: "There is nothing to do: the challenge is closed.",
  ChallengeNoQuestion: "Wait for the seed of the epoch after the challenge.",
  ChallengeTooLate: "The time to answer is over.",
  ChallengeTooEarly: "Wait until the time to answer is over.",
  ChallengeProofRejected: "Answer with the key that the challenge froze.",
  CashierDepositZero: "Give an amount above 0.",
  CashierPayerZero: "Give --for an address that has a key.",
  CashierNotFree: "Withdraw less, or close tabs: blockcloud cashier tabs lists them.",
  CashierSignerZero: "Give the address of a session key.",
  CashierSignerUnknown: "There is nothing to do: the key is not authorized.",
  CashierTabUnknown: "Check the tab's ID and the payer's key: blockcloud cashier tabs lists them.",
  CashierTabIsClosing: "The tab closes already: run again when its time of redemption is over.",
  CashierTabDead: "There is nothing to do: the tab is closed.",
  CashierTabRedeemable: "Wait: the collector may still redeem its vouchers.",
  CashierNothingEarned: "There is nothing to do: the service has earned nothing since.",
  CashierNoFees: "There is nothing to do: all fees are forwarded.",
  ChallengeNotAnnullable: "The challenge cannot be annulled: answer or resolve it.",
};

/**
 * Errors that no command can meet: of the deployment, of governance, of calls between the contracts, and of
 * the workers' own transactions, which have their own remedies.
 */
export const unreachableErrors: ReadonlySet<string> = new Set([
  ...["EpochSecondsZero", "EpochTraceUnordered", "ActiveLanesForgotten", "InvalidShortString"],
  ...["StringTooLong", "AccessManagedInvalidAuthority", "AccessManagedRequiredDelay"],
  ...["AccessManagedUnauthorized", "ERC721InvalidApprover", "ERC721InvalidOperator"],
  ...["ERC721InvalidOwner", "ERC721InvalidSender", "RegistryAlreadyWired", "RegistryClassBounds"],
  ...["RegistryClassVerifier", "RegistryClassesFull", "LabelAges", "RegistryNotDeployer"],
  ...["RegistryNotStaking", "RegistryNotSuspender", "RegistryRecordLength", "RegistryShardRange"],
  ...["RegistryWiringMismatch", "StakingAlreadyWired", "StakingNotChallengeBook"],
  ...["StakingNotDeployer", "StakingNotProofOfService", "StakingNotRegistry"],
  ...["StakingUnbondingTooShort", "StakingWiringMismatch", "ECDSAInvalidSignature"],
  ...["ECDSAInvalidSignatureLength", "ECDSAInvalidSignatureS", "ERC20InvalidApprover"],
  ...["ERC20InvalidReceiver", "ERC20InvalidSender", "ERC20InvalidSpender"],
  ...["ERC2612ExpiredSignature", "ERC2612InvalidSigner", "InvalidAccountNonce"],
  ...["RewardPoolAlreadyReserved", "RewardPoolAlreadyWired", "RewardPoolExceedsReserved"],
  ...["RewardPoolNotDeployer", "RewardPoolNotProofOfService", "RewardPoolWiringMismatch"],
  ...["ChallengeWindowTooLong", "ChallengeWindowZero", "RegistryClassStake"],
  ...["HeaderMalformed", "PosAlreadyCommitted", "PosBeforeGenesis", "BatchCallOutOfGas"],
  ...["PosChunkOutOfOrder", "PosChunkRange", "PosChunkTooLarge", "PosCommitmentMismatch"],
  ...["PosEvidenceMissing", "PosInactiveLane", "PosMalformedWord", "PosNotClaimEpoch"],
  ...["PosNotClaimable", "PosNotCommitEpoch", "PosNotDrawn", "PosNotFirstBlock", "PosNotParent"],
  ...["PosNotRevealEpoch", "PosNotSampleEpoch", "PosReceiptSigner", "PosReceiptTime"],
  ...["PosSampleCount", "PosSecretMismatch", "PosSeedOutOfOrder", "PosShardOrder"],
  ...["PosShardRange", "PosTooManySteps", "PosUnknownBlock", "PosWeakRandomness"],
  ...["PosWiringMismatch", "PosNotDeployer", "PosAlreadyWired", "PosSampleSlot"],
  ...["RegistryNoSlot", "RegistrySlotHeld", "RewardPoolNotSpender", "RewardPoolNotWired"],
  ...["RewardPoolContributionZero", "SettlementNotProofOfService"],
  ...["LabelNotRegistry", "RegistryClosingSecondsZero"],
  ...["RegistryPredecessorOpen", "RegistryClosingAnnounced", "RegistryClosingNotAnnounced"],
  ...["ChallengeWindowBeyondRing", "TokenAuthorizationTooEarly", "TokenAuthorizationExpired"],
  ...["TokenAuthorizationUsed", "TokenAuthorizationSignature", "TokenNotReceiver"],
  // A collector's worker has its own remedies.
  ...["CashierEpochTooLong", "CashierOverLimit", "CashierNotHigher", "CashierBase"],
  ...["CashierVoucherSigner", "CashierGradeUnknown", "CashierNotDue", "CashierVerdictGone"],
  ...["CashierServiceInactive", "CashierNoVerdict", "CashierGradeMissed", "CashierViewFailed"],
  ...["CashierBatchLength", "CashierSignerLimit", "CashierNotCollector", "CashierTabLate"],
  ...["CashierTabOpenBy", "CashierTabExpiry", "CashierTabSignerZero", "CashierTabLimitZero"],
  ...["CashierNotRoot", "CashierServiceUnknown", "CashierTabSignature", "CashierGas"],
  ...["CashierTabOtherSigner", "CashierTabNotRaised", "CashierTabOver"],
]);

/** The contract error that caused a `BlockcloudError`. */
export function revertOf(error: unknown): { name: string; args: readonly unknown[] } | undefined {
  const found = contractError(error instanceof BlockcloudError ? error.cause : error);
  return found?.name === undefined ? undefined : { name: found.name, args: found.args };
}

/** The same error with a remedy, if the table has one. */
export function withRemedy(error: BlockcloudError): BlockcloudError {
  const remedy = remedies[revertOf(error)?.name ?? ""];
  if (remedy === undefined || error.remedy !== undefined) return error;
  const { code, message, cause, retryable } = error;
  return new BlockcloudError(code, message, { cause, remedy, retryable });
}
