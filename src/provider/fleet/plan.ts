import type { Hex } from "viem";
import type { ListenAddress } from "../gateway/gateways.ts";
import type { ServedPort } from "../../net/servedPort.ts";
import type { SalLimits } from "../../sal/provider/limits.ts";
import type { RelaySettings } from "../relays/relayLines.ts";
import type { ReplicaSettings } from "../replicas/settings.ts";
import type { GatewayLimits } from "../gateway/options.ts";
import type { PaySettings } from "../pay/settings.ts";

/** The settings of one service of an agent. */
export interface ServiceSettings {
  /** The service number. */
  number: bigint;
  /** The HTTP server behind the gateway. */
  upstream: URL;
  listen: ListenAddress;
  /** URL at which clients reach the gateway; without it, the address that it listens on. */
  endpoint: string | undefined;
  /** Ports in the SAL, besides 80. */
  ports?: readonly ServedPort[] | undefined;
  /** This instance of several that serve the ID. */
  replica?: ReplicaSettings | undefined;
  /** Limits of the gateway, and the proxies in front of it. */
  gateway?: GatewayLimits | undefined;
  /** Limits of the SAL. */
  sal?: SalLimits | undefined;
  /** Relays through which clients reach this instance. */
  relay?: RelaySettings | undefined;
  /** How long a gateway that is left stays open, milliseconds; by default the lease of a record. */
  graceMs?: number | undefined;
  /** What the service costs its users; without it, nothing. */
  pay?: PaySettings | undefined;
  /** Epochs that one settlement collects. */
  settleEvery: number;
}

/** The keys of a service. */
export interface ServiceKeys {
  /** Signs receipts and records. */
  serviceKey: Hex;
  /** Earlier service keys, for challenges that were opened while one of them was in effect. */
  previousKeys: readonly Hex[];
}

/** A service that an agent is to serve. */
export interface ServicePlan {
  readonly settings: ServiceSettings;
  /** Identifies settings: another text means other settings. */
  readonly fingerprint: string;
  /** Identifies the keys in the same way; undefined if they cannot be read now. */
  readonly keyFingerprint: string | undefined;
  /**
   * Opens the keys.
   *
   * @throws BlockcloudError if they cannot be read.
   */
  keys(): Promise<ServiceKeys>;
}

/** The source of the services: read at the start and at each reload. */
export interface ServiceSource {
  /** @throws BlockcloudError with all faults; then nothing changes. */
  read(): Promise<readonly ServicePlan[]>;
}

/** A source that never changes. */
export function fixedSource(settings: ServiceSettings, keys: ServiceKeys): ServiceSource {
  const plan: ServicePlan = {
    settings,
    fingerprint: "",
    keyFingerprint: "",
    keys: () => Promise.resolve(keys),
  };
  return { read: () => Promise.resolve([plan]) };
}

/** Whether a service with one plan must be restarted for another. Keys that cannot be read are taken as unchanged. */
export function isChanged(from: ServicePlan, to: ServicePlan): boolean {
  const [before, after] = [from.keyFingerprint, to.keyFingerprint];
  const hasNewKeys = before !== after && after !== undefined;
  return from.fingerprint !== to.fingerprint || hasNewKeys;
}
