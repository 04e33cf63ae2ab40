import { getAddress, type Address, type Hex } from "viem";
import {
  checkRecord,
  checkTimes,
  type CheckedRecord,
  type RecordContext,
} from "../protocol/checkRecord.ts";
import { MAX_GRANT_MS, MAX_REVOCATION_BYTES, revocations } from "../protocol/delegation.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { MAX_NAME_RECORD_BYTES, nameKey, nameRecords } from "../protocol/nameRecord.ts";
import { endpointRecords, MAX_LEASE_MS, MAX_RECORD_BYTES } from "../protocol/record.ts";
import { parseServiceId, rootServiceId, type ServiceIdParts } from "../protocol/serviceId.ts";
import type { CheckedName, CheckedRevocation, MessageKind } from "./network.ts";

/** What a checked message says, by its kind. */
export type CheckedMessage =
  | { kind: "endpoint"; record: CheckedRecord }
  | { kind: "name"; name: CheckedName }
  | { kind: "revocation"; revocation: CheckedRevocation };

/** A message whose signature was checked. */
export interface CheckedClaim {
  message: CheckedMessage;
  signer: Address;
  digest: Hex;
  /** Unix milliseconds up to which it holds. */
  until: number;
}

/** A message that was decoded: what it claims, before the chain and the signature were asked. */
export interface Claim {
  kind: MessageKind;
  encoded: Hex;
  /** The service number of the root that answers for it. */
  number: bigint;
  /** The service that it is about; of a name, the root that gives it. */
  serviceId: Hex;
  /** The 32 bytes that it is kept under: a service ID, or a name's key. */
  place: Hex;
  /** Its version, Unix milliseconds. */
  issuedAt: bigint;
  /** Unix milliseconds. */
  expiresAt: bigint;
  /** Nothing issued at or before `issuedAt` can hold longer than this after it, milliseconds. */
  longest: number;
  /**
   * Signature, signer and delegation; the dear part.
   *
   * @throws BlockcloudError with one of the codes in `refusal.ts`.
   */
  check(context: RecordContext): CheckedClaim;
}

/** The longest encoding of each kind in bytes. */
export const maxBytes: Readonly<Record<MessageKind, number>> = {
  endpoint: MAX_RECORD_BYTES,
  name: MAX_NAME_RECORD_BYTES,
  revocation: MAX_REVOCATION_BYTES,
};

/**
 * Reads what a stranger claims: encoding, schema and times.
 *
 * @param now Unix milliseconds.
 * @throws BlockcloudError with one of the codes in `refusal.ts`.
 */
export function readClaim(kind: MessageKind, encoded: Hex, now: number): Claim {
  switch (kind) {
    case "endpoint":
      return readEndpoint(encoded, now);
    case "name":
      return readName(encoded, now);
    case "revocation":
      return readRevocation(encoded, now);
  }
}

function readEndpoint(encoded: Hex, now: number): Claim {
  const decoded = endpointRecords.decode(encoded);
  const { serviceId, issuedAt, expiresAt } = decoded.message;
  const id = lower(serviceId);
  const { prefix } = partsOf(id, "RECORD_MALFORMED");
  checkTimes("RECORD", decoded.message, now);
  return {
    kind: "endpoint",
    encoded,
    number: prefix,
    serviceId: id,
    place: id,
    issuedAt,
    expiresAt,
    longest: MAX_LEASE_MS,
    check(context) {
      const record = checkRecord(encoded, context, decoded);
      const ends = [
        record.record.expiresAt,
        record.delegation?.expiresAt ?? record.record.expiresAt,
      ];
      return {
        message: { kind: "endpoint", record },
        signer: record.signer,
        digest: record.digest,
        until: Math.min(...ends.map(Number)),
      };
    },
  };
}

function readName(encoded: Hex, now: number): Claim {
  const decoded = nameRecords.decode(encoded);
  const { root, label, issuedAt, expiresAt } = decoded.message;
  checkTimes("NAME_RECORD", decoded.message, now);
  const id = lower(root);
  return {
    kind: "name",
    encoded,
    number: partsOf(id, "NAME_RECORD_MALFORMED").prefix,
    serviceId: id,
    place: nameKey(id, label),
    issuedAt,
    expiresAt,
    longest: MAX_GRANT_MS,
    check({ domain, rootKey }) {
      const { message: record, signer, digest } = nameRecords.verify(decoded, domain);
      expectSigner("NAME_RECORD_SIGNER", signer, rootKey);
      return {
        message: { kind: "name", name: { encoded, record, digest } },
        signer,
        digest,
        until: Number(expiresAt),
      };
    },
  };
}

function readRevocation(encoded: Hex, now: number): Claim {
  const decoded = revocations.decode(encoded);
  const { serviceId, issuedAt, expiresAt } = decoded.message;
  const id = lower(serviceId);
  const { prefix } = partsOf(id, "REVOCATION_MALFORMED");
  if (id === rootServiceId(prefix)) {
    throw new BlockcloudError("REVOCATION_MALFORMED", "Nobody delegates to a root service.");
  }
  checkTimes("REVOCATION", decoded.message, now);
  return {
    kind: "revocation",
    encoded,
    number: prefix,
    serviceId: id,
    place: id,
    issuedAt,
    expiresAt,
    longest: MAX_GRANT_MS,
    check({ domain, rootKey }) {
      const { message: revocation, signer, digest } = revocations.verify(decoded, domain);
      expectSigner("REVOCATION_SIGNER", signer, rootKey);
      return {
        message: { kind: "revocation", revocation: { encoded, revocation, digest } },
        signer,
        digest,
        until: Number(expiresAt),
      };
    },
  };
}

/** The key that must sign, where it can be told without the chain: a sub-service's own. */
export function signerInId({ kind, serviceId }: Claim): Address | undefined {
  if (kind !== "endpoint") return undefined;
  const { self } = parseServiceId(serviceId);
  return BigInt(self) === 0n ? undefined : self;
}

/** How far the clocks of two honest nodes, and the way between them, may be apart, milliseconds. */
const SLACK_MS = 60_000;

/**
 * Whether a message that was refused for its times would be taken in a moment before or after: then
 * whoever passed it on may well be honest.
 */
export function isBorderline(kind: MessageKind, encoded: Hex, now: number): boolean {
  return [now - SLACK_MS, now + SLACK_MS].some((moment) => {
    try {
      readClaim(kind, encoded, moment);
      return true;
    } catch {
      // Refused then as well.
      return false;
    }
  });
}

/** A version of which there is one that counts: the later, of two at one time the lower digest. */
export function isNewer(
  a: { issuedAt: bigint; digest: Hex },
  b: { issuedAt: bigint; digest: Hex },
): boolean {
  return a.issuedAt === b.issuedAt ? a.digest < b.digest : a.issuedAt > b.issuedAt;
}

function expectSigner(code: string, signer: Address, rootKey: Address): void {
  if (signer === getAddress(rootKey)) return;
  throw new BlockcloudError(code, `Signed by ${signer}, not by ${rootKey}.`, {
    remedy: "The service's own key must sign: the newest one that was set on chain.",
  });
}

function partsOf(serviceId: Hex, code: string): ServiceIdParts {
  try {
    return parseServiceId(serviceId);
  } catch (cause) {
    throw new BlockcloudError(code, `Not a service: ${serviceId}.`, { cause });
  }
}

function lower(id: Hex): Hex {
  return id.toLowerCase() as Hex;
}
