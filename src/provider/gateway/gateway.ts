import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer, type AddressInfo, type Socket } from "node:net";
import { PeerBounds } from "../../net/peerBounds.ts";
import { TrustedProxies } from "../../net/proxies.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import { listenAt, listenToHandOver } from "../../node/listen.ts";
import { responseToUpgrade } from "../../node/http/upgrade.ts";
import { isWebSocket } from "../../node/http/framing.ts";
import { Bag } from "../../node/bag.ts";
import { Unreadable } from "../../node/http/unreadable.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { BufferBudget } from "./bufferBudget.ts";
import { SalAcceptor } from "../../sal/provider/salAcceptor.ts";
import type { SalProvider } from "../../sal/provider/salProvider.ts";
import type { Certificate } from "../../sal/transport/certificate.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { Connections } from "../../net/connections.ts";
import { Exchange, type ExchangeContext } from "./exchange.ts";
import type { Payments } from "./pay/payments.ts";
import { refuseConnect } from "./refuseConnect.ts";
import { gatewaySettings, type GatewayOptions, type GatewaySettings } from "./options.ts";
import type { GatewayObserver } from "../metrics.ts";
import { ServiceReceipts } from "./serviceReceipts.ts";
import { Upstream } from "./upstream.ts";

/** Largest head of a request, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

export interface GatewayDependencies {
  logger: Logger;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  /** A monotonic clock for rates, milliseconds. */
  monotonic(): number;
  observer?: GatewayObserver | undefined;
  /** Serves the SAL at the same port; without it, the port speaks HTTP only. */
  sal?: GatewaySal | undefined;
  /** Takes the payments of a priced service. They belong to the service: they outlive a gateway. */
  payments?: Payments | undefined;
}

/** The parts that serve the SAL beside HTTP. Sessions belong to the service: they outlive a gateway. */
export interface GatewaySal {
  provider: SalProvider;
  certificate: Certificate;
  clock: Scheduler;
}

/**
 * A proxy in front of a provider's HTTP server. It proves the service to every client that sends a
 * `Service-Nonce`: the response carries a `Service-Receipt`, in the header or, if the body streams, in the
 * trailer.
 *
 * A receipt covers the digest of the bytes as sent. The gateway asks its upstream for identity coding. If the
 * upstream sends another coding, a client must hash the body before it decodes it.
 *
 * @example
 * const gateway = new Gateway({ serviceId, domain, key, upstream, listen }, { logger, now, monotonic });
 * await gateway.start();
 */
export class Gateway {
  readonly #settings: GatewaySettings;
  readonly #logger: Logger;
  readonly #monotonic: () => number;
  readonly #upstream: Upstream;
  readonly #context: ExchangeContext;
  readonly #connections: Connections;
  readonly #running = new Bag<ServerResponse>();
  readonly #unreadable = new Unreadable();
  readonly #server: Server;
  /** Takes a connection that speaks HTTP. */
  #serveHttp: (socket: Socket) => void = () => {};
  #sal: SalAcceptor | undefined;
  #salProvider: SalProvider | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** Settles when no connection is left, once the gateway accepts no more. */
  #closed: Promise<unknown> | undefined;

  /** @throws BlockcloudError `GATEWAY_OPTIONS`. */
  constructor(options: GatewayOptions, dependencies: GatewayDependencies) {
    const { logger, now, monotonic, observer } = dependencies;
    const settings = gatewaySettings(options);
    this.#settings = settings;
    this.#logger = logger;
    this.#upstream = new Upstream(settings.upstream, settings.upstreamTimeoutMs);
    const rate = {
      perSecond: settings.receiptsPerSecond,
      burst: settings.receiptBurst,
      maxPeers: settings.maxPeers,
    };
    const proxies = new TrustedProxies(settings.trustedProxies);
    const perPeer = settings.maxConnectionsPerPeer;
    this.#connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer }),
      total: settings.maxConnections,
      isProxy: (address) => proxies.trusts(address),
      refused: (bound) => observer?.connectionRefused(bound),
    });
    this.#context = {
      proxied: new PeerBounds({ total: 0, perPeer }),
      streams: new PeerBounds({ total: settings.maxStreams, perPeer: settings.maxStreamsPerPeer }),
      admission: {
        proxies,
        maxRequestBytes: settings.maxRequestBytes,
        receiptRate: new RateLimit(rate, monotonic),
      },
      limits: {
        maxBufferedBytes: settings.maxBufferedBytes,
        upstreamTimeoutMs: settings.upstreamTimeoutMs,
        buffers: new BufferBudget(settings.maxBufferedTotalBytes),
      },
      receipts: new ServiceReceipts(settings, now),
      upstream: this.#upstream,
      payments: dependencies.payments,
      flows: new WeakSet(),
      observer,
      logger,
    };
    this.#monotonic = monotonic;
    this.#server = this.#createServer();
    this.#serveHttp = (socket) => {
      this.#server.emit("connection", socket);
    };
    if (dependencies.sal !== undefined) this.#share(dependencies.sal);
  }

  /** Serves a flow whose port speaks HTTP as one more connection. */
  serveFlow(flow: Socket): void {
    this.#context.flows.add(flow);
    this.#serveHttp(flow);
  }

  /** Serves HTTP and the SAL at one port: the first byte of a connection says which it is. */
  #share({ provider, certificate, clock }: GatewaySal): void {
    const server = this.#server;
    // The server listens itself, so that its limits of time hold; only its connections pass by here.
    const listeners = server.listeners("connection");
    server.removeAllListeners("connection");
    this.#serveHttp = (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    };
    const parts = { certificate, provider, onHttp: this.#serveHttp };
    const acceptor = new SalAcceptor(parts, { clock, log: this.#logger });
    this.#sal = acceptor;
    this.#salProvider = provider;
    server.on("connection", (socket) => {
      acceptor.accept(socket);
    });
  }

  /** Where the gateway listens; undefined before it has started, and once it has left. */
  get listening(): AddressInfo | undefined {
    return (this.#server.address() as AddressInfo | null) ?? undefined;
  }

  /** The same. @throws BlockcloudError `GATEWAY_NOT_LISTENING`. */
  get address(): AddressInfo {
    if (this.listening !== undefined) return this.listening;
    const remedy = "Await start() first.";
    throw new BlockcloudError("GATEWAY_NOT_LISTENING", "The gateway does not listen.", { remedy });
  }

  /** @throws BlockcloudError `GATEWAY_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    if (this.#started !== undefined) {
      throw new BlockcloudError("GATEWAY_STARTED", "A gateway starts once.", {
        remedy: "Create a new gateway.",
      });
    }
    this.#started = this.#listen();
    await this.#started;
  }

  async #listen(): Promise<void> {
    const { host, port, fd, joins = false } = this.#settings.listen;
    const where = fd === undefined ? `${host}:${port}` : `the passed socket ${fd}`;
    const refuse = (cause: unknown) =>
      new BlockcloudError("GATEWAY_LISTEN", `Cannot listen on ${where}.`, {
        cause,
        remedy: "Choose a free port and an address of the host.",
      });
    if (fd === undefined) await listenToHandOver(this.#server, { host, port }, joins, refuse);
    else await listenAt(this.#server, fd, refuse);
    this.#server.on("error", (error) => {
      this.#logger.error("Gateway cannot accept", { cause: error.message });
    });
    this.#logger.info("Gateway listens", {
      ...this.address,
      serviceId: this.#settings.serviceId,
      signer: addressOfKey(this.#settings.key),
    });
  }

  /** Whether connections are open that speak HTTP, or flows that do. */
  get isServing(): boolean {
    return this.#connections.size > 0;
  }

  /**
   * Accepts no more, and takes no further request on a kept connection. Responses, event streams, tunnels and sessions
   * of the SAL go on until they end, or until {@link stop}.
   */
  async leave(): Promise<void> {
    this.#drain();
    // What the system has accepted meanwhile is in the server's hands after this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    void this.#close();
    this.#connections.drain();
  }

  /** Requests that run end here, also those of flows; no further one comes on a kept connection. */
  #drain(): void {
    for (const response of this.#running) response.shouldKeepAlive = false;
    this.#connections.drain();
  }

  #close(): Promise<unknown> {
    if (this.#closed === undefined) {
      this.#closed = once(this.#server, "close");
      // Not http.Server's close(): see Connections.
      NetServer.prototype.close.call(this.#server);
    }
    return this.#closed;
  }

  /**
   * Stops accepting, lets running responses finish until the deadline, then closes the remaining connections,
   * including event streams and tunnels, which have no end of their own. A SAL that leaves is left to stop first.
   */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    // The caller of `start` already knows of a failed start.
    if (!this.#server.listening) await this.#started?.catch(() => {});
    if (this.#server.listening || this.#closed !== undefined) {
      this.#drain();
      const deadline = setTimeout(() => {
        this.#connections.destroy();
      }, this.#settings.drainMs);
      // A service that stops still takes connections of clients that resume: their flows are not over.
      const drained = this.#salProvider?.drained;
      if (drained !== undefined) await drained;
      const closed = this.#close();
      // Those that came meanwhile.
      this.#connections.drain();
      // Sessions go on at another place, or end with the service.
      this.#sal?.stop();
      await closed;
      clearTimeout(deadline);
      // Ends the timer that checks for slow requests.
      this.#server.close();
    }
    this.#upstream.close();
    this.#logger.info("Gateway stopped");
  }

  #createServer(): Server {
    const settings = this.#settings;
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: settings.headersTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      keepAliveTimeout: settings.keepAliveMs,
      connectionsCheckingInterval: Math.max(1, Math.min(1_000, settings.headersTimeoutMs / 2)),
      insecureHTTPParser: false,
      requireHostHeader: true,
      // Detects clients that vanish while an event stream is silent.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      // Other upgrades are optional, and responding over HTTP/1.1 is allowed. h2c in particular would carry
      // requests past this gateway.
      shouldUpgradeCallback: isWebSocket,
    });
    // A client that waits for the upstream is silent, too.
    server.timeout = Math.max(settings.clientTimeoutMs, 2 * settings.upstreamTimeoutMs);
    // Not in the documentation of Node, which otherwise closes the connection with the client's half of it.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on("connection", (socket) => {
      socket.on("end", this.#onHalfClosed);
      this.#connections.opened(socket);
    });
    server.on("request", (request, response) => {
      this.#serve(request, response);
    });
    // Without this listener Node sends 100 (Continue) before the request was checked.
    server.on("checkContinue", (request, response) => {
      this.#serve(request, response);
    });
    server.on("clientError", this.#unreadable.end);
    server.on("upgrade", (request, socket, head) => {
      this.#serveUpgrade(request, socket as Socket, head);
    });
    server.on("connect", (_request, socket) => {
      refuseConnect(socket as Socket);
    });
    return server;
  }

  /** Bound to the gateway and called on the socket, so that no connection needs a listener of its own. */
  readonly #onHalfClosed = halfClosedListener((socket) => {
    const waiting = [...this.#running].filter((response) => response.socket === socket);
    if (waiting.length === 0) return;
    const timer = setTimeout(() => {
      // A response that has begun finds out by itself whether its client still reads.
      for (const response of waiting) if (!response.headersSent) response.destroy();
    }, this.#settings.halfClosedMs);
    socket.once("close", () => {
      clearTimeout(timer);
    });
  });

  #serve(request: IncomingMessage, response: ServerResponse, upgrade?: Socket): void {
    const { socket } = request;
    const place = this.#running.add(response);
    this.#unreadable.began(response);
    this.#connections.begin(socket);
    if (this.#stopped !== undefined || this.#closed !== undefined) response.shouldKeepAlive = false;
    // A tunnel runs until its connection closes; its response never does.
    const exchange = new Exchange(request, response, this.#context, upgrade);
    const started = this.#monotonic();
    (upgrade ?? response).once("close", () => {
      this.#running.remove(place);
      this.#unreadable.ended(response);
      this.#connections.end(socket);
      const seconds = (this.#monotonic() - started) / 1000;
      this.#context.observer?.finished(exchange.status, seconds);
    });
    void exchange.run();
  }

  #serveUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => {});
    // A tunnel passes on the end of either half.
    socket.off("end", this.#onHalfClosed);
    this.#serve(request, responseToUpgrade(request, socket, head), socket);
  }
}

function halfClosedListener(act: (socket: Socket) => void): (this: Socket) => void {
  return function (this: Socket) {
    act(this);
  };
}
