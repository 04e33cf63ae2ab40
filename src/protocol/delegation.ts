import { hashTypedData, type Address, type Hex } from "viem";
import { z } from "zod";
import { bytesToHex, concatBytes, hexToBytes, word } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { bytes32Schema, messageCodec, uint64Schema } from "./signedMessage.ts";
import { typedData, type Domain } from "./typedData.ts";

/** The longest that a delegation, a name or a revocation may hold, in milliseconds: 366 days. */
export const MAX_GRANT_MS = 366 * 24 * 3600 * 1000;
/** The longest encoded revocation in bytes. */
export const MAX_REVOCATION_BYTES = 512;
/** Bytes of a delegation: two times of 8 and a signature of 65. */
const DELEGATION_BYTES = 81;

/** That a service's key lets the key in a sub-service's ID sign for it. Times in Unix milliseconds. */
export interface Delegation {
  serviceId: Hex;
  issuedAt: bigint;
  expiresAt: bigint;
}

/**
 * That a service's key takes back what it delegated to a sub-service up to `issuedAt`. It has to be known
 * as long as such a delegation could run: up to `expiresAt`.
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
 * Signs a delegation: `issuedAt (8 bytes) | expiresAt (8) | signature (65)`, as it stands in the records of
 * the sub-service, which name the rest.
 *
 * @param key The service key of the root service.
 * @throws BlockcloudError `DELEGATION_MALFORMED` for times that nobody would take.
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
 * Reads a delegation of a sub-service from a stranger. Whether the signer is the root's key, and whether it
 * runs, is for `checkRecord` to say.
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
  if (signer === undefined) throw malformedDelegation("signed by nobody");
  return { delegation, signer };
}

function delegationDigest(delegation: Delegation, domain: Domain): Uint8Array {
  const types = { Delegation: typedData.Delegation };
  return hexToBytes(
    hashTypedData({ domain, types, primaryType: "Delegation", message: delegation }),
  );
}

/** Whether something expires after it was issued, and not too late. */
export function runsForATime(times: { issuedAt: bigint; expiresAt: bigint }): boolean {
  const span = times.expiresAt - times.issuedAt;
  return span > 0n && span <= BigInt(MAX_GRANT_MS);
}

function malformedDelegation(what: string): BlockcloudError {
  return new BlockcloudError("DELEGATION_MALFORMED", `Not a delegation: ${what}.`, {
    remedy: "Make one with: blockcloud subservice add.",
  });
}
