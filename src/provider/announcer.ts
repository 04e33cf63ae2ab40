import type { Hex } from "viem";
import type { Announcements } from "../chain/announcements.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { TransactionSender } from "../chain/sender.ts";
import type { Logger } from "../node/logger.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import {
  MAX_LEASE_MS,
  signRecord,
  type Endpoint,
  type EndpointRecord,
} from "../protocol/record.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import type { ProviderStore } from "./store.ts";

/** A record announced on chain holds for a day and is renewed at half of it. */
const LEASE_MS = MAX_LEASE_MS;

export interface AnnouncerOptions {
  number: bigint;
  serviceKey: Hex;
  /** Where the service listens at the moment. */
  endpoints: () => Endpoint[];
}

export interface AnnouncerDependencies {
  deployment: Deployment;
  announcements: Announcements;
  sender: TransactionSender;
  time: ChainTime;
  store: Pick<ProviderStore, "raiseVersion">;
  log: Logger;
}

/**
 * Announces on chain where the service listens: the fallback for whoever reaches no peer of the record
 * network. Each announcement costs gas, so that a move alone makes none as long as the network carries it.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #d: AnnouncerDependencies;
  #last: EndpointRecord | undefined;
  /** Ends when the one under way has; its caller hears of its failure. */
  #running: Promise<void> = Promise.resolve();

  constructor(options: AnnouncerOptions, dependencies: AnnouncerDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /**
   * Announces, unless a record has more than half of its lease left.
   *
   * @param alone Whether the network does not carry our records: then a record that says something else
   *   is replaced, too.
   */
  announce(alone: boolean): Promise<void> {
    // One after the other: each has to know what the one before announced.
    const next = this.#running.then(() => this.#announce(alone));
    this.#running = next.catch(() => {});
    return next;
  }

  async #announce(alone: boolean): Promise<void> {
    const { number, serviceKey } = this.#options;
    const { deployment, announcements, sender, time, store, log } = this.#d;
    const endpoints = this.#options.endpoints();
    const nowMs = Math.floor(time.now() * 1000);
    await announcements.refresh();
    // What was announced a moment ago may lie above the block that the directory has read up to.
    const read = announcements.record(number, addressOfKey(serviceKey));
    const known = (read?.issuedAt ?? 0n) >= (this.#last?.issuedAt ?? 0n) ? read : this.#last;
    const left = Number(known?.expiresAt ?? 0n) - nowMs;
    const says = JSON.stringify(known?.endpoints) === JSON.stringify(endpoints);
    if (left > LEASE_MS / 2 && (says || !alone)) return;

    // Above everything that was published, on chain or in the network.
    const least = Math.max(nowMs, Number(known?.issuedAt ?? 0n) + 1);
    const issuedAt = store.raiseVersion(rootServiceId(number), least);
    const record = {
      serviceId: rootServiceId(number),
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(issuedAt + LEASE_MS),
      endpoints,
      delegation: "0x" as const,
    } satisfies EndpointRecord;
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    await sender.send({
      address: deployment.contracts.registry,
      abi: serviceRegistryAbi,
      functionName: "announce",
      args: [number, signRecord(record, domain, hexToBytes(serviceKey))],
    });
    this.#last = record;
    log.info("endpoint announced", { number, endpoints: endpoints.map(({ uri }) => uri) });
  }
}
