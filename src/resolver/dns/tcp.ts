import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { plainAddress } from "../../net/peer.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { listen, type ListenAddress } from "../../node/listen.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Responder } from "./responder.ts";
import type { Tally } from "./tally.ts";
import { TcpSession, type SessionLimits } from "./tcpSession.ts";

export interface TcpLimits extends SessionLimits {
  /** Total connections; 0 for no limit. */
  maxConnections: number;
  /** Connections of one address (/64 of IPv6), and four times as many of one network; 0 for no limit. */
  maxPerPeer: number;
}

export interface TcpDependencies {
  responder: Responder;
  tally: Tally;
  timers: Timers;
  log: Logger;
}

/**
 * DNS over TCP (RFC 7766): connections stay open for more queries, and responses are sent as they are ready.
 */
export class TcpServer implements Startable {
  readonly #listen: ListenAddress;
  readonly #limits: TcpLimits;
  readonly #bounds: PeerBounds;
  readonly #dependencies: TcpDependencies;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(listen: ListenAddress, limits: TcpLimits, dependencies: TcpDependencies) {
    this.#listen = listen;
    this.#limits = limits;
    this.#bounds = new PeerBounds({ total: limits.maxConnections, perPeer: limits.maxPerPeer });
    this.#dependencies = dependencies;
    // A client that has closed its half after its last query still gets the answers.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#accept(socket);
    });
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  async start(): Promise<void> {
    const { host, port } = this.#listen;
    const refuse = (cause: unknown) =>
      new BlockcloudError("DNS_LISTEN", `Cannot answer DNS over TCP on ${host}:${port}.`, {
        cause,
        remedy:
          "Choose a free port and an address of the host; a port below 1024 needs a privilege.",
      });
    await listen(this.#server, this.#listen, refuse);
    this.#server.on("error", (error) => {
      this.#dependencies.log.warn("DNS over TCP failed", { error });
    });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress);
    if (this.#bounds.reached(peer) !== undefined) {
      socket.destroy();
      return;
    }
    this.#bounds.add(peer);
    this.#sockets.add(socket);
    this.#dependencies.tally.connections(this.#sockets.size);
    socket.once("close", () => {
      this.#bounds.remove(peer);
      this.#sockets.delete(socket);
      this.#dependencies.tally.connections(this.#sockets.size);
    });
    new TcpSession(socket, this.#limits, this.#dependencies).run();
  }
}
