import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { peerOf } from "../../net/peer.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { listen } from "../../node/listen.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Responder } from "./responder.ts";
import type { Tally } from "./tally.ts";
import { TcpSession, type SessionLimits } from "./tcpSession.ts";

export interface TcpLimits extends SessionLimits {
  /** Total connections. */
  maxConnections: number;
  /** Connections of one address (/64 of IPv6). */
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
  readonly #listen: { host: string; port: number };
  readonly #limits: TcpLimits;
  readonly #dependencies: TcpDependencies;
  readonly #server: Server;
  readonly #sockets = new Map<Socket, string>();

  constructor(
    listen: { host: string; port: number },
    limits: TcpLimits,
    dependencies: TcpDependencies,
  ) {
    this.#listen = listen;
    this.#limits = limits;
    this.#dependencies = dependencies;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
    this.#server.maxConnections = limits.maxConnections;
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
    await listen(this.#server, { host, port }, refuse);
    this.#server.on("error", (error) => {
      this.#dependencies.log.warn("DNS over TCP failed", { error });
    });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket.remoteAddress);
    const same = [...this.#sockets.values()].filter((each) => each === peer).length;
    if (same >= this.#limits.maxPerPeer) {
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, peer);
    this.#dependencies.tally.connections(this.#sockets.size);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#dependencies.tally.connections(this.#sockets.size);
    });
    new TcpSession(socket, this.#limits, this.#dependencies).run();
  }
}
