import type { Address, Hex } from "viem";
import { checkRecord } from "@protocol/checkRecord.ts";
import { rootServiceId } from "@protocol/serviceId.ts";
import { blockcloudDomain } from "@protocol/typedData.ts";
import { storable } from "./context.ts";
import { deployment } from "./settings.ts";

/** An announced record that counts: it names the root service, and its newest key signed it. */
export function provenRecord(encoded: Hex, number: bigint, rootKey: Address, time: bigint) {
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  try {
    const { record } = checkRecord(encoded, { domain, now: Number(time) * 1000, rootKey });
    if (record.serviceId.toLowerCase() !== rootServiceId(number)) return undefined;
    return {
      issuedAt: record.issuedAt,
      expiresAt: record.expiresAt,
      endpoints: record.endpoints.map(({ uri, priority, weight }) => ({
        uri: storable(uri, 512),
        priority,
        weight,
      })),
    };
  } catch {
    return undefined; // Whatever is wrong with it, it is no record of this service: `proven` says so.
  }
}
