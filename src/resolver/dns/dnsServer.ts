import type { AddressInfo } from "node:net";
import type { Startable } from "../../node/lifecycle.ts";
import type { ListenAddress } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import { Responder, type ResponderOptions } from "./responder.ts";
import { ResponseRate } from "./responseRate.ts";
import { Tally, type DnsObserver } from "./tally.ts";
import { TcpServer, type TcpLimits } from "./tcp.ts";
import { UdpServer } from "./udp.ts";
import type { ZoneSource } from "./zoneLookup.ts";

export interface DnsServerOptions {
  /** Port 0 chooses a free port, the same for both transports: see `address`. */
  listen: ListenAddress;
  /** UDP responses per second to one network; 0 for no limit. Loopback is never limited. */
  answersPerSecond: number;
  /** Secret seed of the hashes, so that clients cannot predict them. */
  seed: number;
  limits: Omit<ResponderOptions, "seed"> & TcpLimits;
}

/** Free UDP ports to try until one is free for TCP, too. */
const PORT_TRIES = 8;

export interface DnsServerDependencies {
  resolver: Pick<Resolver, "watchAll">;
  zone: ZoneSource;
  /** Unix milliseconds of the chain's time. */
  now(): number;
  timers: Timers;
  log: Logger;
  observer: DnsObserver;
}

/** Answers DNS queries over UDP and TCP, as the zones' authoritative server. */
export class DnsServer implements Startable {
  readonly #responder: Responder;
  readonly #tally: Tally;
  readonly #options: DnsServerOptions;
  readonly #timers: Timers;
  readonly #log: Logger;
  #udp: UdpServer | undefined;
  #tcp: TcpServer | undefined;

  constructor(options: DnsServerOptions, dependencies: DnsServerDependencies) {
    const { resolver, zone, timers, log, now } = dependencies;
    this.#options = options;
    this.#timers = timers;
    this.#log = log;
    this.#responder = new Responder(
      { ...options.limits, seed: options.seed },
      { resolver, zoneLookup: zone, now, timers },
    );
    this.#tally = new Tally(dependencies.observer, timers);
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    if (this.#udp === undefined) throw new Error("not started");
    return this.#udp.address;
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  async start(): Promise<void> {
    this.#tally.start();
    this.#responder.start();
    for (let tries = this.#options.listen.port === 0 ? PORT_TRIES : 1; ; tries -= 1) {
      try {
        await this.#listen();
        return;
      } catch (error) {
        await this.#close();
        if (tries === 1) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    this.#responder.stop();
    this.#tally.stop();
    await this.#close();
  }

  async #listen(): Promise<void> {
    const { listen, answersPerSecond, seed } = this.#options;
    const timers = this.#timers;
    const log = this.#log;
    const shared = { responder: this.#responder, tally: this.#tally, timers, log };
    const limit = { perSecond: answersPerSecond, burst: 2 * answersPerSecond };
    this.#udp = new UdpServer(listen, { ...shared, rate: new ResponseRate(limit, seed) });
    await this.#udp.start();
    const both = { ...listen, port: this.#udp.address.port };
    this.#tcp = new TcpServer(both, this.#options.limits, shared);
    await this.#tcp.start();
  }

  async #close(): Promise<void> {
    await this.#tcp?.stop();
    await this.#udp?.stop();
  }
}
