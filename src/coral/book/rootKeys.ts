import { getAddress, type Address } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Authority, RootKey } from "../network.ts";
import { refusals } from "./refusal.ts";

/** The key of an active root service. */
export interface KnownRoot {
  key: Address;
}

export interface RootKeysDependencies {
  authority: Authority;
  timers: Timers;
  log: Logger;
  /** Whether the book holds messages of a service. Only then is its key read again after a change. */
  holds: (number: bigint) => boolean;
  /** A service changed. `root` has its current key; it is undefined if its messages must be dropped. */
  changed: (number: bigint, root: KnownRoot | undefined) => void;
}

/** Reads of a changed service that may fail before all of its messages are dropped. */
const TRIES = 3;
/** Delay between two such reads, milliseconds. */
const RETRY_MS = 500;

/** The newest keys, read from the chain. A result that a change has overtaken is never returned. */
export class RootKeys {
  readonly #most: number;
  readonly #authority: Authority;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #holds: (number: bigint) => boolean;
  readonly #changed: (number: bigint, root: KnownRoot | undefined) => void;
  readonly #stopping = new AbortController();
  readonly #reads = new Map<bigint, Promise<RootKey | undefined>>();
  readonly #checks = new Set<Promise<void>>();
  #unlisten: () => void = () => {};
  /** Counts the changes of all services. */
  #changes = 0;

  constructor(options: { reads: number }, dependencies: RootKeysDependencies) {
    this.#most = options.reads;
    this.#authority = dependencies.authority;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#holds = dependencies.holds;
    this.#changed = dependencies.changed;
  }

  start(): void {
    this.#unlisten = this.#authority.onChange((number) => {
      this.#changes += 1;
      if (!this.#holds(number)) return;
      const check = this.#check(number).finally(() => this.#checks.delete(check));
      this.#checks.add(check);
    });
  }

  async stop(): Promise<void> {
    this.#unlisten();
    this.#stopping.abort();
    await Promise.all(this.#checks);
  }

  /**
   * The key of an active service.
   *
   * @throws BlockcloudError `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`, `CORAL_UNAVAILABLE`.
   */
  async active(number: bigint): Promise<KnownRoot> {
    const root = await this.#read(number);
    if (root === undefined) throw refusals.unknown(number);
    if (!root.active) throw refusals.inactive(number);
    return { key: getAddress(root.key) };
  }

  /**
   * Shares one read among concurrent callers. The number of services that are read at the same time is
   * bounded.
   */
  async #read(number: bigint): Promise<RootKey | undefined> {
    const known = this.#reads.get(number);
    if (known === undefined && this.#reads.size >= this.#most)
      throw refusals.unavailable(undefined);
    const read = known ?? this.#newest(number).finally(() => this.#reads.delete(number));
    this.#reads.set(number, read);
    try {
      return await read;
    } catch (cause) {
      throw refusals.unavailable(cause);
    }
  }

  /** Reads again if the service changed during the read, because the result may be from before the change. */
  async #newest(number: bigint): Promise<RootKey | undefined> {
    for (;;) {
      const before = this.#changes;
      const root = await this.#authority.rootKey(number, this.#stopping.signal);
      if (before === this.#changes) return root;
    }
  }

  /** Messages that cannot be checked are dropped: the key may have been replaced because it was stolen. */
  async #check(number: bigint): Promise<void> {
    const { signal } = this.#stopping;
    for (let left = TRIES; left > 0 && !signal.aborted; left -= 1) {
      try {
        const root = await this.#newest(number);
        const holds = root?.active === true;
        this.#changed(number, holds ? { key: getAddress(root.key) } : undefined);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn("cannot check the messages of a changed service", { number, error });
        await this.#timers.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    if (!signal.aborted) this.#changed(number, undefined);
  }
}
