import { isAddressEqual, type Address, type Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { instanceLeases, type InstanceLease } from "../../protocol/instanceLease.ts";
import { endpointRecords, MAX_AHEAD_MS, type Endpoint } from "../../protocol/record.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { ReplicaProblem } from "./problem.ts";

export interface InstancesOptions {
  serviceId: Hex;
  /** The key that signs records and leases. */
  key: Uint8Array;
  /** Its address. */
  signer: Address;
  /** The root's delegation for a sub-service; otherwise `0x`. It takes room in the record. */
  delegation: Hex;
  domain: Domain;
}

/** Most instances whose last version is remembered, those that have left included. */
const MAX_KNOWN = 256;
/** Stands for the times of a record whose size is to be found out. */
const ANY_TIME = { issuedAt: 1n, expiresAt: 2n };

/** An instance that has handed in leases. */
interface Known {
  /** The newest one; without endpoints, the instance has left. */
  lease: InstanceLease;
  /** When the last of all its leases ends: until then the newest is remembered, so that no older one counts again. */
  until: bigint;
  isSilent: boolean;
}

/** The instances of a service that have handed their endpoints to its publisher. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #now: () => number;
  readonly #log: Logger;
  readonly #known = new Map<Hex, Known>();
  /** The publisher's own endpoints, as they were last published. */
  #own: readonly Endpoint[] = [];
  /** The endpoints of the record, until an instance changes: the publisher asks often, and each answer takes signatures. */
  #all: { own: string; endpoints: Endpoint[] } | undefined;

  /** @param dependencies.now The chain's time, Unix milliseconds. */
  constructor(options: InstancesOptions, { now, log }: { now: () => number; log: Logger }) {
    this.#options = options;
    this.#now = now;
    this.#log = log;
  }

  /** How many instances are named. */
  get size(): number {
    this.#dropEnded();
    return this.#named().length;
  }

  /**
   * Takes a stranger's lease, cheap checks first.
   *
   * @throws ReplicaProblem
   */
  take(encoded: Hex): void {
    const { serviceId, signer, domain } = this.#options;
    const decoded = malformed(() => instanceLeases.decode(encoded));
    const lease = decoded.message;
    const instance = lease.instance.toLowerCase() as Hex;
    if (lease.serviceId.toLowerCase() !== serviceId.toLowerCase()) {
      throw new ReplicaProblem("INSTANCE_LEASE_SIGNER");
    }
    const now = BigInt(Math.floor(this.#now()));
    this.#dropEnded();
    const known = this.#known.get(instance);
    const isOld = lease.issuedAt <= (known?.lease.issuedAt ?? 0n) || lease.expiresAt <= now;
    if (isOld || lease.issuedAt > now + BigInt(MAX_AHEAD_MS)) {
      throw new ReplicaProblem("INSTANCE_LEASE_TIMES");
    }
    const signed = malformed(() => instanceLeases.verify(decoded, domain));
    if (!isAddressEqual(signed.signer, signer)) throw new ReplicaProblem("INSTANCE_LEASE_SIGNER");
    if (known === undefined && this.#known.size >= MAX_KNOWN) {
      throw new ReplicaProblem("INSTANCES_FULL");
    }
    if (!this.#hasRoom(instance, lease)) throw new ReplicaProblem("INSTANCES_FULL");
    const { expiresAt } = lease;
    const until = known === undefined || known.until < expiresAt ? expiresAt : known.until;
    this.#known.set(instance, { lease, until, isSilent: false });
    this.#all = undefined;
    const uris = lease.endpoints.map(({ uri }) => uri);
    if (uris.length === 0) this.#log.info("an instance has left", { instance });
    else if (known === undefined || known.isSilent || known.lease.endpoints.length === 0) {
      this.#log.info("an instance has joined", { instance, endpoints: uris });
    }
  }

  /** The endpoints of the next record: the publisher's own, and those of the instances whose lease runs. */
  endpoints(own: readonly Endpoint[]): Endpoint[] {
    this.#own = own;
    this.#dropEnded();
    const key = JSON.stringify(own);
    if (this.#all?.own === key) return this.#all.endpoints;
    let all = merge([own]);
    // The publisher's own endpoints may have grown since there was room for all.
    for (const { instance, endpoints } of this.#named()) {
      const more = merge([all, endpoints]);
      if (this.#fits(more)) all = more;
      else this.#log.warn("the record has no room for an instance", { instance });
    }
    this.#all = { own: key, endpoints: all };
    return all;
  }

  /** The leases that run and name a place. */
  #named(): InstanceLease[] {
    const leases = [...this.#known.values()].filter(({ isSilent }) => !isSilent);
    return leases.map(({ lease }) => lease).filter(({ endpoints }) => endpoints.length > 0);
  }

  #hasRoom(instance: Hex, lease: InstanceLease): boolean {
    const others = this.#named().filter((each) => each.instance.toLowerCase() !== instance);
    const lists = others.map(({ endpoints }) => endpoints);
    return this.#fits(merge([this.#own, ...lists, lease.endpoints]));
  }

  #fits(endpoints: Endpoint[]): boolean {
    if (endpoints.length === 0) return true;
    const { serviceId, delegation, domain, key } = this.#options;
    try {
      endpointRecords.sign({ ...ANY_TIME, serviceId, endpoints, delegation }, domain, key);
      return true;
    } catch (error) {
      if (error instanceof BlockcloudError) return false;
      throw error;
    }
  }

  #dropEnded(): void {
    const now = BigInt(Math.floor(this.#now()));
    for (const [instance, known] of this.#known) {
      if (known.until <= now) this.#known.delete(instance);
      if (known.isSilent || known.lease.expiresAt > now) continue;
      known.isSilent = true;
      this.#all = undefined;
      if (known.lease.endpoints.length > 0)
        this.#log.warn("an instance is silent: it is left out", { instance });
    }
  }
}

/** Instances behind one address share it: its weight is that of all together. */
function merge(lists: readonly (readonly Endpoint[])[]): Endpoint[] {
  const all = new Map<string, Endpoint>();
  for (const { uri, priority, weight } of lists.flat()) {
    const known = all.get(uri);
    const sum = Math.min(65_535, weight + (known?.weight ?? 0));
    all.set(uri, { uri, priority: Math.min(priority, known?.priority ?? priority), weight: sum });
  }
  return [...all.values()];
}

function malformed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BlockcloudError) {
      throw new ReplicaProblem("INSTANCE_LEASE_MALFORMED", error);
    }
    throw error;
  }
}
