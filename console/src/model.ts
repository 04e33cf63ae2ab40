import type { Address, Hex } from "viem";
import type { ServiceEpoch } from "../../src/protocol/serviceEpochs.ts";
import type { ServiceStatus } from "../../src/protocol/serviceStatus.ts";
import type { Verdict } from "../../src/protocol/tally.ts";

/** Where the figures of a page come from; the page says so. */
export type Source = "index" | "chain";

/** A class in the registry; amounts are BLOC in wei, bounds are milliseconds to the last byte. */
export interface ServiceClass {
  classId: number;
  name: string;
  minimumStake: bigint;
  maximumStake: bigint;
  registrationFee: bigint;
  open: boolean;
  excellentMs: number;
  goodMs: number;
  poorMs: number;
}

/** The verdict on a service in an epoch; undefined if it was not read. */
export interface EpochVerdict {
  epoch: number;
  verdict: Verdict | undefined;
}

/** A service in a list. Texts are strangers'. */
export interface ServiceRow {
  number: bigint;
  id: Hex;
  label: string | undefined;
  metadata: string;
  owner: Address;
  kind: ServiceClass | undefined;
  status: ServiceStatus;
  /** BLOC in wei. */
  stake: bigint;
  /** The newest epochs, oldest first. */
  verdicts: readonly EpochVerdict[];
  /** Endpoints of the newest announced record that the service's key signed; undefined without one. */
  endpoints: readonly string[] | undefined;
  /** Emission so far and paid by users so far, BLOC in wei; undefined from the chain alone. */
  rewards: bigint | undefined;
  redeemed: bigint | undefined;
  hasOpenChallenge: boolean;
}

/** A service in an epoch. */
export type ServiceEpochRow = Pick<
  ServiceEpoch,
  "epoch" | "final" | "seeded" | "counts" | "verdict" | "paidGrade" | "pay" | "settled"
> & {
  /** Undefined from the index. */
  status: ServiceStatus | undefined;
};

/** What happened in an audited epoch. Amounts are BLOC in wei. */
export interface EpochRow {
  epoch: number;
  hasSeed: boolean;
  committed: number;
  revealed: number;
  claimed: number;
  reported: number;
  votes: number;
  paidVotes: number;
  auditorsPaid: bigint;
  providersPaid: bigint;
  /** Verdicts with a quorum by grade, FAILED first; undefined from the chain alone. */
  verdicts: readonly number[] | undefined;
  /** Gas of all audit transactions while the epoch lasted, over the votes revealed in it. */
  gasPerAudit: number | undefined;
}

/** An auditor in a list. Amounts are BLOC in wei. */
export interface AuditorRow {
  auditor: Address;
  operator: Address | undefined;
  stake: bigint;
  enrolledSince: number;
  isEnrolled: boolean;
  rounds: number;
  revealed: number;
  votes: number;
  paidVotes: number;
  /** Claimed, so far or in the epochs that were read. */
  rewards: bigint;
  /** Claimed and not collected. */
  uncollected: bigint;
  /** Revealed rounds that can be claimed and are not, and the last epoch of the first to end. */
  unclaimed: number;
  claimBy: number | undefined;
  lastRevealed: number | undefined;
}

/** A round of an auditor. */
export interface AuditorRoundRow {
  epoch: number;
  state: "committed" | "revealed" | "claimed" | "reported";
  votes: number;
  paidVotes: number;
  reward: bigint;
  /** Last epoch in which it can be claimed. */
  claimBy: number;
}

/** The list is as long as the whole, or why not. */
export interface Listing<Row> {
  rows: readonly Row[];
  source: Source;
  /** What is left out, for people; undefined if nothing is. */
  leftOut: string | undefined;
}
