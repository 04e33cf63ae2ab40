import { decodeErrorResult, type Hex } from "viem";
import { abis } from "./abis.ts";

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

/** What to do about the errors of the contracts that a transaction of a user can meet. */
export const contractRemedies: Readonly<Record<string, string>> = {
  RegistryUnknownClass: "Choose a class that the registry has.",
  RegistryClassClosed: "The class takes no new services: choose another.",
  RegistryUnknownService: "Check the number: no service has it.",
  RegistryKeyZero: "Give a service key.",
  RegistryProbeLength: "Shorten the probe specification to 1,024 bytes.",
  RegistryMetadataLength: "Shorten the URI to 256 bytes.",
  RegistryProbePending:
    "A specification that was set an epoch ago is still pending: wait until it counts.",
  RegistryFull: "All service numbers are taken.",
  RegistryNotOwner: "Use the key that owns the service.",
  RegistryRetired: "The service is retired for ever: register another.",
  RegistryNotSuspended: "There is nothing to do: the service is not suspended.",
  RegistryMaintenanceUnchanged: "There is nothing to do: the service is in this state already.",
  RegistryClosed: "Use the deployment of the contracts' next version.",
  LabelAlreadyCommitted: "The commitment is made: take the label.",
  LabelRegistryClosed: "Use the deployment of the contracts' next version.",
  LabelNotOwner: "Use the key that owns the service.",
  LabelServiceInactive: "The service must be active in this epoch: look at its status.",
  LabelNotCommitted: "Reserve the label first.",
  LabelAge: "Wait until the commitment is old enough; reserve the label again if it has expired.",
  LabelInvalid: "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last.",
  LabelTaken: "Choose another label.",
  LabelHeld: "The service already has a label, and keeps it for ever.",
  RegistryNotInherited:
    "Check the number: the predecessor has no such service, or it was taken over already.",
  RegistryNotRetired: "Retire the service in the predecessor's deployment first.",
  ERC721IncorrectOwner: "Use the key that owns the service.",
  ERC721InsufficientApproval: "Use the key that owns the service.",
  ERC721InvalidReceiver: "Give an address that can own a service.",
  ERC721NonexistentToken: "Check the number: no service has it.",
  StakingServiceRetired: "The service is retired for ever: its stake can only be withdrawn.",
  StakingNotEnrolled: "The auditor is not enrolled: enrol it first.",
  StakingNotStaker: "Use the key that staked.",
  StakingAmountZero: "Give an amount above 0.",
  StakingInsufficient: "The stake is smaller than this amount: give a smaller amount.",
  StakingBelowMinimum: "The stake must be 0 or at least the minimum: change the amount.",
  StakingNothingToWithdraw: "No stake can be withdrawn yet: wait until the unbonding time is over.",
  UnbondingQueueFull: "Too many amounts are unbonding: withdraw those whose time is over, or wait.",
  SafeERC20FailedOperation: "Check that the token of the deployment file is the right one.",
  SafeCastOverflowedUintDowncast: "Give a smaller amount.",
  ERC20InsufficientAllowance: "Sign again: the allowance or the permit was used meanwhile.",
  ERC20InsufficientBalance: "Send the missing BLOC to the account first.",
  PosTipZero: "Give the tip of another hash chain.",
  PosTipPending: "Wait until the pending hash chain is in use.",
  PosOperatorZero: "Give an operator key.",
  PosNotEnrolled: "Enrol the auditor first.",
  SettlementNotFinal: "An epoch is final two epochs later: wait.",
  SettlementUnknownService: "Check the number: no service has it.",
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
  ChallengeNotActive: "Only active services can be challenged: look at its status.",
  ChallengeAlreadyOpen: "Wait until the open challenge is closed.",
  ChallengeCoolingDown: "Wait until the cool-down is over.",
  ChallengeNotOpen: "There is nothing to do: the challenge is closed.",
  ChallengeNoQuestion: "Wait for the seed of the epoch after the challenge.",
  ChallengeTooLate: "The time to answer is over.",
  ChallengeTooEarly: "Wait until the time to answer is over.",
  ChallengeProofRejected: "Answer with the key that the challenge froze.",
  CashierDepositZero: "Give an amount above 0.",
  CashierPayerZero: "Give an address that has a key.",
  CashierNotFree: "Withdraw less, or close tabs.",
  CashierSignerZero: "Give the address of a session key.",
  CashierSignerUnknown: "There is nothing to do: the key is not authorized.",
  CashierTabUnknown: "Check the tab's ID and the payer.",
  CashierTabIsClosing: "The tab closes already: try again when its time of redemption is over.",
  CashierTabDead: "There is nothing to do: the tab is closed.",
  CashierTabRedeemable: "Wait: the collector may still redeem its vouchers.",
  CashierNothingEarned: "There is nothing to do: the service has earned nothing since.",
  CashierNoFees: "There is nothing to do: all fees are forwarded.",
  ChallengeNotAnnullable: "The challenge cannot be annulled: answer or resolve it.",
  PosNotClaimEpoch: "A round can be claimed from two epochs after it on, for 128 epochs.",
  PosNotClaimable:
    "There is nothing to do: the chunk is claimed, or the round was reported or not revealed.",
  PosNotSampleEpoch: "Take the first epoch from two later on that has a seed.",
  PosSampleCount: "The claim needs the receipts that its sampled votes name.",
  PosCommitmentMismatch: "Use the round as it was committed.",
  ERC2612ExpiredSignature: "Sign the permit again: its time is over.",
  RewardPoolContributionZero: "Give an amount above 0.",
  RegistryNoSlot: "There is nothing to do: the service has no slot.",
  RegistrySlotHeld: "Wait until the service has been inactive for 256 epochs.",
};

/** The error of a contract in the data of a revert; undefined if no contract has it. */
export function decodeContractError(
  data: Hex,
): { name: string; args: readonly unknown[] } | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi: contractErrors, data });
    return { name: errorName, args: args ?? [] };
  } catch {
    // It is no error of these contracts, or there is no data.
    return undefined;
  }
}
