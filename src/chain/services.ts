import { hexToString, keccak256, type Address, type Hex } from "viem";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { parseProbe, type ProbeSpecification } from "../protocol/probe.ts";
import { serviceStatus, type ServiceStatus } from "../protocol/serviceStatus.ts";
import { LANES, slotAt } from "../protocol/sortition.ts";
import type { ChainClient } from "./client.ts";
import type { Deployment } from "./deployment.ts";
import { SlotTable } from "./slots.ts";
import { isPruned } from "./logs.ts";

/** Remedies for a service that is not active. */
export const statusRemedies: Record<Exclude<ServiceStatus, "Active">, string> = {
  None: "The service does not exist: check its number and the deployment.",
  Unstaked: "The owner must stake up to the class's minimum (stakeService).",
  Maintenance: "The owner must end maintenance (setMaintenance).",
  Suspended: "Repair the cause; then the owner must end the suspension (reinstate).",
  Retired: "There is no remedy: the service is retired for ever.",
  Keyless: "After a transfer the owner must set a key (setKey) and stake.",
};

/** The error that no service has a number. */
export function unregistered(number: bigint): BlockcloudError {
  return new BlockcloudError("SERVICE_UNREGISTERED", `There is no service ${number}.`, {
    remedy: "Check the number and the deployment: blockcloud service register prints the number.",
  });
}

/** Bounds of a class's grades, milliseconds to the last byte. */
export interface GradeBounds {
  excellentMs: number;
  goodMs: number;
  poorMs: number;
}

/** A class in the registry. */
export interface ServiceClass extends GradeBounds {
  name: string;
  minimumStake: bigint;
  /** Stake above it earns nothing. */
  maximumStake: bigint;
  registrationFee: bigint;
  /** Whether it accepts new services. */
  open: boolean;
}

/** The data that an auditor needs of a service in an epoch. */
export interface AuditedService {
  number: bigint;
  /** The service's slot; 0 for none. */
  slot: number;
  key: Address;
  classId: number;
  className: string;
  bounds: GradeBounds;
  /** Undefined if the specification cannot be parsed: then every inspection fails. */
  probe: ProbeSpecification | undefined;
}

/** Reads a service for an auditor; undefined skips the service. */
export type ServiceReader = (number: bigint) => Promise<AuditedService | undefined>;

/** Typed reads of the registry; answers that can never change are cached. */
export class Services {
  readonly #client: ChainClient;
  readonly #registry: { address: Address; abi: typeof serviceRegistryAbi };
  readonly #slots: SlotTable;
  readonly #classes = new Map<number, Promise<ServiceClass>>();
  readonly #probes = new Map<Hex, Promise<ProbeSpecification | undefined>>();

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#registry = { address: deployment.contracts.registry, abi: serviceRegistryAbi };
    this.#slots = new SlotTable(client, deployment);
  }

  /** Number of services that were ever registered. */
  count(): Promise<bigint> {
    return this.#client.readContract({ ...this.#registry, functionName: "serviceCount" });
  }

  /** Number of slots that were ever taken: shards up to the last slot's may have services. */
  slotCount(): Promise<number> {
    return this.#client.readContract({ ...this.#registry, functionName: "slotCount" });
  }

  /**
   * Active services of a shard in an epoch.
   *
   * @param read Reads one service; default {@link audited}.
   * @throws BlockcloudError `SLOT_UNKNOWN` if the endpoint does not return the service of a slot.
   */
  async active(
    shard: number,
    epoch: number,
    read: ServiceReader = (number) => this.audited(number, epoch),
  ): Promise<AuditedService[]> {
    const lanes = await this.#client.readContract({
      ...this.#registry,
      functionName: "activeLanes",
      args: [BigInt(shard), epoch],
    });
    const slots = Array.from({ length: LANES }, (_, lane) => lane)
      .filter((lane) => ((lanes >> BigInt(lane)) & 1n) === 1n)
      .map((lane) => slotAt(shard, lane));
    const known = await this.#inSlots(slots, read);
    if (known !== undefined) return known;
    this.#slots.forget();
    const found = await this.#inSlots(slots, read);
    if (found !== undefined) return found;
    throw new BlockcloudError(
      "SLOT_UNKNOWN",
      `The registry has no service for one of the slots ${slots.join()}.`,
      { retryable: true, remedy: "The RPC endpoint may lag behind; try again, or name another." },
    );
  }

  /** The numbers of the services in the given slots; undefined for an empty slot. */
  holders(slots: readonly number[]): Promise<(bigint | undefined)[]> {
    return this.#slots.holders(slots);
  }

  /** Whether a service is active in an epoch. */
  async isActive(number: bigint, epoch: number): Promise<boolean> {
    const [, active] = await this.#auditAt(number, epoch);
    return active;
  }

  /** The newest status of a service, which counts two epochs later at the latest. */
  async statusNow(number: bigint): Promise<ServiceStatus> {
    const status = await this.#client.readContract({
      ...this.#registry,
      functionName: "statusNow",
      args: [number],
    });
    return serviceStatus(status);
  }

  /** @throws BlockcloudError `SERVICE_UNREGISTERED` if no service has the number. */
  async requireRegistered(number: bigint): Promise<void> {
    if ((await this.statusNow(number)) === "None") throw unregistered(number);
  }

  /** The key of a service in an epoch. */
  key(number: bigint, epoch: number): Promise<Address> {
    return this.#client.readContract({
      ...this.#registry,
      functionName: "keyAt",
      args: [number, epoch],
    });
  }

  /** The name of a service's class. */
  async className(number: bigint): Promise<string> {
    const args = [number] as const;
    const classId = await this.#client.readContract({
      ...this.#registry,
      functionName: "classOf",
      args,
    });
    return (await this.classAt(classId)).name;
  }

  /**
   * The data that an auditor needs of a service.
   *
   * @throws BlockcloudError `PROBE_MISSING`, retryable, if no endpoint has the specification; `PROBE_VERSION` if it is
   *   of a version that this software does not know.
   */
  async audited(number: bigint, epoch: number): Promise<AuditedService> {
    const [[slot, , key], classId, [probeHash, probeBlock]] = await Promise.all([
      this.#auditAt(number, epoch),
      this.#client.readContract({ ...this.#registry, functionName: "classOf", args: [number] }),
      this.#client.readContract({
        ...this.#registry,
        functionName: "probeAt",
        args: [number, epoch],
      }),
    ]);
    const [{ name: className, ...bounds }, probe] = await Promise.all([
      this.classAt(classId),
      this.#probe(number, probeHash, probeBlock),
    ]);
    return { number, slot, key, classId, className, bounds, probe };
  }

  /** All classes, by index. */
  async classes(): Promise<ServiceClass[]> {
    const count = await this.#client.readContract({
      ...this.#registry,
      functionName: "classCount",
    });
    return Promise.all(Array.from({ length: Number(count) }, (_, id) => this.classAt(id)));
  }

  /** A class. */
  classAt(classId: number): Promise<ServiceClass> {
    return remember(this.#classes, classId, async () => {
      const found = await this.#client.readContract({
        ...this.#registry,
        functionName: "classAt",
        args: [classId],
      });
      return { ...found, name: hexToString(found.name, { size: 32 }) };
    });
  }

  #auditAt(number: bigint, epoch: number) {
    return this.#client.readContract({
      ...this.#registry,
      functionName: "auditAt",
      args: [number, epoch],
    });
  }

  /** The services in the given slots now; undefined if the table is out of date. */
  async #inSlots(
    slots: readonly number[],
    read: ServiceReader,
  ): Promise<AuditedService[] | undefined> {
    const holders = await this.#slots.holders(slots);
    if (holders.includes(undefined)) return undefined;
    const found = await Promise.all(holders.map((number) => read(number ?? 0n)));
    const isCurrent = found.every(
      (service, index) => (service?.slot ?? slots[index]) === slots[index],
    );
    return isCurrent ? found.filter((service) => service !== undefined) : undefined;
  }

  /** The specification with a hash, from the event in the block that the registry names. */
  #probe(number: bigint, hash: Hex, block: bigint): Promise<ProbeSpecification | undefined> {
    return remember(this.#probes, hash, async () => {
      const reading = this.#client.getContractEvents({
        ...this.#registry,
        eventName: "ProbeSet",
        args: { number },
        fromBlock: block,
        toBlock: block,
        strict: true,
      });
      const logs = await reading.catch((error: unknown) => {
        if (isPruned(error)) return [];
        throw error;
      });
      const log = logs.find(({ args }) => keccak256(args.probe) === hash);
      if (log === undefined) {
        throw new BlockcloudError("PROBE_MISSING", `No probe of service ${number} in ${block}.`, {
          retryable: true,
          remedy: "Use an RPC endpoint that serves logs of old blocks.",
        });
      }
      try {
        return parseProbe(hexToBytes(log.args.probe));
      } catch (error) {
        // An invalid specification is the provider's fault: the service fails each inspection.
        if (error instanceof BlockcloudError && error.code === "PROBE_INVALID") return undefined;
        throw error;
      }
    });
  }
}

/** Caches a promise, except a rejected one. */
function remember<K, V>(cache: Map<K, Promise<V>>, key: K, read: () => Promise<V>): Promise<V> {
  const known = cache.get(key);
  if (known) return known;
  const promise = read();
  cache.set(key, promise);
  promise.catch(() => cache.delete(key));
  return promise;
}
