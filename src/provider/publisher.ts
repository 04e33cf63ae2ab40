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
import type { ProviderMetrics } from "./metrics.ts";

/** A record announced on chain holds for a day and is renewed at half of it. */
const LEASE_MS = MAX_LEASE_MS;

export interface PublisherOptions {
  number: bigint;
  serviceKey: Hex;
  /** Where the service listens at the moment. */
  endpoints: () => Endpoint[];
}

export interface PublisherDependencies {
  deployment: Deployment;
  announcements: Announcements;
  sender: TransactionSender;
  time: ChainTime;
  log: Logger;
  metrics?: Pick<ProviderMetrics, "published">;
}

/** Publishes where the service listens, by `announce`, and renews it at half-life. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #d: PublisherDependencies;
  #last: EndpointRecord | undefined;

  constructor(options: PublisherOptions, dependencies: PublisherDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /** Announces the endpoints, unless a record that says the same has more than half of its lease left. */
  async publish(): Promise<void> {
    const { number, serviceKey } = this.#options;
    const { deployment, announcements, sender, time, log } = this.#d;
    const endpoints = this.#options.endpoints();
    const nowMs = Math.floor(time.now() * 1000);
    await announcements.refresh();
    // What was announced a moment ago may lie above the block that the directory has read up to.
    const read = announcements.record(number, addressOfKey(serviceKey));
    const known = (read?.issuedAt ?? 0n) >= (this.#last?.issuedAt ?? 0n) ? read : this.#last;
    if (known !== undefined) this.#d.metrics?.published(known.expiresAt);
    const left = Number(known?.expiresAt ?? 0n) - nowMs;
    const same = JSON.stringify(known?.endpoints) === JSON.stringify(endpoints);
    if (same && left > LEASE_MS / 2) return;

    // A version above the known one also when the clock stands still within a millisecond.
    const issuedAt = Math.max(nowMs, Number(known?.issuedAt ?? 0n) + 1);
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
    this.#d.metrics?.published(record.expiresAt);
    log.info("endpoint announced", { number, endpoints: endpoints.map(({ uri }) => uri) });
  }
}
