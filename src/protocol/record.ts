import {
  decodeAbiParameters,
  encodeAbiParameters,
  hashTypedData,
  size,
  type Address,
  type Hex,
} from "viem";
import { z } from "zod";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { typedData, type Domain } from "./typedData.ts";

/** The longest encoded record in bytes. */
export const MAX_RECORD_BYTES = 2048;
/** The longest lease in milliseconds. */
export const MAX_LEASE_MS = 24 * 3600 * 1000;
/** How far a record's time may lie ahead of the reader's clock, in milliseconds. */
export const MAX_AHEAD_MS = 60_000;

const hex = z.custom<Hex>(
  (value) => typeof value === "string" && /^0x([0-9a-f]{2})*$/i.test(value),
);
const uint64 = z
  .bigint()
  .min(0n)
  .max((1n << 64n) - 1n);
const endpointSchema = z.object({
  uri: z
    .string()
    .max(512)
    .regex(/^(https?|tcp|sal):\/\/[^\s]+$/, "must be an https, http, tcp or sal URI"),
  priority: z.number().int().min(0).max(65_535),
  weight: z.number().int().min(0).max(65_535),
});
const recordSchema = z
  .object({
    serviceId: hex.refine((value) => value.length === 66, "must have 32 bytes"),
    issuedAt: uint64,
    expiresAt: uint64,
    endpoints: z.array(endpointSchema).min(1).max(16),
    delegation: hex,
  })
  .refine((record) => record.expiresAt > record.issuedAt, "must expire after it was issued")
  .refine(
    (record) => record.expiresAt - record.issuedAt <= BigInt(MAX_LEASE_MS),
    "lease longer than a day",
  );

/** Where a service listens. Lower priority first; weight shares the load within one. */
export type Endpoint = z.infer<typeof endpointSchema>;

/** A lease on a service's endpoints. Its version is `issuedAt`, milliseconds. */
export type EndpointRecord = z.infer<typeof recordSchema>;

const types = {
  Endpoint: typedData.Endpoint,
  EndpointRecord: typedData.EndpointRecord,
} as const;
const parameters = [
  { type: "tuple", components: typedData.EndpointRecord.map(toComponent) },
  { type: "bytes" },
] as const;

function toComponent(field: { name: string; type: string }) {
  return field.type === "Endpoint[]"
    ? { name: field.name, type: "tuple[]", components: typedData.Endpoint }
    : field;
}

/**
 * Signs a record and encodes it: `abi.encode(record, signature)`.
 *
 * @throws BlockcloudError `RECORD_MALFORMED` for a record that nobody would read.
 */
export function signRecord(record: EndpointRecord, domain: Domain, key: Uint8Array): Hex {
  const valid = parseRecord(record);
  const signature = bytesToHex(signDigest(recordDigest(valid, domain), key));
  const encoded = encodeAbiParameters(parameters, [valid, signature]);
  if (size(encoded) > MAX_RECORD_BYTES) {
    throw malformedRecord(`${size(encoded)} bytes, more than ${MAX_RECORD_BYTES}`);
  }
  return encoded;
}

/**
 * Reads an encoded record from a stranger: bounds, schema and signer. Each signed record has one encoding,
 * so that nobody can multiply it by encoding it anew. Whether the signer is the service's key, and whether
 * the lease runs, is for the caller to check.
 *
 * @throws BlockcloudError `RECORD_MALFORMED`.
 */
export function readRecord(
  encoded: Hex,
  domain: Domain,
): { record: EndpointRecord; signer: Address } {
  if (size(encoded) > MAX_RECORD_BYTES) throw malformedRecord(`${size(encoded)} bytes`);
  let decoded: readonly [unknown, Hex];
  try {
    decoded = decodeAbiParameters(parameters, encoded);
  } catch (cause) {
    throw malformedRecord("not the ABI encoding", cause);
  }
  const record = parseRecord(decoded[0]);
  if (encodeAbiParameters(parameters, [record, decoded[1]]) !== encoded.toLowerCase()) {
    throw malformedRecord("not the canonical ABI encoding");
  }
  const signer = recoverSigner(recordDigest(record, domain), hexToBytes(decoded[1]));
  if (signer === undefined) throw malformedRecord("signed by nobody");
  return { record, signer };
}

function parseRecord(value: unknown): EndpointRecord {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    throw malformedRecord(parsed.error.issues[0]?.message ?? "schema", parsed.error);
  }
  return parsed.data;
}

function recordDigest(record: EndpointRecord, domain: Domain): Uint8Array {
  return hexToBytes(
    hashTypedData({ domain, types, primaryType: "EndpointRecord", message: record }),
  );
}

function malformedRecord(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("RECORD_MALFORMED", `Not an endpoint record: ${what}.`, { cause });
}
