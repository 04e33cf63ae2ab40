import type { AddressInfo } from "node:net";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import type { Gateway } from "./gateway.ts";

/** Where a gateway listens. */
export interface ListenAddress {
  host: string;
  port: number;
}

/**
 * The gateway of a service, and the one before it for as long as clients may still be sent there: a service
 * that moves listens at the new place first.
 */
export class Gateways implements Startable {
  readonly #make: (listen: ListenAddress) => Gateway;
  readonly #graceMs: number;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #leaving = new Set<Promise<void>>();
  #current: Gateway;

  /**
   * @param options.make Builds a gateway that listens somewhere else.
   * @param options.graceMs How long the old one goes on after a move: the lease that names it.
   */
  constructor(
    options: {
      make: (listen: ListenAddress) => Gateway;
      listen: ListenAddress;
      graceMs: number;
    },
    dependencies: { timers: Timers; log: Logger },
  ) {
    this.#make = options.make;
    this.#graceMs = options.graceMs;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#current = options.make(options.listen);
  }

  /** Where new clients are sent. */
  get address(): AddressInfo {
    return this.#current.address;
  }

  async start(): Promise<void> {
    await this.#current.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#leaving, this.#current.stop()]);
  }

  /**
   * Listens at another place as well, which is `address` from then on; the old place closes a while later.
   *
   * @throws BlockcloudError `GATEWAY_LISTEN`; then everything is as it was.
   */
  async moveTo(listen: ListenAddress): Promise<void> {
    const next = this.#make(listen);
    await next.start();
    const old = this.#current;
    this.#current = next;
    const leaving = this.#leave(old).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #leave(old: Gateway): Promise<void> {
    try {
      await this.#timers.sleep(this.#graceMs, this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
    const { address, port } = old.address;
    await old.stop();
    this.#log.info("left the old address", { address, port });
  }
}
