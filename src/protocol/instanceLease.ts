import * as z from "zod";
import { endpointSchema, MAX_RECORD_BYTES } from "./record.ts";
import { bytes32Schema, hexSchema, messageCodec, uint64Schema } from "./signedMessage.ts";

/** Longest lease of an instance, milliseconds: that of the record which names it. */
export const MAX_INSTANCE_LEASE_MS = 60_000;

const leaseSchema = z
  .object({
    serviceId: bytes32Schema,
    instance: hexSchema.refine((value) => value.length === 18, "must have 8 bytes"),
    issuedAt: uint64Schema,
    expiresAt: uint64Schema,
    endpoints: z.array(endpointSchema).max(16),
  })
  .refine((lease) => lease.expiresAt > lease.issuedAt, "must expire after it was issued")
  .refine(
    (lease) => lease.expiresAt - lease.issuedAt <= BigInt(MAX_INSTANCE_LEASE_MS),
    "lease longer than a minute",
  );

/**
 * What an instance of a service hands to the one that publishes the service's record: where it can be reached, and until
 * when. The service's key signs it; its version is `issuedAt`, milliseconds. Without endpoints the instance leaves.
 *
 * It is no record: a stranger who sees it cannot publish it in the record's place.
 */
export type InstanceLease = z.infer<typeof leaseSchema>;

/** How leases are signed, encoded and read; errors have the code `INSTANCE_LEASE_MALFORMED`. */
export const instanceLeases = messageCodec<InstanceLease>({
  name: "InstanceLease",
  what: "a lease of an instance",
  code: "INSTANCE_LEASE_MALFORMED",
  schema: leaseSchema,
  maxBytes: MAX_RECORD_BYTES,
});
