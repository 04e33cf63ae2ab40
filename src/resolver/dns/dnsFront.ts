import type { AddressInfo } from "node:net";
import type { Resolve } from "../../net/resolve.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { ListenAddress } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Resolver } from "../answer.ts";
import { ZoneLookup } from "./zoneLookup.ts";
import { Hosts } from "./hosts.ts";
import { DnsServer } from "./dnsServer.ts";
import type { DnsObserver } from "./tally.ts";

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

export const dnsLimits: DnsLimits = {
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

export interface DnsFrontDependencies {
  resolver: Pick<Resolver, "resolve" | "lookupName" | "watchAll">;
  resolveHost: Resolve;
  /** Unix milliseconds of the chain's time. */
  now(): number;
  timers: Timers;
  log: Logger;
  observer: DnsObserver;
}

/** Answers DNS queries for `bloc.alt` and `bloc.internal` with the endpoints of services. */
export class DnsFront implements Startable {
  readonly #server: DnsServer;

  constructor(options: DnsFrontOptions, dependencies: DnsFrontDependencies) {
    const { resolver, timers, log } = dependencies;
    const limits = { ...dnsLimits, ...options.limits };
    const hosts = new Hosts(
      { keepMs: limits.maxTtlSeconds * 1000, maxHosts: 10_000, maxPending: 256, timeMs: 2_000 },
      { resolve: dependencies.resolveHost, timers },
    );
    const onFault = (error: unknown) => {
      log.error("a DNS query failed", { error });
    };
    const { allowLoopback } = options;
    const zone = new ZoneLookup(limits, { resolver, timers, hosts, allowLoopback, onFault });
    this.#server = new DnsServer({ ...options, limits }, { ...dependencies, zone });
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address;
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
