import type { Address } from "viem";
import { raceSignal } from "race-signal";
import { boundedTable, type BoundedTable } from "../node/boundedTable.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { epochAt, HORIZON } from "../protocol/epoch.ts";
import { serviceStatus, type ServiceStatus } from "../protocol/serviceStatus.ts";
import type { Grade, Verdict } from "../protocol/tally.ts";
import type { ChainClient } from "./client.ts";
import { currentEpoch, type ChainTime } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { RegistryWatch, type RegistryChange } from "./registryWatch.ts";
import { whatFailed } from "./rpc/faults.ts";
import { contractsOf } from "./views/contracts.ts";

/** Number of final epochs whose verdicts are returned. */
export const VERDICTS_TOLD = 4;
/** Sizes of the caches of services, labels and verdicts; the least recently used entries go first. */
const REMEMBERED = 100_000;

/** The chain's data of a root service, at a block. */
export interface ServiceFacts {
  number: bigint;
  status: ServiceStatus;
  /** The newest service key, which signs for the root and delegates to sub-services. */
  key: Address;
  /** BLOC in wei, as it counts two epochs later. */
  stake: bigint;
  /** The newest final verdicts with their epochs, newest first; null without a quorum. */
  verdicts: readonly { epoch: number; verdict: Verdict }[];
  /** The block that all of this is as of: nothing else changed up to it, and its epoch says which verdicts are final. */
  block: bigint;
}

/** The chain's data for resolvers and the record network, cached until an event or an epoch changes it. */
export interface Directory {
  /** The newest key of a root service, and whether it is active; undefined if the service does not exist. */
  rootKey(
    number: bigint,
    signal?: AbortSignal,
  ): Promise<{ key: Address; active: boolean } | undefined>;
  /** The same with stake and verdicts; undefined if the service does not exist. */
  facts(number: bigint, signal?: AbortSignal): Promise<ServiceFacts | undefined>;
  /** The last result of `facts`, without a read. */
  knownFacts(number: bigint): ServiceFacts | undefined;
  /** The service that took a label. It never changes, because labels are never freed. */
  numberOf(label: string, signal?: AbortSignal): Promise<bigint | undefined>;
  /** Calls back when a service was registered, or its key, status, owner or stake may have changed. */
  onChange(listener: (number: bigint) => void): () => void;
  /** Calls back when a service takes a label. */
  onLabel(listener: (label: string, number: bigint) => void): () => void;
}

/** What the registry's events change. */
interface ServiceState extends Omit<ServiceFacts, "verdicts"> {
  /** The epoch of the block. */
  epoch: number;
}

interface Entry {
  /** Undefined if the service does not exist. */
  state: Promise<ServiceState | undefined>;
  /** The last result of `facts`. */
  facts: ServiceFacts | undefined;
}

/** The `Directory` on chain: it reads on demand, caches, and drops entries that the registry's events change. */
export class ServiceDirectory implements Directory, Startable {
  readonly #client: ChainClient;
  readonly #contracts: ReturnType<typeof contractsOf>;
  readonly #time: ChainTime;
  readonly #watch: RegistryWatch;
  readonly #services = boundedTable<bigint, Entry>(REMEMBERED);
  readonly #labels = boundedTable<string, Promise<bigint | undefined>>(REMEMBERED);
  readonly #verdictsRead = boundedTable<string, Promise<Verdict>>(REMEMBERED);
  readonly #changeListeners = new Set<(number: bigint) => void>();
  readonly #labelListeners = new Set<(label: string, number: bigint) => void>();
  /** A lower bound for the number of services. */
  #count = 0n;

  constructor(dependencies: {
    client: ChainClient;
    deployment: Deployment;
    time: ChainTime;
    timers: Timers;
    log: Logger;
  }) {
    this.#client = dependencies.client;
    this.#contracts = contractsOf(dependencies.deployment);
    this.#time = dependencies.time;
    const changed = (change: RegistryChange) => {
      this.#forget(change);
    };
    this.#watch = new RegistryWatch({ changed }, dependencies);
  }

  /** Needs a running clock. */
  async start(): Promise<void> {
    await this.#watch.start();
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
  }

  async rootKey(number: bigint, signal?: AbortSignal) {
    const state = await raceSignal(this.#entry(number).state, signal);
    return state && { key: state.key, active: state.status === "Active" };
  }

  async facts(number: bigint, signal?: AbortSignal): Promise<ServiceFacts | undefined> {
    // An entry that no event has removed holds up to the block that the events were followed to.
    const followed = this.#watch.head;
    const entry = this.#entry(number);
    const state = await raceSignal(entry.state, signal);
    if (state === undefined) return undefined;
    const { epoch: readIn, ...read } = state;
    const isLater = followed !== undefined && followed.number > read.block;
    const block = isLater ? followed.number : read.block;
    const epoch = isLater ? epochAt(this.#time.timing, followed.timestamp) : readIn;
    const known = entry.facts;
    if (known !== undefined && known.verdicts[0]?.epoch === epoch - 2) return known;
    const verdicts = await raceSignal(this.#verdicts(number, epoch - 2, block), signal);
    entry.facts = { ...read, block, verdicts };
    return entry.facts;
  }

  knownFacts(number: bigint): ServiceFacts | undefined {
    return this.#services.get(number)?.facts;
  }

  async numberOf(label: string, signal?: AbortSignal): Promise<bigint | undefined> {
    const read = remember(this.#labels, label, async () => {
      const number = await this.#ask(() =>
        this.#client.readContract({
          ...this.#contracts.labels,
          functionName: "numberOf",
          args: [label],
          blockNumber: this.#time.head().number,
        }),
      );
      return number === 0n ? undefined : number;
    });
    return raceSignal(read, signal);
  }

  onChange(listener: (number: bigint) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onLabel(listener: (label: string, number: bigint) => void): () => void {
    this.#labelListeners.add(listener);
    return () => this.#labelListeners.delete(listener);
  }

  #entry(number: bigint): Entry {
    return remember(
      this.#services,
      number,
      () => ({ state: this.#readState(number), facts: undefined }),
      ({ state }) => state,
    );
  }

  /**
   * Reads not before the last block whose events were read, so that an endpoint that lags behind cannot restore
   * outdated data.
   */
  async #readState(number: bigint): Promise<ServiceState | undefined> {
    const block = this.#time.head().number;
    const epoch = currentEpoch(this.#time);
    const { registry, staking } = this.#contracts;
    const at = { blockNumber: block };
    const newest = [number, epoch + HORIZON] as const;
    return this.#ask(async () => {
      if (number > this.#count) {
        this.#count = await this.#client.readContract({
          ...registry,
          functionName: "serviceCount",
          ...at,
        });
        // A lookup of an invented number costs only one read.
        if (number > this.#count) return undefined;
      }
      const [status, key, [stake]] = await Promise.all([
        this.#client.readContract({
          ...registry,
          functionName: "statusNow",
          args: [number],
          ...at,
        }),
        this.#client.readContract({ ...registry, functionName: "keyAt", args: newest, ...at }),
        this.#client.readContract({
          ...staking,
          functionName: "serviceStakeAt",
          args: newest,
          ...at,
        }),
      ]);
      const name = serviceStatus(status);
      return name === "None" ? undefined : { number, status: name, key, stake, block, epoch };
    });
  }

  #verdicts(number: bigint, newest: number, block: bigint): Promise<ServiceFacts["verdicts"]> {
    const epochs = Array.from({ length: VERDICTS_TOLD }, (_, index) => newest - index);
    return Promise.all(
      epochs
        .filter((epoch) => epoch > 0)
        .map(async (epoch) => ({ epoch, verdict: await this.#verdict(number, epoch, block) })),
    );
  }

  /** The contract finds the slot that the service had, and whether it was active. */
  #verdict(number: bigint, epoch: number, block: bigint): Promise<Verdict> {
    return remember(this.#verdictsRead, `${number}:${epoch}`, async () => {
      const [grade, quorate] = await this.#ask(() =>
        this.#client.readContract({
          ...this.#contracts.settlement,
          functionName: "verdictOf",
          args: [number, epoch],
          blockNumber: block,
        }),
      );
      return quorate ? (grade as Grade) : null;
    });
  }

  async #ask<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      throw new BlockcloudError(
        "CHAIN_UNREACHABLE",
        `The chain cannot be read: ${whatFailed(cause)}`,
        {
          cause,
          retryable: true,
          remedy: "Check the RPC endpoints.",
        },
      );
    }
  }

  #forget({ number, registered, label }: RegistryChange): void {
    this.#services.delete(number);
    // A reorganisation may also have removed a registration.
    if (registered) this.#count = 0n;
    for (const listener of this.#changeListeners) listener(number);
    if (label === undefined) return;
    this.#labels.delete(label);
    for (const listener of this.#labelListeners) listener(label, number);
  }
}

/** Caches successful reads, and evicts the least recently used ones. */
function remember<K extends bigint | string, V extends object>(
  cache: BoundedTable<K, V>,
  key: K,
  read: () => V,
  settled: (value: V) => unknown = (value) => value,
): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = read();
  cache.set(key, value);
  Promise.resolve(settled(value)).catch(() => {
    // An event may have replaced this read by a newer one.
    if (cache.peek(key) === value) cache.delete(key);
  });
  return value;
}
