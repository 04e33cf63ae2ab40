import type { AbiEvent } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { serviceLabelsAbi } from "../protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import type { ChainClient } from "./client.ts";
import type { ChainTime, Head } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { readRanges, REREAD_BLOCKS } from "./logs.ts";

/** Interval between checks of the head, milliseconds; the clock polls the chain. */
const POLL_MS = 250;

/** Events that change a service's key, status, owner, stake or label. */
const changing: readonly string[] = [
  "ServiceRegistered",
  "ActivityChanged",
  "KeySet",
  "MaintenanceSet",
  "ServiceSuspended",
  "ServiceReinstated",
  "ServiceRetired",
  "LabelSet",
  "Transfer",
  "ServiceStakeChanged",
];
const events: readonly AbiEvent[] = [
  ...serviceRegistryAbi,
  ...serviceLabelsAbi,
  ...stakingAbi,
].filter((item) => item.type === "event" && changing.includes(item.name)) as AbiEvent[];

/** A change of a service, or a change that a reorganisation removed. */
export interface RegistryChange {
  number: bigint;
  registered: boolean;
  /** The label that the service took. */
  label: string | undefined;
}

/** The fields of the events; a transfer calls the service a token. */
interface EventArgs {
  number?: bigint;
  tokenId?: bigint;
  label?: string;
}

interface Seen extends RegistryChange {
  block: bigint;
}

/**
 * Follows the events that change services, block by block. After a reorganisation, new and removed events both
 * count as changes.
 */
export class RegistryWatch implements Startable {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #changed: (change: RegistryChange) => void;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Events that were seen in the blocks that are read again, by block hash and log index. */
  #seen = new Map<string, Seen>();
  #head: Head | undefined;
  #next: bigint | undefined;

  constructor(
    options: { changed: (change: RegistryChange) => void },
    dependencies: {
      client: ChainClient;
      deployment: Deployment;
      time: ChainTime;
      timers: Timers;
      log: Logger;
    },
  ) {
    this.#changed = options.changed;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /** Begins at the head, because later reads of a service return its newest state. */
  async start(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.#log.warn("cannot follow the registry", { error });
    }
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** The block up to which all changes were told; undefined before the first read. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** Reads the events since the last call. */
  async refresh(): Promise<void> {
    const newest = this.#time.head();
    const head = newest.number;
    if (newest.hash === this.#head?.hash) return;
    const next = this.#next ?? head + 1n;
    const from = atLeast(minimum(next, head + 1n) - REREAD_BLOCKS, BigInt(this.#deployment.block));
    const found = new Map<string, Seen>();
    const pieces = readRanges({ from, to: head }, (piece) => this.#read(piece));
    for await (const { value } of pieces) for (const [key, seen] of value) found.set(key, seen);

    const before = this.#seen;
    const isFirst = this.#next === undefined;
    this.#seen = new Map([...found].filter(([, { block }]) => block > head - REREAD_BLOCKS));
    this.#next = head + 1n;
    this.#head = newest;
    if (isFirst) return;
    for (const [key, change] of found) if (!before.has(key)) this.#changed(change);
    for (const [key, change] of before) {
      if (change.block >= from && !found.has(key)) this.#changed(change);
    }
  }

  async #read(piece: { from: bigint; to: bigint }): Promise<[string, Seen][]> {
    const { registry, staking, labels } = this.#deployment.contracts;
    const logs = await this.#client.getLogs({
      address: [registry, staking, labels],
      events,
      fromBlock: piece.from,
      toBlock: piece.to,
      strict: true,
    });
    return logs.map(({ eventName, args, blockHash, blockNumber, logIndex }) => {
      const { number, tokenId, label } = args as EventArgs;
      const registered = eventName === "ServiceRegistered";
      const change = { number: number ?? tokenId ?? 0n, registered, label };
      return [`${blockHash}:${logIndex}`, { ...change, block: blockNumber }];
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#timers.sleep(POLL_MS, signal);
        await this.refresh();
      } catch (error) {
        // No event is lost: the next read begins where this one stopped.
        if (!signal.aborted) this.#log.warn("cannot follow the registry", { error });
      }
    }
  }
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function atLeast(value: bigint, least: bigint): bigint {
  return value < least ? least : value;
}
