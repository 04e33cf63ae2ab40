import type { AddressInfo } from "node:net";
import { peerOf } from "../../net/peer.ts";
import { TrustedProxies } from "../../net/proxies.ts";
import type { RefusalObserver } from "../../net/publicHttpMetrics.ts";
import { PublicHttpServer, type PublicHttpLimits } from "../../net/publicHttpServer.ts";
import type { HttpRequest } from "../../node/http/httpServer.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";
import type { ListenAddress } from "../../node/listen.ts";
import type { Resolver } from "../answer.ts";
import { createApp, type Peer } from "./app.ts";
import { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { HttpProblem } from "./problem.ts";
import { Watches, type WatchLimits } from "./watches.ts";

const LIMITS = { maxHeaderBytes: 16 * 1024, headersMs: 5_000, requestMs: 10_000 };
const MEBIBYTE = 1024 * 1024;
/** Time limit of a lookup, milliseconds. */
const LOOKUP_MS = 10_000;
/** Clients whose rate is tracked. */
const MAX_PEERS = 100_000;

/** Limits and proxies have defaults. */
export interface HttpFrontOptions extends Partial<PublicHttpLimits> {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
  /** Names per second that one address may look up, with a burst of twice as many; 0 for no limit. */
  namesPerSecond: number;
  watches?: Partial<WatchLimits>;
}

export interface HttpFrontDependencies {
  resolver: Pick<Resolver, "resolve" | "lookupName" | "watch">;
  metrics: Pick<Metrics, "expose" | "health">;
  observer: HttpObserver;
  refusals?: RefusalObserver | undefined;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
}

/** Serves lookups over HTTP (docs/resolver.md). */
export class HttpFront implements Startable {
  readonly #server: PublicHttpServer;
  readonly #watches: Watches;

  constructor(options: HttpFrontOptions, dependencies: HttpFrontDependencies) {
    const { resolver, timers, observer } = dependencies;
    const { namesPerSecond: perSecond } = options;
    const lookup = new BoundedLookup(resolver, { milliseconds: LOOKUP_MS, timers });
    this.#watches = new Watches(
      {
        maxWatches: 1_000,
        maxPerPeer: 16,
        heartbeatMs: 15_000,
        maxWaitingBytes: 256 * 1024,
        ...options.watches,
      },
      { resolver, lookup, timers, observer },
    );
    const rate = new RateLimit(
      // A full batch must fit into a burst.
      { perSecond, burst: Math.max(100, 2 * perSecond), maxPeers: MAX_PEERS },
      () => timers.monotonic(),
    );
    const proxies = new TrustedProxies(options.trustedProxies ?? []);
    const app = createApp({
      ...dependencies,
      lookup,
      watches: this.#watches,
      take: (request, cost) =>
        perSecond === 0 ? 0 : rate.take(peerOf(proxies.clientOf(request).address), cost),
      peerOf: (request) => peerOfRequest(request, proxies),
    });
    this.#server = new PublicHttpServer(
      {
        ...LIMITS,
        listen: options.listen,
        trustedProxies: options.trustedProxies ?? [],
        maxConnections: options.maxConnections ?? 2_000,
        maxConnectionsPerPeer: options.maxConnectionsPerPeer ?? 128,
        keepAliveMs: options.keepAliveMs ?? 120_000,
        maxUnread: options.maxUnread ?? 64 * MEBIBYTE,
        maxUnreadPerPeer: options.maxUnreadPerPeer ?? 16 * MEBIBYTE,
      },
      {
        ...app,
        unread: () => new HttpProblem("RESPONSES_UNREAD").response,
      },
      dependencies,
    );
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address;
  }

  /** @throws BlockcloudError `HTTP_LISTEN` if the address cannot be bound. */
  start(): Promise<void> {
    return this.#server.start();
  }

  async stop(): Promise<void> {
    this.#watches.stop();
    await this.#server.stop();
  }
}

/** A proxy on this host that is not trusted, and says for whom it asks, is not a client on this host. */
function peerOfRequest(request: HttpRequest, proxies: TrustedProxies): Peer {
  const { address, hops } = proxies.clientOf(request);
  const { headers } = request;
  const isProxied =
    hops.length > 1 || headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined;
  const isLoopback = address === "::1" || address.startsWith("127.");
  return { address, isLocal: isLoopback && !isProxied };
}
