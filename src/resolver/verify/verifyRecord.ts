import type { Hex } from "viem";
import type { Directory } from "../../chain/directory.ts";
import { checkRecord, type VerifiedRecord } from "../../protocol/checkRecord.ts";
import { endpointRecords } from "../../protocol/record.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { inactiveService, unknownService } from "../errors.ts";
import { numberOfId } from "../ids.ts";

/**
 * Checks a signed record against the chain; its sender need not be trusted.
 *
 * @throws BlockcloudError of `checkRecord`, `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`; or the signal's reason.
 */
export async function verifyRecord(
  encoded: Hex,
  context: {
    domain: Domain;
    directory: Pick<Directory, "facts">;
    /** Unix milliseconds. */
    now: number;
    revokedUpTo(serviceId: Hex): bigint | undefined;
  },
  signal: AbortSignal,
): Promise<VerifiedRecord> {
  const decoded = endpointRecords.decode(encoded);
  const { serviceId } = decoded.message;
  const number = numberOfId(serviceId);
  const facts = await context.directory.facts(number, signal);
  if (facts === undefined) throw unknownService(`${number}`);
  if (facts.status !== "Active") throw inactiveService(number, facts.status);
  const { domain, now } = context;
  const revokedUpTo = context.revokedUpTo(serviceId);
  return checkRecord(encoded, { domain, now, rootKey: facts.key, revokedUpTo }, decoded);
}
