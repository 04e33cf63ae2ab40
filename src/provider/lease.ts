import type { Hex } from "viem";
import type { RecordNetwork } from "../coral/network.ts";
import { signRecord, type Endpoint } from "../protocol/record.ts";
import type { Domain } from "../protocol/typedData.ts";
import type { ProviderStore } from "./store.ts";

/** How long a record holds, milliseconds; it is renewed at half of it. */
export const LEASE_MS = 60_000;

export interface LeaseOptions {
  serviceId: Hex;
  /** Signs the records: the service's key, or the key in a sub-service's ID. */
  key: Uint8Array;
  /** The root's, for a sub-service; else `0x`. */
  delegation: Hex;
  domain: Domain;
}

export interface LeaseDependencies {
  network: Pick<RecordNetwork, "publish">;
  store: Pick<ProviderStore, "raiseVersion">;
  /** Unix milliseconds of the chain's time. */
  now: () => number;
}

/** A record that was published. Times are Unix milliseconds. */
export interface PublishedLease {
  endpoints: readonly Endpoint[];
  issuedAt: number;
  expiresAt: number;
  /** Peers that it was pushed to; 0 when this node is alone. */
  peers: number;
  /** Settles when the network's look-up store has it, with how many peers took it. */
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
  const expiresAt = issuedAt + LEASE_MS;
  const record = {
    serviceId,
    issuedAt: BigInt(issuedAt),
    expiresAt: BigInt(expiresAt),
    endpoints: [...endpoints],
    delegation,
  };
  const pushed = await network.publish("endpoint", signRecord(record, domain, key));
  return { endpoints, issuedAt, expiresAt, ...pushed };
}
