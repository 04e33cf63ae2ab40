import { getAddress, type Address } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import type { Authority, RootKey } from "./network.ts";
import { refusals } from "./refusal.ts";

/** The key of an active root service. */
export interface KnownRoot {
  key: Address;
}

export interface RootKeysDependencies {
  authority: Authority;
  timers: Timers;
  log: Logger;
  /** Whether anything is held of a service: only then is it asked for after a change. */
  holds: (number: bigint) => boolean;
  /** A service changed: its key now, or undefined where nothing of it may be held any more. */
  changed: (number: bigint, root: KnownRoot | undefined) => void;
}

/** How often a changed service is asked for before all of it is dropped unasked. */
const TRIES = 3;
/** Between two such tries, milliseconds. */
const RETRY_MS = 500;

/** The newest keys, from the chain; an answer that a change overtook is never given. */
export class RootKeys {
  readonly #most: number;
  readonly #d: RootKeysDependencies;
  readonly #stopping = new AbortController();
  readonly #reads = new Map<bigint, Promise<RootKey | undefined>>();
  readonly #checks = new Set<Promise<void>>();
  #unlisten: () => void = () => {};
  /** Counts the changes of all services. */
  #changes = 0;

  constructor(options: { reads: number }, dependencies: RootKeysDependencies) {
    this.#most = options.reads;
    this.#d = dependencies;
  }

  start(): void {
    this.#unlisten = this.#d.authority.onChange((number) => {
      this.#changes += 1;
      if (!this.#d.holds(number)) return;
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

  /** One read for all who ask meanwhile; of how many services at one time is bounded. */
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

  /** Asks again where a change came between: the answer may be the one from before it. */
  async #newest(number: bigint): Promise<RootKey | undefined> {
    for (;;) {
      const before = this.#changes;
      const root = await this.#d.authority.rootKey(number, this.#stopping.signal);
      if (before === this.#changes) return root;
    }
  }

  /** What cannot be checked is not held on to: the key may be a thief's by now. */
  async #check(number: bigint): Promise<void> {
    const { signal } = this.#stopping;
    for (let left = TRIES; left > 0 && !signal.aborted; left -= 1) {
      try {
        const root = await this.#newest(number);
        const holds = root?.active === true;
        this.#d.changed(number, holds ? { key: getAddress(root.key) } : undefined);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#d.log.warn("cannot check what is held of a changed service", { number, error });
        await this.#d.timers.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    if (!signal.aborted) this.#d.changed(number, undefined);
  }
}
