import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Cidr } from "../../net/cidr.ts";
import { Connections } from "../../net/connections.ts";
import { peerOf } from "../../net/peer.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import { TrustedProxies } from "../../net/proxies.ts";
import { createHttpServer, type HttpRequest } from "../../node/http/httpServer.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";
import { listen, type ListenAddress } from "../../node/listen.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Resolver } from "../answer.ts";
import { createApp, type Peer } from "./app.ts";
import { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { Watches, type WatchLimits } from "./watches.ts";

/** Largest request head, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Time limit for receiving a head, milliseconds. */
const HEADERS_MS = 5_000;
/** Time limit for receiving a whole request, milliseconds. */
const REQUEST_MS = 10_000;
/** Time limit of a lookup, milliseconds. */
const LOOKUP_MS = 10_000;
/** Clients whose rate is tracked. */
const MAX_PEERS = 100_000;

export interface HttpFrontOptions {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
  /** Names per second that one address may look up, with a burst of twice as many; 0 for no limit. */
  namesPerSecond: number;
  /** Proxies in front: what they say about a request's client counts, and limits apply to that client. */
  trustedProxies?: readonly Cidr[];
  /** Connections in total, and of one address (/64 of IPv6); 0 for no limit. */
  maxConnections?: number;
  maxConnectionsPerPeer?: number;
  /** How long an idle connection stays open: longer than clients' pools keep it. */
  keepAliveMs?: number;
  watches?: Partial<WatchLimits>;
}

export interface HttpFrontDependencies {
  resolver: Pick<Resolver, "resolve" | "lookupName" | "watch">;
  metrics: Pick<Metrics, "expose" | "health">;
  observer: HttpObserver;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
}

/** Serves lookups over HTTP (docs/resolver.md). */
export class HttpFront implements Startable {
  readonly #options: HttpFrontOptions;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #watches: Watches;

  constructor(options: HttpFrontOptions, dependencies: HttpFrontDependencies) {
    const { resolver, timers, observer, log } = dependencies;
    const { namesPerSecond: perSecond } = options;
    this.#options = options;
    this.#log = log;
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
    const connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer: options.maxConnectionsPerPeer ?? 128 }),
      total: options.maxConnections ?? 2_000,
      isProxy: (address) => proxies.trusts(address),
      refused: (bound) => {
        observer.connectionRefused(bound);
      },
    });
    this.#server = createHttpServer(
      {
        headersMs: HEADERS_MS,
        requestMs: REQUEST_MS,
        keepAliveMs: options.keepAliveMs ?? 120_000,
        maxHeaderBytes: MAX_HEADER_BYTES,
      },
      {
        ...app,
        began: (socket) => {
          connections.begin(socket);
        },
        ended: (socket) => {
          connections.end(socket);
        },
      },
    );
    this.#server.on("connection", (socket) => {
      connections.opened(socket);
    });
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @throws BlockcloudError `HTTP_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    const address = this.#options.listen;
    const { host, port } = address;
    const refuse = (cause: unknown) =>
      new BlockcloudError("HTTP_LISTEN", `Cannot answer HTTP on ${host}:${port}.`, {
        cause,
        remedy: "Choose a free port and an address of the host.",
      });
    await listen(this.#server, address, refuse);
    this.#server.on("error", (error) => {
      this.#log.error("HTTP cannot be answered", { error });
    });
  }

  async stop(): Promise<void> {
    this.#watches.stop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
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
