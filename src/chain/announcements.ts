import type { Address, Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { HORIZON } from "../protocol/epoch.ts";
import { MAX_AHEAD_MS, MAX_LEASE_MS, readRecord, type EndpointRecord } from "../protocol/record.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain, type Domain } from "../protocol/typedData.ts";
import { blockAt } from "./blocks.ts";
import type { ChainClient } from "./client.ts";
import { currentEpoch, type ChainTime } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { readServed, REREAD_BLOCKS, type BlockRange } from "./logs.ts";
import type { Services } from "./services.ts";

/** An announced record. */
export interface Announced {
  record: EndpointRecord;
  signer: Address;
  encoded: Hex;
}

/**
 * Endpoint records that were announced on chain, the fallback if no peer of the record network is reachable.
 * Anyone can announce anything, so only records that the service's key signed are returned.
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
  #headHash = "";
  /** Announcements that were checked already in the blocks that are read again, by block hash and log index. */
  #seen = new Map<string, bigint>();
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
   * The record of a service, if its lease has not expired.
   *
   * @param key The service's key.
   */
  record(number: bigint, key: Address): EndpointRecord | undefined {
    const known = this.announced(number);
    return known?.signer === key ? known.record : undefined;
  }

  /** The newest unexpired record of a service, signed by the key at that time. */
  announced(number: bigint): Announced | undefined {
    const known = this.#records.get(number);
    const now = BigInt(Math.floor(this.#time.now() * 1000));
    return known !== undefined && known.record.expiresAt > now ? known : undefined;
  }

  /**
   * Reads the announcements since the last call; the first call goes back by the longest lease. Concurrent calls
   * share one read.
   */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Reads the newest blocks again, because an endpoint that lags behind omits their events. */
  async #refresh(): Promise<void> {
    const { number: to, hash } = this.#time.head();
    if (hash === this.#headHash) return;
    const first = BigInt(this.#deployment.block);
    const again =
      this.#next === undefined ? await this.#firstBlock(to) : this.#next - REREAD_BLOCKS;
    const range = { from: again > first ? again : first, to };
    const read = ({ from, to }: BlockRange) =>
      this.#client.getContractEvents({
        address: this.#deployment.contracts.registry,
        abi: serviceRegistryAbi,
        eventName: "Announced",
        fromBlock: from,
        toBlock: to,
        strict: true,
      });
    const pieces = readServed(range, read, (oldest) => {
      this.#log.warn("the endpoint has dropped older announcements", { fromBlock: oldest });
    });
    for await (const { to, value } of pieces) {
      for (const { args, blockHash, blockNumber, logIndex } of value) {
        const key = `${blockHash}:${logIndex}`;
        if (this.#seen.has(key)) continue;
        await this.#take(args.number, args.record);
        this.#seen.set(key, blockNumber);
      }
      this.#next = to + 1n;
    }
    this.#seen = new Map([...this.#seen].filter(([, block]) => block > to - 2n * REREAD_BLOCKS));
    this.#headHash = hash;
  }

  /** The oldest block that can contain a valid record. */
  #firstBlock(head: bigint): Promise<bigint> {
    const seconds = Math.floor(this.#time.now()) - (MAX_LEASE_MS + MAX_AHEAD_MS) / 1000;
    const first = BigInt(this.#deployment.block);
    if (seconds <= this.#deployment.genesis) return Promise.resolve(first);
    return blockAt(this.#client, seconds, { from: first, to: head });
  }

  /** Keeps one record per service, signed by its newest key, so that strangers cannot crowd it out. */
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
    const key = await this.#services.key(number, currentEpoch(this.#time) + HORIZON);
    if (signer === key) this.#records.set(number, { ...read, encoded });
  }
}
