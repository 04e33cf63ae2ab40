import { contractError } from "../../chain/transactions/revert.ts";
import { abis } from "../../protocol/abis.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Errors of all contracts: a call may fail in a contract below the one that was called. */
export const contractErrors = [
  ...abis.registry,
  ...abis.staking,
  ...abis.proofOfService,
  ...abis.settlement,
  ...abis.challengeBook,
  ...abis.labels,
  ...abis.rewardPool,
  ...abis.token,
].filter((item, index, all) => {
  if (item.type !== "error") return false;
  return all.findIndex((other) => other.type === "error" && other.name === item.name) === index;
});

/** What a person can do about an error of the contracts that a command can meet. */
export const remedies: Readonly<Record<string, string>> = {
  RegistryUnknownClass: "Give --class a class that the registry has.",
  RegistryClassClosed: "The class takes no new services: choose another.",
  RegistryUnknownService: "Check --service: there is no such number.",
  RegistryKeyZero: "Give a service key.",
  RegistryProbeLength: "Shorten the probe specification to 1,024 bytes.",
  RegistryMetadataLength: "Shorten the URI to 256 bytes.",
  RegistryProbePending:
    "Wait until the specification counts that was set an epoch ago, and run again.",
  RegistryFull: "All service numbers are taken.",
  RegistryNotOwner: "Use the key that owns the service.",
  RegistryRetired: "The service is retired for ever: register another.",
  RegistryNotSuspended: "Nothing is to be done: the service is not suspended.",
  RegistryMaintenanceUnchanged: "Nothing is to be done: it is in this state already.",
  RegistryClosed: "Name the deployment of the contracts' next version.",
  LabelAlreadyCommitted: "The commitment is made: run again to take the label.",
  LabelRegistryClosed: "Name the deployment of the contracts' next version.",
  LabelNotOwner: "Use the key that owns the service.",
  LabelServiceInactive: "The service must be active in this epoch: see blockcloud service show.",
  LabelNotCommitted: "Run again: the commitment is made first.",
  LabelAge: "Run again: an expired commitment is replaced by a new one.",
  LabelInvalid: "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last.",
  LabelTaken: "Choose another label.",
  LabelHeld: "The service has a label, for ever.",
  RegistryNotInherited:
    "Check the number: the predecessor has none such that is left to take over.",
  RegistryNotRetired: "Retire the service in the predecessor's deployment first.",
  ERC721IncorrectOwner: "Use the key that owns the service.",
  ERC721InsufficientApproval: "Use the key that owns the service.",
  ERC721InvalidReceiver: "Give --to an address that can own a service.",
  ERC721NonexistentToken: "Check --service: there is no such number.",
  StakingServiceRetired: "The service is retired for ever: its stake can only be withdrawn.",
  StakingNotEnrolled: "The auditor is not enrolled: blockcloud auditor init enrols it.",
  StakingNotStaker: "Use the key that staked.",
  StakingAmountZero: "Give an amount above 0.",
  StakingInsufficient: "Less is at stake: give a smaller amount.",
  StakingBelowMinimum: "What is at stake must be 0 or reach the minimum: change the amount.",
  StakingNothingToWithdraw: "Nothing has matured: wait until the unbonding time is over.",
  UnbondingQueueFull: "Too many withdrawals are under way: withdraw what has matured, or wait.",
  SafeERC20FailedOperation: "Check that the token of the deployment file is the right one.",
  SafeCastOverflowedUintDowncast: "Give a smaller amount.",
  ERC20InsufficientAllowance: "Run again: the allowance or the permit was used meanwhile.",
  ERC20InsufficientBalance: "Send the account what is missing, and run again.",
  PosTipZero: "Give another --chain-number.",
  PosTipPending: "Wait until the pending hash chain is in use.",
  PosOperatorZero: "Give an operator key.",
  PosNotEnrolled: "Enrol first, with blockcloud auditor init.",
  SettlementNotFinal: "An epoch is final from the second after it on: wait.",
  SettlementUnknownService: "Check --service: there is no such number.",
  PosNothingToCollect: "Nothing is to be done: all pay was collected.",
  PosNotOperator: "Use the operator's key.",
  SettlementNotSuspendable: "Nothing is to be done: the service is suspended, or retired.",
  SettlementRunTooOld: "The run of failures is too old: look for a newer one.",
  SettlementRunTooShort: "Wait: the run of failures is too short.",
  SettlementNotDown: "Nothing is to be done: the service was not down all the time.",
  PosNotReportEpoch: "The time to report the round is over, or has not come.",
  PosNothingToReport: "Nothing is to be done: the round was revealed, or reported.",
  PosSeedTooLate: "The seed came too late to reveal the round, so the round cannot be reported.",
  PosNotLapsable: "Nothing is to be done: the auditor has shown itself.",
  PosNoSeed: "The epoch has no seed: look at another.",
  ChallengeNotActive: "Only active services can be challenged: see blockcloud service show.",
  ChallengeAlreadyOpen: "Wait until the open challenge is closed.",
  ChallengeCoolingDown: "Wait until the cool-down is over.",
  ChallengeNotOpen: "Nothing is to be done: the challenge is closed.",
  ChallengeNoQuestion: "Wait for the seed of the epoch after the challenge.",
  ChallengeTooLate: "The time to answer is over.",
  ChallengeTooEarly: "The time to answer is not over: wait.",
  ChallengeProofRejected: "Answer with the key that the challenge froze.",
  ChallengeNotAnnullable: "The challenge stands: answer or resolve it.",
};

/**
 * Errors that no command can meet: of the deployment, of governance, of what only our contracts call, and
 * of the workers' own transactions, which say themselves what went wrong.
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
]);

/** The contracts' own error behind one of ours. */
export function revertOf(error: unknown): { name: string; args: readonly unknown[] } | undefined {
  const found = contractError(error instanceof BlockcloudError ? error.cause : error);
  return found?.name === undefined ? undefined : { name: found.name, args: found.args };
}

/** The same error, with what to do about it where a person can do something. */
export function withRemedy(error: BlockcloudError): BlockcloudError {
  const remedy = remedies[revertOf(error)?.name ?? ""];
  if (remedy === undefined || error.remedy !== undefined) return error;
  const { code, message, cause, retryable } = error;
  return new BlockcloudError(code, message, { cause, remedy, retryable });
}
