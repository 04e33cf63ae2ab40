import { keccak256, type Hex } from "viem";
import * as z from "zod";
import { concatBytes, hexToBytes, ZERO_HASH } from "./bytes.ts";
import { runsForATime } from "./delegation.ts";
import { isLabel } from "./label.ts";
import { parseServiceId } from "./serviceId.ts";
import { bytes32Schema, messageCodec, uint64Schema } from "./signedMessage.ts";

/** Largest encoded name record, bytes. */
export const MAX_NAME_RECORD_BYTES = 640;

const nameRecordSchema = z
  .object({
    root: bytes32Schema.refine(isRoot, "must be under a root service"),
    label: z.string().refine(isLabel, "must be a label"),
    serviceId: bytes32Schema,
    issuedAt: uint64Schema,
    expiresAt: uint64Schema,
  })
  .refine(runsForATime, "must expire after it was issued, within 366 days")
  .refine(
    ({ root, serviceId }) => serviceId === ZERO_HASH || samePrefix(root, serviceId),
    "must name a sub-service of its root",
  );

/**
 * The meaning of a name below a service's label: `<label>.<the root's label>.bloc.alt`. The root's key signs
 * it; its version is `issuedAt`, milliseconds. The zero ID withdraws the name.
 */
export type NameRecord = z.infer<typeof nameRecordSchema>;

/** How name records are signed, encoded and read; errors have the code `NAME_RECORD_MALFORMED`. */
export const nameRecords = messageCodec<NameRecord>({
  name: "NameRecord",
  what: "a name record",
  code: "NAME_RECORD_MALFORMED",
  schema: nameRecordSchema,
  maxBytes: MAX_NAME_RECORD_BYTES,
});

/** The key of a name in the record network: `keccak256(root | label)`. */
export function nameKey(root: Hex, label: string): Hex {
  return keccak256(concatBytes(hexToBytes(root), new TextEncoder().encode(label)));
}

function isRoot(id: Hex): boolean {
  return /^0x(?!0{16})[0-9a-f]{16}0{48}$/i.test(id);
}

function samePrefix(root: Hex, id: Hex): boolean {
  if (root.slice(0, 18) !== id.slice(0, 18).toLowerCase()) return false;
  try {
    parseServiceId(id);
    return true;
  } catch {
    // The ID is malformed; the schema's message describes the fault.
    return false;
  }
}
