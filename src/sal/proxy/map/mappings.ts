import type { Hex } from "viem";
import { BlockcloudError } from "../../../protocol/errors.ts";
import type { MapStore, Mapping } from "./mapStore.ts";
import type { MapRange } from "./range.ts";

/** How long an address that is not used stays its service's when all others are taken, seconds: 30 days. */
const KEPT_S = 30 * 24 * 3600;
/** How exact the time of the last use is on disk, seconds: it is not written for each query. */
const USED_EVERY_S = 3600;
/** Mappings that are looked at for one that may be given to another service. */
const CANDIDATES = 64;

export interface MappingsDependencies {
  store: MapStore;
  /** Unix seconds. */
  now(): number;
  /** Whether programs may be using an address now. */
  isInUse(address: number): boolean;
  /** Takes one from what may be newly mapped; false if that is used up. */
  mayMap(): boolean;
}

/** Gives each service an address of the range, for good. */
export class Mappings {
  readonly #range: MapRange;
  readonly #dependencies: MappingsDependencies;
  readonly #byService = new Map<Hex, Mapping>();
  readonly #byAddress = new Map<number, Mapping>();
  #version = 0;

  constructor(range: MapRange, dependencies: MappingsDependencies) {
    this.#range = range;
    this.#dependencies = dependencies;
    this.#read();
  }

  /** The mappings of the range, those that were used last first. */
  get all(): readonly Mapping[] {
    this.refresh();
    return [...this.#byAddress.values()];
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Reads again what another process has written; whether it had. */
  refresh(): boolean {
    if (this.#dependencies.store.version === this.#version) return false;
    this.#read();
    return true;
  }

  /** The mapping of an address. */
  at(address: number): Mapping | undefined {
    return this.#byAddress.get(address);
  }

  /**
   * The mapping of a service, which gets an address now if it has none. It is on disk when the call returns.
   *
   * @param name The name that was asked for, in the form of `canonicalName`.
   * @throws BlockcloudError `PROXY_MAP_FULL`, `PROXY_MAP_RATE`; those of the store.
   */
  of(serviceId: Hex, name: string): Mapping {
    this.refresh();
    const known = this.#byService.get(serviceId) ?? this.#create(serviceId, name);
    this.#use(known, name);
    return known;
  }

  /** Programs use an address. */
  used(mapping: Mapping): void {
    this.#use(mapping, mapping.name);
  }

  /** Says whether a hosts file names an address. */
  pin(mapping: Mapping, pinned: boolean): void {
    this.#dependencies.store.pin(mapping.address, pinned);
    mapping.pinned = pinned;
  }

  #use(mapping: Mapping, name: string): void {
    const { store, now } = this.#dependencies;
    const seconds = Math.floor(now());
    if (mapping.name === name && seconds - mapping.usedAt < USED_EVERY_S) return;
    store.used(mapping.address, name, seconds);
    mapping.usedAt = Math.max(mapping.usedAt, seconds);
    mapping.name = name;
  }

  #create(serviceId: Hex, name: string): Mapping {
    const { store, now, mayMap } = this.#dependencies;
    const { first, last } = this.#range;
    if (!mayMap()) throw tooFast();
    const seconds = Math.floor(now());
    const mapping = store.together(() => {
      // Another process may have mapped it since.
      const known = store.ofService(serviceId, first, last);
      if (known !== undefined) return known;
      const address = store.nextFree(first, last) ?? this.#released(seconds);
      const times = { createdAt: seconds, usedAt: seconds, pinned: false };
      const fresh = { address, serviceId, name, ...times };
      store.put(fresh);
      return fresh;
    });
    this.#keep(mapping);
    return mapping;
  }

  /** An address whose service has not used it for long. */
  #released(seconds: number): number {
    const { store, isInUse } = this.#dependencies;
    const { first, last, text } = this.#range;
    const old = store.unusedSince(seconds - KEPT_S, first, last, CANDIDATES);
    const free = old.find(({ address }) => !isInUse(address));
    if (free !== undefined) return free.address;
    throw new BlockcloudError("PROXY_MAP_FULL", `All addresses of ${text} belong to services.`, {
      remedy: "Start the proxy with a larger range, for example --map 127.77.0.0/16.",
    });
  }

  #read(): void {
    const { store } = this.#dependencies;
    this.#version = store.version;
    this.#byService.clear();
    this.#byAddress.clear();
    for (const mapping of store.list(this.#range.first, this.#range.last)) this.#keep(mapping);
  }

  #keep(mapping: Mapping): void {
    const before = this.#byAddress.get(mapping.address);
    if (before !== undefined) this.#byService.delete(before.serviceId);
    this.#byAddress.set(mapping.address, mapping);
    this.#byService.set(mapping.serviceId, mapping);
  }
}

function tooFast(): BlockcloudError {
  return new BlockcloudError("PROXY_MAP_RATE", "Too many services were newly mapped.", {
    remedy: "Wait a minute, or raise --map-rate.",
    retryable: true,
  });
}
