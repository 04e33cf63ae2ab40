import { randomInt } from "node:crypto";
import type { AddressInfo } from "node:net";
import { PublicHttpMetrics } from "../net/publicHttpMetrics.ts";
import { resolveHost, type Resolve } from "../net/resolve.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import type { Resolver } from "./answer.ts";
import { DnsFront, type DnsLimits } from "./dns/dnsFront.ts";
import { DnsMetrics, HttpMetrics } from "./frontMetrics.ts";
import { HttpFront, type HttpFrontOptions } from "./http/httpFront.ts";

export interface FrontsOptions {
  /** The address of the HTTP front; undefined for none. */
  http: ListenAddress | undefined;
  /** The address of the DNS front, over UDP and TCP; undefined for none. */
  dns: ListenAddress | undefined;
  /** Names per second that one address may look up over HTTP; 0 for no limit. */
  httpRate: number;
  /** DNS responses per second to one network over UDP; 0 for no limit. */
  dnsRate: number;
  /** For a devnet: DNS responses may contain loopback addresses. */
  allowLoopback: boolean;
  /** Further limits of the HTTP front, and the proxies before it; all have defaults. */
  httpLimits?: Omit<HttpFrontOptions, "listen" | "namesPerSecond">;
  /** Further limits of the DNS front; all have defaults. */
  dnsLimits?: Partial<DnsLimits>;
}

export interface FrontsDependencies {
  resolver: Resolver;
  /** The chain's time, which leases use, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
  metrics: Metrics;
  /** Finds the addresses of hosts in records, for DNS. */
  resolveHost?: Resolve;
}

/** A resolver's fronts, and where they listen once they have started. */
export interface Fronts extends Startable {
  readonly http: AddressInfo | undefined;
  readonly dns: AddressInfo | undefined;
}

/** Creates a resolver's HTTP and DNS servers. */
export function createFronts(options: FrontsOptions, dependencies: FrontsDependencies): Fronts {
  const { metrics, log } = dependencies;
  const http =
    options.http &&
    new HttpFront(
      { ...options.httpLimits, listen: options.http, namesPerSecond: options.httpRate },
      {
        ...dependencies,
        observer: new HttpMetrics(metrics),
        refusals: new PublicHttpMetrics(metrics),
      },
    );
  const dns =
    options.dns &&
    new DnsFront(
      {
        listen: options.dns,
        answersPerSecond: options.dnsRate,
        allowLoopback: options.allowLoopback,
        seed: randomInt(2 ** 32),
        limits: options.dnsLimits ?? {},
      },
      { resolveHost, ...dependencies, observer: new DnsMetrics(metrics) },
    );
  const parts = inOrder(...(http ? [http] : []), ...(dns ? [dns] : []));
  return {
    get http() {
      return http?.address;
    },
    get dns() {
      return dns?.address;
    },
    async start() {
      await parts.start();
      log.info("resolver listens", { http: shown(http), dns: shown(dns) });
    },
    stop: () => parts.stop(),
  };
}

function shown(front: { address: AddressInfo } | undefined): string | undefined {
  if (front === undefined) return undefined;
  const { address, family, port } = front.address;
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}
