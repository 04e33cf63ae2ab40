import { hashTypedData, type Address, type Hex } from "viem";
import * as z from "zod";
import { bytesToHex, concatBytes, hexToBytes, word } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { bytes32Schema, messageCodec, uint64Schema } from "./signedMessage.ts";
import { typedData, type Domain } from "./typedData.ts";

/** Longest validity of a delegation, a name or a revocation: 366 days, in milliseconds. */
export const MAX_GRANT_MS = 366 * 24 * 3600 * 1000;
/** Largest encoded revocation, bytes. */
export const MAX_REVOCATION_BYTES = 512;
/** Length of a delegation, bytes: two times of 8 and a signature of 65. */
const DELEGATION_BYTES = 81;

/**
 * A service's permission for the key in a sub-service's ID to sign for that ID. Times are Unix milliseconds.
 */
export interface Delegation {
  serviceId: Hex;
  issuedAt: bigint;
  expiresAt: bigint;
}

/**
 * A service's revocation of its delegations to a sub-service that were issued up to `issuedAt`. It must be
 * kept as long as such a delegation could be valid: until `expiresAt`.
 */
export type Revocation = Delegation;

/** How revocations are signed, encoded and read; errors have the code `REVOCATION_MALFORMED`. */
export const revocations = messageCodec<Revocation & Record<string, unknown>>({
  name: "Revocation",
  what: "a revocation",
  code: "REVOCATION_MALFORMED",
  schema: z
    .object({ serviceId: bytes32Schema, issuedAt: uint64Schema, expiresAt: uint64Schema })
    .refine(runsForATime, "must expire after it was issued, within 366 days"),
  maxBytes: MAX_REVOCATION_BYTES,
});

/**
 * Signs a delegation: `issuedAt (8 bytes) | expiresAt (8) | signature (65)`, as it is contained in the
 * records of the sub-service, which have the other fields.
 *
 * @param key The service key of the root service.
 * @throws BlockcloudError `DELEGATION_MALFORMED` for invalid times.
 */
export function signDelegation(delegation: Delegation, domain: Domain, key: Uint8Array): Hex {
  if (!runsForATime(delegation)) throw malformedDelegation("its times");
  return bytesToHex(
    concatBytes(
      word(delegation.issuedAt).subarray(24),
      word(delegation.expiresAt).subarray(24),
      signDigest(delegationDigest(delegation, domain), key),
    ),
  );
}

/**
 * Decodes a sub-service's delegation of a stranger. `checkRecord` checks that the signer is the root's key
 * and that the delegation has not expired.
 *
 * @throws BlockcloudError `DELEGATION_MALFORMED`.
 */
export function readDelegation(
  serviceId: Hex,
  encoded: Hex,
  domain: Domain,
): { delegation: Delegation; signer: Address } {
  if (!/^0x([0-9a-f]{2})*$/i.test(encoded)) throw malformedDelegation("not hexadecimal");
  const bytes = hexToBytes(encoded);
  if (bytes.length !== DELEGATION_BYTES) throw malformedDelegation(`${bytes.length} bytes`);
  const delegation = {
    serviceId,
    issuedAt: BigInt(bytesToHex(bytes.subarray(0, 8))),
    expiresAt: BigInt(bytesToHex(bytes.subarray(8, 16))),
  };
  if (!runsForATime(delegation)) throw malformedDelegation("its times");
  const signer = recoverSigner(delegationDigest(delegation, domain), bytes.subarray(16));
  if (signer === undefined) throw malformedDelegation("the signature is invalid");
  return { delegation, signer };
}

function delegationDigest(delegation: Delegation, domain: Domain): Uint8Array {
  const types = { Delegation: typedData.Delegation };
  return hexToBytes(
    hashTypedData({ domain, types, primaryType: "Delegation", message: delegation }),
  );
}

/** Whether a message expires after its time of issue and within the longest validity. */
export function runsForATime(times: { issuedAt: bigint; expiresAt: bigint }): boolean {
  const span = times.expiresAt - times.issuedAt;
  return span > 0n && span <= BigInt(MAX_GRANT_MS);
}

function malformedDelegation(what: string): BlockcloudError {
  return new BlockcloudError("DELEGATION_MALFORMED", `Not a delegation: ${what}.`, {
    remedy: "Make one with: blockcloud subservice add.",
  });
}
