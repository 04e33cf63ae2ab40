import type { Address, Hex } from "viem";
import * as z from "zod";
import { bytes32Schema, hexSchema, messageCodec, uint64Schema } from "./signedMessage.ts";
import type { Domain } from "./typedData.ts";

/** Largest encoded record, bytes. */
export const MAX_RECORD_BYTES = 2048;
/** Longest lease, milliseconds. */
export const MAX_LEASE_MS = 24 * 3600 * 1000;
/** How far a record's time of issue may be ahead of the reader's clock, milliseconds. */
export const MAX_AHEAD_MS = 60_000;

/** The schema of an endpoint. */
export const endpointSchema = z.object({
  uri: z
    .string()
    .max(512)
    .regex(/^(https?|tcp|sal):\/\/[^\s]+$/, "must be an https, http, tcp or sal URI"),
  priority: z.number().int().min(0).max(65_535),
  weight: z.number().int().min(0).max(65_535),
});
const recordSchema = z
  .object({
    serviceId: bytes32Schema,
    issuedAt: uint64Schema,
    expiresAt: uint64Schema,
    endpoints: z.array(endpointSchema).min(1).max(16),
    delegation: hexSchema,
  })
  .refine((record) => record.expiresAt > record.issuedAt, "must expire after it was issued")
  .refine(
    (record) => record.expiresAt - record.issuedAt <= BigInt(MAX_LEASE_MS),
    "lease longer than a day",
  );

/**
 * An endpoint of a service. Lower priority numbers come first; the weight distributes the load within a
 * priority.
 */
export type Endpoint = z.infer<typeof endpointSchema>;

/** A lease on a service's endpoints. Its version is `issuedAt`, milliseconds. */
export type EndpointRecord = z.infer<typeof recordSchema>;

/** How endpoint records are signed, encoded and read; errors have the code `RECORD_MALFORMED`. */
export const endpointRecords = messageCodec<EndpointRecord>({
  name: "EndpointRecord",
  what: "an endpoint record",
  code: "RECORD_MALFORMED",
  schema: recordSchema,
  maxBytes: MAX_RECORD_BYTES,
});

/**
 * Signs a record and encodes it: `abi.encode(record, signature)`.
 *
 * @throws BlockcloudError `RECORD_MALFORMED` for a record that readers would refuse.
 */
export function signRecord(record: EndpointRecord, domain: Domain, key: Uint8Array): Hex {
  return endpointRecords.sign(record, domain, key);
}

/**
 * Decodes a stranger's record, and checks bounds, schema and signature. `checkRecord` checks that the signer
 * may sign for the service, and that the lease has not ended.
 *
 * @throws BlockcloudError `RECORD_MALFORMED`.
 */
export function readRecord(
  encoded: Hex,
  domain: Domain,
): { record: EndpointRecord; signer: Address } {
  const { message, signer } = endpointRecords.read(encoded, domain);
  return { record: message, signer };
}
