import { getAddress, type Address, type Hex } from "viem";
import { readDelegation, type Delegation } from "./delegation.ts";
import { BlockcloudError } from "./errors.ts";
import { endpointRecords, MAX_AHEAD_MS, type EndpointRecord } from "./record.ts";
import { parseServiceId, rootServiceId } from "./serviceId.ts";
import type { DecodedMessage } from "./signedMessage.ts";
import type { Domain } from "./typedData.ts";

/** A record that holds: everything about it was checked against a key. */
export interface CheckedRecord {
  encoded: Hex;
  record: EndpointRecord;
  /** The service's key, or the key in a sub-service's ID. */
  signer: Address;
  /** EIP-712 digest: of two records with one version, the one with the lower digest counts. */
  digest: Hex;
  /** What lets a sub-service's key sign. */
  delegation: Delegation | undefined;
}

/** Whom a record is checked against. */
export interface RecordContext {
  domain: Domain;
  /** Unix milliseconds. */
  now: number;
  /** The service key of the root service, from the chain. */
  rootKey: Address;
  /** Up to when the root has taken its delegations to this ID back, Unix milliseconds. */
  revokedUpTo?: bigint | undefined;
}

/**
 * Whether the times of something signed hold at a moment.
 *
 * @throws BlockcloudError `<prefix>_EXPIRED`, `<prefix>_AHEAD`.
 */
export function checkTimes(
  prefix: "RECORD" | "DELEGATION" | "NAME_RECORD" | "REVOCATION",
  times: { issuedAt: bigint; expiresAt: bigint },
  now: number,
): void {
  if (times.expiresAt <= BigInt(Math.floor(now))) {
    throw new BlockcloudError(`${prefix}_EXPIRED`, `Ran out at ${times.expiresAt} ms.`, {
      remedy: "Whoever publishes it has to sign a new one.",
    });
  }
  if (times.issuedAt > BigInt(Math.floor(now) + MAX_AHEAD_MS)) {
    throw new BlockcloudError(`${prefix}_AHEAD`, `Issued at ${times.issuedAt} ms, in the future.`, {
      remedy: "Set the clock of whoever signed it.",
    });
  }
}

/**
 * Checks a record in full, the cheap things first: encoding and schema, times, signature, and for a
 * sub-service the root's delegation.
 *
 * @param given The encoded record, or what was decoded of it already.
 * @throws BlockcloudError `RECORD_MALFORMED`, `RECORD_EXPIRED`, `RECORD_AHEAD`, `RECORD_SIGNER`,
 *   `DELEGATION_MALFORMED`, `DELEGATION_EXPIRED`, `DELEGATION_AHEAD`, `DELEGATION_SIGNER`,
 *   `DELEGATION_REVOKED`.
 */
export function checkRecord(
  encoded: Hex,
  context: RecordContext,
  given: DecodedMessage<EndpointRecord> = endpointRecords.decode(encoded),
): CheckedRecord {
  const { domain, now } = context;
  const { serviceId } = given.message;
  const { prefix, self } = partsOf(serviceId);
  checkTimes("RECORD", given.message, now);
  const isRoot = rootServiceId(prefix) === serviceId.toLowerCase();
  if (isRoot && given.message.delegation !== "0x") {
    throw new BlockcloudError("RECORD_MALFORMED", "A root service's record carries a delegation.");
  }
  const { message: record, signer, digest } = endpointRecords.verify(given, domain);
  const expected = isRoot ? getAddress(context.rootKey) : self;
  if (signer !== expected) {
    throw new BlockcloudError("RECORD_SIGNER", `Signed by ${signer}, not by ${expected}.`, {
      remedy: "The service's own key must sign: the newest one that was set on chain.",
    });
  }
  const delegation = isRoot ? undefined : checkDelegation(record, context);
  return { encoded, record, signer, digest, delegation };
}

function checkDelegation(record: EndpointRecord, context: RecordContext): Delegation {
  const { domain, now, rootKey, revokedUpTo } = context;
  const { delegation, signer } = readDelegation(record.serviceId, record.delegation, domain);
  checkTimes("DELEGATION", delegation, now);
  if (signer !== getAddress(rootKey)) {
    throw new BlockcloudError("DELEGATION_SIGNER", `Delegated by ${signer}, not by ${rootKey}.`, {
      remedy: "The key of the root service must sign the delegation.",
    });
  }
  if (revokedUpTo !== undefined && delegation.issuedAt <= revokedUpTo) {
    throw new BlockcloudError("DELEGATION_REVOKED", `Taken back at ${revokedUpTo} ms.`, {
      remedy: "The root service has to delegate anew: blockcloud subservice add.",
    });
  }
  return delegation;
}

function partsOf(serviceId: Hex) {
  try {
    return parseServiceId(serviceId);
  } catch (cause) {
    throw new BlockcloudError("RECORD_MALFORMED", `Not a record of a service: ${serviceId}.`, {
      cause,
    });
  }
}
