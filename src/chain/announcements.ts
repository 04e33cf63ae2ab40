import type { Address, Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { MAX_AHEAD_MS, readRecord, type EndpointRecord } from "../protocol/record.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain, type Domain } from "../protocol/typedData.ts";
import type { ChainClient } from "./client.ts";
import { currentEpoch, type ChainTime } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { readRanges } from "./logs.ts";
import type { Services } from "./services.ts";

/**
 * Endpoint records that were announced on chain, the fallback when no peer of the record network is
 * reachable. Anyone can announce anything: only a record that the service's key signed is ever given out.
 */
export class Announcements {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #time: ChainTime;
  readonly #log: Logger;
  readonly #domain: Domain;
  readonly #services: Services;
  readonly #records = new Map<bigint, { record: EndpointRecord; signer: Address }>();
  #next: bigint;

  constructor(dependencies: {
    client: ChainClient;
    deployment: Deployment;
    time: ChainTime;
    services: Services;
    log: Logger;
  }) {
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#time = dependencies.time;
    this.#services = dependencies.services;
    this.#log = dependencies.log;
    const { chainId, contracts, block } = dependencies.deployment;
    this.#domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    this.#next = BigInt(block);
  }

  /**
   * The record of a service whose lease runs.
   *
   * @param key The service's key.
   */
  record(number: bigint, key: Address): EndpointRecord | undefined {
    const known = this.#records.get(number);
    const now = BigInt(Math.floor(this.#time.now() * 1000));
    return known?.signer === key && known.record.expiresAt > now ? known.record : undefined;
  }

  /** Reads what was announced since the last call. */
  async refresh(): Promise<void> {
    const range = { from: this.#next, to: this.#time.head().number };
    const pieces = readRanges(range, ({ from, to }) =>
      this.#client.getContractEvents({
        address: this.#deployment.contracts.registry,
        abi: serviceRegistryAbi,
        eventName: "Announced",
        fromBlock: from,
        toBlock: to,
        strict: true,
      }),
    );
    for await (const { to, value } of pieces) {
      for (const { args } of value) await this.#take(args.number, args.record);
      this.#next = to + 1n;
    }
  }

  /** Keeps one record a service, signed by its newest key, so that strangers' records crowd none out. */
  async #take(number: bigint, encoded: Hex): Promise<void> {
    let read: ReturnType<typeof readRecord>;
    try {
      read = readRecord(encoded, this.#domain);
    } catch (error) {
      this.#log.debug("announced record refused", { number, error });
      return;
    }
    const { record, signer } = read;
    const ahead = Number(record.issuedAt) - this.#time.now() * 1000;
    const known = this.#records.get(number);
    const isOlder = known?.signer === signer && known.record.issuedAt >= record.issuedAt;
    if (record.serviceId !== rootServiceId(number) || ahead > MAX_AHEAD_MS || isOlder) return;
    const key = await this.#services.key(number, currentEpoch(this.#time) + 1);
    if (signer === key) this.#records.set(number, read);
  }
}
