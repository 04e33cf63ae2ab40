import { getAddress, type Address, type Hex } from "viem";
import {
  checkRecord,
  checkTimes,
  type VerifiedRecord,
  type RecordContext,
} from "../../protocol/checkRecord.ts";
import { MAX_GRANT_MS, MAX_REVOCATION_BYTES, revocations } from "../../protocol/delegation.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { MAX_NAME_RECORD_BYTES, nameKey, nameRecords } from "../../protocol/nameRecord.ts";
import { endpointRecords, MAX_LEASE_MS, MAX_RECORD_BYTES } from "../../protocol/record.ts";
import { parseServiceId, rootServiceId, type ServiceIdParts } from "../../protocol/serviceId.ts";
import type { VerifiedName, VerifiedRevocation, MessageKind } from "../network.ts";

/** The content of a verified message, by its kind. */
export type MessageContent =
  | { kind: "endpoint"; record: VerifiedRecord }
  | { kind: "name"; name: VerifiedName }
  | { kind: "revocation"; revocation: VerifiedRevocation };

/** A message whose signature was checked. */
export interface VerifiedMessage {
  message: MessageContent;
  signer: Address;
  digest: Hex;
  /** End of validity, Unix milliseconds. */
  until: number;
}

/** A decoded message whose signer is not yet checked against its signature and the chain. */
export interface UnverifiedMessage {
  kind: MessageKind;
  encoded: Hex;
  /** Number of the root service that is responsible for the message. */
  number: bigint;
  /** The service that the message is about; for a name record, the root that gives the name. */
  serviceId: Hex;
  /** The 32-byte key under which a node stores it: a service ID, or the key of a name. */
  place: Hex;
  /** Version: the time of issue, Unix milliseconds. */
  issuedAt: bigint;
  /** Unix milliseconds. */
  expiresAt: bigint;
  /**
   * No message issued at or before `issuedAt` is valid for longer than this after `issuedAt`, milliseconds.
   */
  longest: number;
  /**
   * Checks signature, signer and delegation: the expensive part.
   *
   * @throws BlockcloudError with one of the codes in `refusal.ts`.
   */
  check(context: RecordContext): VerifiedMessage;
}

/** The longest encoding of each kind in bytes. */
export const maxBytes: Readonly<Record<MessageKind, number>> = {
  endpoint: MAX_RECORD_BYTES,
  name: MAX_NAME_RECORD_BYTES,
  revocation: MAX_REVOCATION_BYTES,
};

/**
 * Decodes a message of a stranger and checks encoding, schema and times.
 *
 * @param now Unix milliseconds.
 * @throws BlockcloudError with one of the codes in `refusal.ts`.
 */
export function readClaim(kind: MessageKind, encoded: Hex, now: number): UnverifiedMessage {
  switch (kind) {
    case "endpoint":
      return readEndpoint(encoded, now);
    case "name":
      return readName(encoded, now);
    case "revocation":
      return readRevocation(encoded, now);
  }
}

function readEndpoint(encoded: Hex, now: number): UnverifiedMessage {
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

function readName(encoded: Hex, now: number): UnverifiedMessage {
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

function readRevocation(encoded: Hex, now: number): UnverifiedMessage {
  const decoded = revocations.decode(encoded);
  const { serviceId, issuedAt, expiresAt } = decoded.message;
  const id = lower(serviceId);
  const { prefix } = partsOf(id, "REVOCATION_MALFORMED");
  if (id === rootServiceId(prefix)) {
    throw new BlockcloudError(
      "REVOCATION_MALFORMED",
      "A root service has no delegation that could be revoked.",
    );
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

/** The key that must sign, if it is known without the chain: that of a sub-service is in its ID. */
export function signerInId({ kind, serviceId }: UnverifiedMessage): Address | undefined {
  if (kind !== "endpoint") return undefined;
  const { self } = parseServiceId(serviceId);
  return BigInt(self) === 0n ? undefined : self;
}

/** The largest difference between the clocks of two honest nodes, transmission included, milliseconds. */
const SLACK_MS = 60_000;

/**
 * Whether a message that was refused for its times would be accepted a moment earlier or later. Then the peer
 * that forwarded it may be honest.
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

/**
 * Whether a version replaces another one: the later wins, and of two issued at the same time the lower
 * digest.
 */
export function isNewer(
  a: { issuedAt: bigint; digest: Hex },
  b: { issuedAt: bigint; digest: Hex },
): boolean {
  return a.issuedAt === b.issuedAt ? a.digest < b.digest : a.issuedAt > b.issuedAt;
}

function expectSigner(code: string, signer: Address, rootKey: Address): void {
  if (signer === getAddress(rootKey)) return;
  throw new BlockcloudError(code, `Signed by ${signer}, not by ${rootKey}.`, {
    remedy: "Sign with the service's key: the newest one that was set on chain.",
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
