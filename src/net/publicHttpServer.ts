import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  createHttpServer,
  type HttpRequest,
  type HttpServerHandlers,
} from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Startable } from "../node/lifecycle.ts";
import { listen, unlisten, type ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Cidr } from "./cidr.ts";
import { Connections } from "./connections.ts";
import { PeerBounds, type Bound } from "./peerBounds.ts";
import type { RefusalCause, RefusalObserver } from "./publicHttpMetrics.ts";
import { TrustedProxies } from "./proxies.ts";
import { UnreadResponses } from "./unreadResponses.ts";

/** How long a client may read nothing of a response that waits for it, milliseconds. */
const UNREAD_MS = 60_000;
/** Requests of a connection whose responses were not sent: a browser waits for one before it sends the next. */
const MAX_PIPELINED = 16;

/** Limits of an HTTP server for strangers, and the proxies in front of it. */
export interface PublicHttpLimits {
  /** Proxies in front: the clients that they name count. */
  trustedProxies: readonly Cidr[];
  /** Connections in total, and of one client; 0 for no limit. */
  maxConnections: number;
  maxConnectionsPerPeer: number;
  keepAliveMs: number;
  /** Bytes of responses that clients have not read, in total and of one client; 0 for no limit. */
  maxUnread: number;
  maxUnreadPerPeer: number;
}

export interface PublicHttpOptions extends PublicHttpLimits {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
  /** Largest head of a request, bytes. */
  maxHeaderBytes: number;
  /** Time limits for receiving a head, and a whole request, milliseconds. */
  headersMs: number;
  requestMs: number;
}

export interface PublicHttpHandlers extends Pick<
  HttpServerHandlers,
  "headers" | "handle" | "refuse" | "failed"
> {
  /** The response to a client that has not read enough of the earlier ones. */
  unread(): HttpResponse;
  /** The error if the address cannot be bound; default: `HTTP_LISTEN`. */
  listenFault?(cause: unknown): BlockcloudError;
}

export interface PublicHttpDependencies {
  log: Logger;
  refusals?: RefusalObserver | undefined;
}

/**
 * An HTTP server for strangers: no client, and no network of clients, can take all connections or all memory. Behind
 * trusted proxies the bounds apply to the clients that they name.
 */
export class PublicHttpServer implements Startable {
  readonly #options: PublicHttpOptions;
  readonly #handlers: PublicHttpHandlers;
  readonly #log: Logger;
  readonly #proxies: TrustedProxies;
  readonly #unread: UnreadResponses;
  readonly #server: Server;

  constructor(
    options: PublicHttpOptions,
    handlers: PublicHttpHandlers,
    { log, refusals }: PublicHttpDependencies,
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.#log = log;
    this.#proxies = new TrustedProxies(options.trustedProxies);
    const refusedBy = (cause: RefusalCause) => (bound: Bound) => {
      log.debug("a connection is closed at a bound", { cause, bound });
      refusals?.refused(cause, bound);
    };
    const { maxConnections, maxConnectionsPerPeer, maxUnread, maxUnreadPerPeer } = options;
    this.#unread = new UnreadResponses(
      { total: maxUnread, perPeer: maxUnreadPerPeer },
      refusedBy("unread"),
    );
    const connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer: maxConnectionsPerPeer }),
      total: maxConnections,
      isProxy: (address) => this.#proxies.trusts(address),
      refused: refusedBy("connections"),
    });
    this.#server = createHttpServer(
      { ...options, unreadMs: UNREAD_MS },
      {
        headers: handlers.headers ?? {},
        handle: (request) => this.#handle(request),
        refuse: (reason) => handlers.refuse(reason),
        failed: (error) => handlers.failed(error),
        began: (socket) => {
          if (connections.begin(socket) > MAX_PIPELINED) socket.destroy();
        },
        ended: (socket: Socket) => {
          connections.end(socket);
        },
        waits: (response, bytes) => {
          this.#unread.add(response, this.#proxies.clientOf(response.req).address, bytes);
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

  /** Bytes of responses that clients have not read. */
  get unread(): number {
    return this.#unread.size;
  }

  /** The address of a request's client, to which limits apply. */
  clientOf(request: Pick<HttpRequest, "headers" | "socket">): string {
    return this.#proxies.clientOf(request).address;
  }

  /** @throws BlockcloudError `HTTP_LISTEN`, or that of `listenFault`, if the address cannot be bound. */
  async start(): Promise<void> {
    const { listen: at } = this.#options;
    const { listenFault = (cause: unknown) => httpListenFault(at, cause) } = this.#handlers;
    await listen(this.#server, at, listenFault);
    this.#server.on("error", (error) => {
      this.#log.error("HTTP cannot be answered", { error });
    });
  }

  async stop(): Promise<void> {
    await unlisten(this.#server);
  }

  #handle(request: HttpRequest): ReturnType<HttpServerHandlers["handle"]> {
    // Nothing waits, as nearly always.
    if (this.#unread.size === 0 || !this.#unread.isReached(this.clientOf(request))) {
      return this.#handlers.handle(request);
    }
    return this.#handlers.unread();
  }
}

function httpListenFault({ host, port }: ListenAddress, cause: unknown): BlockcloudError {
  return new BlockcloudError("HTTP_LISTEN", `Cannot answer HTTP on ${host}:${port}.`, {
    cause,
    remedy: "Choose a free port and an address of the host.",
  });
}
