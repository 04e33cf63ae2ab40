import type { AddressInfo } from "node:net";
import type { Resolve } from "../../net/resolve.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { ListenAddress } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import { ZoneLookup } from "./zoneLookup.ts";
import { Hosts } from "./hosts.ts";
import { Responder } from "./responder.ts";
import { ResponseRate } from "./responseRate.ts";
import { Tally, type DnsObserver } from "./tally.ts";
import { TcpServer } from "./tcp.ts";
import { UdpServer } from "./udp.ts";

export interface DnsFrontOptions {
  /** Port 0 chooses a free port, the same for both transports: see `address`. */
  listen: ListenAddress;
  /** UDP responses per second to one network; 0 for no limit. Loopback is never limited. */
  answersPerSecond: number;
  /** For a devnet: responses may contain loopback addresses. */
  allowLoopback: boolean;
  /** Secret seed of the hashes, so that clients cannot predict them. */
  seed: number;
  limits?: Partial<DnsLimits>;
}

/** Limits that tests may override. */
export interface DnsLimits {
  /** The longest TTL, seconds: how long clients may use an answer after a change. */
  maxTtlSeconds: number;
  negativeTtlSeconds: number;
  lookupMs: number;
  keepMs: number;
  keepVaryingMs: number;
  maxAnswers: number;
  maxPending: number;
  maxConnections: number;
  maxPerPeer: number;
  idleMs: number;
  maxPipelined: number;
}

const defaults: DnsLimits = {
  maxTtlSeconds: 30,
  negativeTtlSeconds: 5,
  // Clients time out after 5 s.
  lookupMs: 4_000,
  // The resolver reports changes of the answers that it holds. This limit is for answers that it has evicted
  // since, and no longer than clients keep an answer themselves.
  keepMs: 30_000,
  keepVaryingMs: 1_000,
  maxAnswers: 20_000,
  maxPending: 2_048,
  maxConnections: 512,
  maxPerPeer: 32,
  idleMs: 10_000,
  maxPipelined: 32,
};

/** Free UDP ports to try until one is free for TCP, too. */
const PORT_TRIES = 8;

export interface DnsFrontDependencies {
  resolver: Pick<Resolver, "resolve" | "lookupName" | "watchAll">;
  resolveHost: Resolve;
  /** Unix milliseconds of the chain's time. */
  now(): number;
  timers: Timers;
  log: Logger;
  observer: DnsObserver;
}

/** Answers DNS queries for `bloc.alt` over UDP and TCP, as the zone's authoritative server. */
export class DnsFront implements Startable {
  readonly #responder: Responder;
  readonly #tally: Tally;
  readonly #options: DnsFrontOptions;
  readonly #limits: DnsLimits;
  readonly #timers: Timers;
  readonly #log: Logger;
  #udp: UdpServer | undefined;
  #tcp: TcpServer | undefined;

  constructor(options: DnsFrontOptions, dependencies: DnsFrontDependencies) {
    const { resolver, timers, log, now } = dependencies;
    const limits = { ...defaults, ...options.limits };
    const hosts = new Hosts(
      { keepMs: limits.maxTtlSeconds * 1000, maxHosts: 10_000, maxPending: 256, timeMs: 2_000 },
      { resolve: dependencies.resolveHost, timers },
    );
    const onFault = (error: unknown) => {
      log.error("a DNS query failed", { error });
    };
    const { allowLoopback } = options;
    const zoneLookup = new ZoneLookup(limits, { resolver, timers, hosts, allowLoopback, onFault });
    this.#options = options;
    this.#limits = limits;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#responder = new Responder(
      { ...limits, seed: options.seed },
      { resolver, zoneLookup, now, timers },
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
    this.#tcp = new TcpServer(both, this.#limits, shared);
    await this.#tcp.start();
  }

  async #close(): Promise<void> {
    await this.#tcp?.stop();
    await this.#udp?.stop();
  }
}
