import { hkdfSync } from "node:crypto";
import path from "node:path";
import type { Hex } from "viem";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { ProviderStore } from "../store.ts";
import type { Grant } from "./grants.ts";
import { grantSubService } from "./subservices.ts";

/** A sub-service of this host, with its own key and the delegation to it. */
export interface LocalDevice {
  key: Hex;
  grant: Grant;
}

/**
 * The key of a sub-service on the host that holds its service's key: it follows from that key, so no further secret is
 * kept, and the sub-service has the same ID each time.
 *
 * @param use What tells several sub-services of one host apart.
 */
export function localDeviceKey(serviceKey: Uint8Array, number: bigint, use: string): Hex {
  const info = Buffer.from(`blockcloud sub-service of this host ${number} ${use}`);
  // The chance that 32 bytes are no key of secp256k1 is 2^-128.
  return bytesToHex(new Uint8Array(hkdfSync("sha256", serviceKey, new Uint8Array(), info, 32)));
}

/** The store of a sub-service's agent. */
export function subServiceStoreFile(stateDir: string, deployment: Deployment, self: Hex): string {
  return path.join(stateDir, `subservice-${self}-${deploymentTag(deployment)}.sqlite`);
}

/**
 * Delegates to a sub-service of this host. Its own agent publishes its name, so that no other agent has to run.
 *
 * @throws BlockcloudError `SUBSERVICE_LABEL`, `SUBSERVICE_TIME`, or if the store cannot be opened.
 */
export function grantLocalDevice(
  root: { number: bigint; key: Uint8Array; domain: Domain },
  request: { use: string; label: string | undefined; forMs: number },
  place: { stateDir: string; deployment: Deployment; now: () => number },
): LocalDevice {
  const key = localDeviceKey(root.key, root.number, request.use);
  const self = addressOfKey(key);
  const store = new ProviderStore(subServiceStoreFile(place.stateDir, place.deployment, self));
  try {
    const { label, forMs } = request;
    const granter = { ...root, grants: store.grants, now: place.now };
    return { key, grant: grantSubService(granter, { self, group: 0, label, forMs }) };
  } finally {
    store.close();
  }
}
