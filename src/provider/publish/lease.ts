import type { Hex } from "viem";
import type { RecordNetwork } from "../../coral/network.ts";
import { signRecord, type Endpoint } from "../../protocol/record.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { ProviderStore } from "../store.ts";

/** Lease of a record, milliseconds; it is renewed after half of it. */
export const RECORD_LEASE_MS = 60_000;

export interface LeaseOptions {
  serviceId: Hex;
  /** The key that signs records: the service's key, or the key in a sub-service's ID. */
  key: Uint8Array;
  /** The root's delegation for a sub-service; otherwise `0x`. */
  delegation: Hex;
  domain: Domain;
}

export interface LeaseDependencies {
  network: Pick<RecordNetwork, "publish">;
  store: Pick<ProviderStore, "raiseVersion">;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
}

/** A published record. Times are Unix milliseconds. */
export interface PublishedLease {
  endpoints: readonly Endpoint[];
  /** The signed record. */
  encoded: Hex;
  issuedAt: number;
  expiresAt: number;
  /** Number of peers that it was pushed to; 0 without a peer. */
  peers: number;
  /** Settles when it is in the network's lookup store, with the number of peers that stored it. */
  stored: Promise<number>;
}

/** Signs the next record of a service and publishes it in the record network. */
export async function publishLease(
  endpoints: readonly Endpoint[],
  options: LeaseOptions,
  { network, store, now }: LeaseDependencies,
): Promise<PublishedLease> {
  const { serviceId, key, delegation, domain } = options;
  const issuedAt = store.raiseVersion(serviceId, Math.floor(now()));
  const expiresAt = issuedAt + RECORD_LEASE_MS;
  const record = {
    serviceId,
    issuedAt: BigInt(issuedAt),
    expiresAt: BigInt(expiresAt),
    endpoints: [...endpoints],
    delegation,
  };
  const encoded = signRecord(record, domain, key);
  const pushed = await network.publish("endpoint", encoded);
  return { endpoints, encoded, issuedAt, expiresAt, ...pushed };
}
