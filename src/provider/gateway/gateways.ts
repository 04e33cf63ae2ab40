import type { AddressInfo, Socket } from "node:net";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Gateway } from "./gateway.ts";
import type { ListenPlace } from "./options.ts";

/** The address that a gateway listens on. */
export type ListenAddress = ListenPlace;

/**
 * The gateway of a service, and after a move the previous gateway for as long as clients may still use it. A
 * service that moves listens at the new address first.
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
   * @param options.make Creates a gateway that listens on another address.
   * @param options.graceMs How long the old gateway stays open after a move, unless the move says: the lease of
   *   the record that names it.
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

  /** The address for new clients. */
  get address(): AddressInfo {
    return this.#current.address;
  }

  /** The same; undefined once it has left. */
  get listening(): AddressInfo | undefined {
    return this.#current.listening;
  }

  /** Serves a flow of the SAL whose port speaks HTTP. */
  serveFlow(flow: Socket): void {
    this.#current.serveFlow(flow);
  }

  /** Whether connections are open that speak HTTP, or flows of the SAL that do. */
  get isServing(): boolean {
    return this.#current.isServing || this.#leaving.size > 0;
  }

  async start(): Promise<void> {
    await this.#current.start();
  }

  /** Accepts no more; what is served goes on. */
  async leave(): Promise<void> {
    await this.#current.leave();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#leaving, this.#current.stop()]);
  }

  /**
   * Listens on another address as well, which is `address` from then on. The old address is closed later.
   *
   * @param graceMs How long the old gateway stays open this time.
   * @returns How long it stays open.
   * @throws BlockcloudError `GATEWAY_LISTEN`; then nothing has changed.
   */
  async moveTo(listen: ListenAddress, graceMs: number = this.#graceMs): Promise<number> {
    const next = this.#make(listen);
    await next.start();
    const old = this.#current;
    this.#current = next;
    const leaving = this.#leave(old, graceMs).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return graceMs;
  }

  async #leave(old: Gateway, graceMs: number): Promise<void> {
    try {
      await this.#timers.sleep(graceMs, this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
    const { address, port } = old.address;
    await old.stop();
    this.#log.info("left the old address", { address, port });
  }
}
