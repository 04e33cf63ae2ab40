import type { Hex } from "viem";
import type { Announcements } from "../../chain/announcements.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Logger } from "../../node/logger.ts";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import {
  MAX_LEASE_MS,
  signRecord,
  type Endpoint,
  type EndpointRecord,
} from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { ProviderStore } from "../store.ts";

/** An announced record is valid for a day and is renewed after half of it. */
const ANNOUNCEMENT_LEASE_MS = MAX_LEASE_MS;

export interface AnnouncerOptions {
  number: bigint;
  serviceKey: Hex;
  /** The service's current endpoints. */
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
 * Announces the service's endpoints on chain: the fallback for clients that reach no peer of the record
 * network. Each announcement costs gas, so a move is not announced as long as the network carries it.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #deployment: Deployment;
  readonly #announcements: Announcements;
  readonly #sender: TransactionSender;
  readonly #time: ChainTime;
  readonly #store: Pick<ProviderStore, "raiseVersion">;
  readonly #log: Logger;
  #last: EndpointRecord | undefined;
  /** Settles with the running announcement; its caller handles its failure. */
  #running: Promise<void> = Promise.resolve();

  constructor(options: AnnouncerOptions, dependencies: AnnouncerDependencies) {
    this.#options = options;
    this.#deployment = dependencies.deployment;
    this.#announcements = dependencies.announcements;
    this.#sender = dependencies.sender;
    this.#time = dependencies.time;
    this.#store = dependencies.store;
    this.#log = dependencies.log;
  }

  /**
   * Announces, unless the announced record has more than half of its lease left.
   *
   * @param alone Whether the network does not carry this service's records. Then an announced record with
   *   other endpoints is replaced, too.
   */
  announce(alone: boolean): Promise<void> {
    // Announcements run one after another, because each must know the previous one.
    const next = this.#running.then(() => this.#announce(alone));
    this.#running = next.catch(() => {});
    return next;
  }

  async #announce(alone: boolean): Promise<void> {
    const { number, serviceKey } = this.#options;
    const deployment = this.#deployment;
    const announcements = this.#announcements;
    const sender = this.#sender;
    const time = this.#time;
    const store = this.#store;
    const log = this.#log;
    const endpoints = this.#options.endpoints();
    // None of its relays leads to it now.
    if (endpoints.length === 0) return;
    const nowMs = Math.floor(time.now() * 1000);
    await announcements.refresh();
    // A recent announcement may be in a block that the directory has not read yet.
    const read = announcements.record(number, addressOfKey(serviceKey));
    const known = (read?.issuedAt ?? 0n) >= (this.#last?.issuedAt ?? 0n) ? read : this.#last;
    const left = Number(known?.expiresAt ?? 0n) - nowMs;
    const says = JSON.stringify(known?.endpoints) === JSON.stringify(endpoints);
    if (left > ANNOUNCEMENT_LEASE_MS / 2 && (says || !alone)) return;

    // Higher than every published version, on chain or in the network.
    const least = Math.max(nowMs, Number(known?.issuedAt ?? 0n) + 1);
    const issuedAt = store.raiseVersion(rootServiceId(number), least);
    const record = {
      serviceId: rootServiceId(number),
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(issuedAt + ANNOUNCEMENT_LEASE_MS),
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
