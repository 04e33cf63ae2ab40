import { getAddress, type Address, type Hex } from "viem";
import { readDelegation, type Delegation } from "./delegation.ts";
import { BlockcloudError } from "./errors.ts";
import { endpointRecords, MAX_AHEAD_MS, type EndpointRecord } from "./record.ts";
import { parseServiceId, rootServiceId } from "./serviceId.ts";
import type { DecodedMessage } from "./signedMessage.ts";
import type { Domain } from "./typedData.ts";

/** A verified record: it was fully checked against a key. */
export interface VerifiedRecord {
  encoded: Hex;
  record: EndpointRecord;
  /** The service's key, or the key in a sub-service's ID. */
  signer: Address;
  /** EIP-712 digest: of two records with the same version, the one with the lower digest wins. */
  digest: Hex;
  /** The delegation to a sub-service's key. */
  delegation: Delegation | undefined;
}

/** The data against which a record is checked. */
export interface RecordContext {
  domain: Domain;
  /** Unix milliseconds. */
  now: number;
  /** The service key of the root service, from the chain. */
  rootKey: Address;
  /** Delegations of the root to this ID that were issued up to this time are revoked, Unix milliseconds. */
  revokedUpTo?: bigint | undefined;
}

/**
 * Checks that a signed message is valid at a time.
 *
 * @throws BlockcloudError `<prefix>_EXPIRED`, `<prefix>_AHEAD`.
 */
export function checkTimes(
  prefix: "RECORD" | "DELEGATION" | "NAME_RECORD" | "REVOCATION",
  times: { issuedAt: bigint; expiresAt: bigint },
  now: number,
): void {
  if (times.expiresAt <= BigInt(Math.floor(now))) {
    throw new BlockcloudError(`${prefix}_EXPIRED`, `Expired at ${times.expiresAt} ms.`, {
      remedy: "The publisher must sign a new one.",
    });
  }
  if (times.issuedAt > BigInt(Math.floor(now) + MAX_AHEAD_MS)) {
    throw new BlockcloudError(`${prefix}_AHEAD`, `Issued at ${times.issuedAt} ms, in the future.`, {
      remedy: "Correct the signer's clock.",
    });
  }
}

/**
 * Checks a record in full, cheap checks first: encoding and schema, times, signature, and for a sub-service
 * the root's delegation.
 *
 * @param given The encoded record, or the already decoded one.
 * @throws BlockcloudError `RECORD_MALFORMED`, `RECORD_EXPIRED`, `RECORD_AHEAD`, `RECORD_SIGNER`,
 *   `DELEGATION_MALFORMED`, `DELEGATION_EXPIRED`, `DELEGATION_AHEAD`, `DELEGATION_SIGNER`,
 *   `DELEGATION_REVOKED`.
 */
export function checkRecord(
  encoded: Hex,
  context: RecordContext,
  given: DecodedMessage<EndpointRecord> = endpointRecords.decode(encoded),
): VerifiedRecord {
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
      remedy: "Sign with the service's key: the newest one that was set on chain.",
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
    throw new BlockcloudError(
      "DELEGATION_REVOKED",
      `The delegation was revoked at ${revokedUpTo} ms.`,
      {
        remedy: "The root service must delegate again: blockcloud subservice add.",
      },
    );
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
