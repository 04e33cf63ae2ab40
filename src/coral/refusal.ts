import { BlockcloudError } from "../protocol/errors.ts";

/** Why a message is not taken in. Each is counted; of none is anything kept. */
export const refusalReasons = [
  /** Not the encoding, the schema or the signature of its kind, or not at its place. */
  "malformed",
  "oversized",
  /** Its time has run out. */
  "expired",
  /** Issued further in the future than clocks may differ. */
  "ahead",
  /** A newer version is known, or was. */
  "older",
  /** Signed by another key than the service's. */
  "signer",
  /** The delegation of a sub-service is not one by the root's key. */
  "delegation",
  "delegation-expired",
  /** The root has taken the delegation back. */
  "revoked",
  /** There is no such service. */
  "unknown",
  "inactive",
  /** The root service has as many floors as a node keeps for one. */
  "crowded",
  /** More updates of a service than a node carries. */
  "rate",
  /** The chain cannot be asked: nobody's fault but ours. */
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

/** The reason behind an error of a check; undefined for an error that is no refusal. */
export function reasonOf(error: unknown): RefusalReason | undefined {
  return error instanceof BlockcloudError ? reasonByCode[error.code] : undefined;
}

/** An error of the codes that only this folder knows. */
export const refusals = {
  oversized: (bytes: number, most: number) =>
    new BlockcloudError("RECORD_OVERSIZED", `${bytes} bytes, at most ${most} are taken.`),
  older: (issuedAt: bigint, floor: bigint) =>
    new BlockcloudError("RECORD_OLDER", `Issued at ${issuedAt} ms; ${floor} ms is known.`, {
      remedy: "Sign a new one; if two processes publish with one key, stop one of them.",
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
      remedy: "Those that are not used any more make room a day after their last record.",
    }),
  rate: () =>
    new BlockcloudError("CORAL_RATE", "More updates of a service than a node carries.", {
      remedy: "Publish less often.",
      retryable: true,
    }),
  unavailable: (cause: unknown) =>
    new BlockcloudError("CORAL_UNAVAILABLE", "The chain cannot be asked for the service's key.", {
      cause,
      remedy: "Check the RPC endpoints.",
      retryable: true,
    }),
};
