import type { Address, Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { MAX_AHEAD_MS, MAX_LEASE_MS, readRecord, type EndpointRecord } from "../protocol/record.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain, type Domain } from "../protocol/typedData.ts";
import { blockAt } from "./blocks.ts";
import type { ChainClient } from "./client.ts";
import { currentEpoch, type ChainTime } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { readRanges } from "./logs.ts";
import type { Services } from "./services.ts";

/** A record as it was announced. */
export interface Announced {
  record: EndpointRecord;
  signer: Address;
  encoded: Hex;
}

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
  readonly #records = new Map<bigint, Announced>();
  #next: bigint | undefined;
  #refreshing: Promise<void> | undefined;

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
    const { chainId, contracts } = dependencies.deployment;
    this.#domain = blockcloudDomain(BigInt(chainId), contracts.registry);
  }

  /**
   * The record of a service whose lease runs.
   *
   * @param key The service's key.
   */
  record(number: bigint, key: Address): EndpointRecord | undefined {
    const known = this.announced(number);
    return known?.signer === key ? known.record : undefined;
  }

  /** The newest record of a service whose lease runs, as it was signed by what was its key then. */
  announced(number: bigint): Announced | undefined {
    const known = this.#records.get(number);
    const now = BigInt(Math.floor(this.#time.now() * 1000));
    return known !== undefined && known.record.expiresAt > now ? known : undefined;
  }

  /**
   * Reads what was announced since the last call; the first time, since the longest lease began. Calls that
   * overlap are one.
   */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const to = this.#time.head().number;
    this.#next ??= await this.#firstBlock(to);
    const range = { from: this.#next, to };
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

  /** Nothing that was announced before can still be in force. */
  #firstBlock(head: bigint): Promise<bigint> {
    const seconds = Math.floor(this.#time.now()) - (MAX_LEASE_MS + MAX_AHEAD_MS) / 1000;
    const first = BigInt(this.#deployment.block);
    if (seconds <= this.#deployment.genesis) return Promise.resolve(first);
    return blockAt(this.#client, seconds, { from: first, to: head });
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
    if (signer === key) this.#records.set(number, { ...read, encoded });
  }
}
