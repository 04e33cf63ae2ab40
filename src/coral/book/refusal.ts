import { BlockcloudError } from "../../protocol/errors.ts";

/** The reasons for refusing a message. Refusals are counted by reason; no refused message is stored. */
export const refusalReasons = [
  /** Encoding, schema or signature are invalid for its kind, or it is stored under a wrong key. */
  "malformed",
  "oversized",
  /** It has expired. */
  "expired",
  /** It was issued further in the future than clocks may differ. */
  "ahead",
  /** A newer version is known, or was known before. */
  "older",
  /** It is signed by another key than the service's. */
  "signer",
  /** The sub-service's delegation is not signed by the root's key. */
  "delegation",
  "delegation-expired",
  /** The root revoked the delegation. */
  "revoked",
  /** The service does not exist. */
  "unknown",
  "inactive",
  /** The node keeps no more version floors for this root service. */
  "crowded",
  /** The service is updated more often than a node forwards. */
  "rate",
  /** The chain cannot be read: a fault of this node, not of the sender. */
  "unavailable",
] as const;

/** See {@link refusalReasons}. */
export type RefusalReason = (typeof refusalReasons)[number];

const reasonByCode: Readonly<Record<string, RefusalReason>> = {
  RECORD_OVERSIZED: "oversized",
  RECORD_OLDER: "older",
  SERVICE_UNKNOWN: "unknown",
  SERVICE_INACTIVE: "inactive",
  CORAL_CROWDED: "crowded",
  CORAL_RATE: "rate",
  CORAL_UNAVAILABLE: "unavailable",
  RECORD_MALFORMED: "malformed",
  RECORD_EXPIRED: "expired",
  RECORD_AHEAD: "ahead",
  RECORD_SIGNER: "signer",
  DELEGATION_MALFORMED: "delegation",
  DELEGATION_AHEAD: "delegation",
  DELEGATION_SIGNER: "delegation",
  DELEGATION_EXPIRED: "delegation-expired",
  DELEGATION_REVOKED: "revoked",
  NAME_RECORD_MALFORMED: "malformed",
  NAME_RECORD_EXPIRED: "expired",
  NAME_RECORD_AHEAD: "ahead",
  NAME_RECORD_SIGNER: "signer",
  REVOCATION_MALFORMED: "malformed",
  REVOCATION_EXPIRED: "expired",
  REVOCATION_AHEAD: "ahead",
  REVOCATION_SIGNER: "signer",
};

/** The reason for a refusal, taken from a check's error; undefined for an unexpected error. */
export function reasonOf(error: unknown): RefusalReason | undefined {
  return error instanceof BlockcloudError ? reasonByCode[error.code] : undefined;
}

/** Errors whose codes are specific to this folder. */
export const refusals = {
  oversized: (bytes: number, most: number) =>
    new BlockcloudError("RECORD_OVERSIZED", `${bytes} bytes, at most ${most} are taken.`),
  older: (issuedAt: bigint, floor: bigint) =>
    new BlockcloudError("RECORD_OLDER", `Issued at ${issuedAt} ms; ${floor} ms is known.`, {
      remedy: "Sign a new record. If two processes publish with one key, stop one of them.",
    }),
  unknown: (number: bigint) =>
    new BlockcloudError("SERVICE_UNKNOWN", `There is no service ${number}.`, {
      remedy: "Register it first: blockcloud service register.",
    }),
  inactive: (number: bigint) =>
    new BlockcloudError("SERVICE_INACTIVE", `Service ${number} is not active.`, {
      remedy: "See why: blockcloud service show.",
    }),
  crowded: (number: bigint) =>
    new BlockcloudError("CORAL_CROWDED", `Service ${number} has too many sub-services and names.`, {
      remedy:
        "Sub-services and names that are no longer used make room a day after their last record.",
    }),
  rate: () =>
    new BlockcloudError("CORAL_RATE", "The service is updated more often than a node forwards.", {
      remedy: "Publish less often.",
      retryable: true,
    }),
  unavailable: (cause: unknown) =>
    new BlockcloudError("CORAL_UNAVAILABLE", "The service's key cannot be read from the chain.", {
      cause,
      remedy: "Check the RPC endpoints.",
      retryable: true,
    }),
};
