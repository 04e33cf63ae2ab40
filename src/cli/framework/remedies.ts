import { contractError } from "../../chain/transactions/revert.ts";
import { contractErrors, contractRemedies } from "../../protocol/contractErrors.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

export { contractErrors };

/** Remedies for the contracts' errors that a command can meet: those of the package, in the words of the commands. */
export const remedies: Readonly<Record<string, string>> = {
  ...contractRemedies,
  RegistryUnknownClass: "Give --class a class that the registry has.",
  RegistryUnknownService: "Check --service: no service has this number.",
  RegistryProbePending:
    "A specification that was set an epoch ago is still pending: wait until it counts, and run again.",
  RegistryClosed: "Name the deployment of the contracts' next version.",
  LabelAlreadyCommitted: "The commitment is made: run again to take the label.",
  LabelRegistryClosed: "Name the deployment of the contracts' next version.",
  LabelServiceInactive: "The service must be active in this epoch: see blockcloud service show.",
  LabelNotCommitted: "Run again: the commitment is made first.",
  LabelAge: "Run again: an expired commitment is replaced by a new one.",
  ERC721InvalidReceiver: "Give --to an address that can own a service.",
  ERC721NonexistentToken: "Check --service: no service has this number.",
  StakingNotEnrolled: "The auditor is not enrolled: blockcloud auditor init enrols it.",
  ERC20InsufficientAllowance: "Run again: the allowance or the permit was used meanwhile.",
  ERC20InsufficientBalance: "Send the missing amount to the account, and run again.",
  PosTipZero: "Give another --chain-number.",
  PosNotEnrolled: "Enrol first, with blockcloud auditor init.",
  SettlementUnknownService: "Check --service: no service has this number.",
  ChallengeNotActive: "Only active services can be challenged: see blockcloud service show.",
  CashierPayerZero: "Give --for an address that has a key.",
  CashierNotFree: "Withdraw less, or close tabs: blockcloud cashier tabs lists them.",
  CashierTabUnknown: "Check the tab's ID and the payer's key: blockcloud cashier tabs lists them.",
  CashierTabIsClosing: "The tab closes already: run again when its time of redemption is over.",
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
  ...["ERC2612InvalidSigner", "InvalidAccountNonce"],
  ...["RewardPoolAlreadyReserved", "RewardPoolAlreadyWired", "RewardPoolExceedsReserved"],
  ...["RewardPoolNotDeployer", "RewardPoolNotProofOfService", "RewardPoolWiringMismatch"],
  ...["ChallengeWindowTooLong", "ChallengeWindowZero", "RegistryClassStake"],
  ...["HeaderMalformed", "PosAlreadyCommitted", "PosBeforeGenesis", "BatchCallOutOfGas"],
  ...["PosChunkOutOfOrder", "PosChunkRange", "PosChunkTooLarge"],
  ...["PosEvidenceMissing", "PosInactiveLane", "PosMalformedWord"],
  ...["PosNotCommitEpoch", "PosNotDrawn", "PosNotFirstBlock", "PosNotParent"],
  ...["PosNotRevealEpoch", "PosReceiptSigner", "PosReceiptTime"],
  ...["PosSecretMismatch", "PosSeedOutOfOrder", "PosShardOrder"],
  ...["PosShardRange", "PosTooManySteps", "PosUnknownBlock", "PosWeakRandomness"],
  ...["PosWiringMismatch", "PosNotDeployer", "PosAlreadyWired", "PosSampleSlot"],
  ...["RewardPoolNotSpender", "RewardPoolNotWired"],
  ...["SettlementNotProofOfService"],
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
