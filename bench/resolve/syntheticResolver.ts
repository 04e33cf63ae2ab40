import { keccak256, type Hex } from "viem";
import type { RecordNetwork } from "../../src/coral/network.ts";
import { createLogger } from "../../src/node/createLogger.ts";
import type { Logger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import type { VerifiedRecord } from "../../src/protocol/checkRecord.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { silentObserver } from "../../src/resolver/metrics.ts";
import { ServiceResolver } from "../../src/resolver/serviceResolver.ts";
import { ServiceTable } from "../../src/resolver/table/serviceTable.ts";
import { domain, endpointRecord, keyOf, numberOf, syntheticDirectory } from "./services.ts";

/** Records of a benchmark do not expire during the run. */
const LEASE_MS = 6 * 3600 * 1000;

/** Unix milliseconds like a chain's clock: a start time, advanced by the monotonic timer. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export const silent: Logger = createLogger({ name: "bench", level: "silent" });

/** A resolver of synthetic services without a chain. It must be started. */
export function syntheticResolver(
  services: number,
  network: RecordNetwork,
  table = new ServiceTable(Math.random),
): ServiceResolver {
  return new ServiceResolver(
    { id: "bench", domain, limits: { entries: services } },
    {
      directory: syntheticDirectory(services),
      network,
      announcements: { announced: () => undefined, refresh: () => Promise.resolve() },
      table,
      remote: { resolve: () => Promise.reject(new Error("No rule forwards.")) },
      now,
      timers: systemTimers,
      log: silent,
      metrics: silentObserver(),
    },
  );
}

/**
 * A record network of one node that signs records on request and stores none, so that only the resolver uses memory.
 */
export function signingNetwork(): RecordNetwork {
  return {
    publish: () => Promise.resolve({ peers: 0, stored: Promise.resolve(0) }),
    record: () => undefined,
    find: (serviceId) => Promise.resolve(signed(serviceId)),
    findName: () => Promise.resolve(undefined),
    revokedUpTo: () => undefined,
    onArrival: () => () => {},
    peers: 1,
    alone: false,
  };
}

/** The record is validly signed and not checked again, like the verified records of the real network. */
function signed(serviceId: Hex): VerifiedRecord {
  const number = numberOf(serviceId);
  const record = endpointRecord(number, { issuedAt: Math.floor(now()), leaseMs: LEASE_MS });
  const { key, address: signer } = keyOf(number);
  const encoded = signRecord(record, domain, key);
  return { encoded, record, signer, digest: keccak256(encoded), delegation: undefined };
}
