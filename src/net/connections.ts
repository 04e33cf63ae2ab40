import type { Socket } from "node:net";
import { plainAddress } from "./peer.ts";
import type { Bound, PeerBounds } from "./peerBounds.ts";

interface Connection {
  /** The peer's address, or undefined for a trusted proxy, which has many clients. */
  address: string | undefined;
  /** Responses that are running. */
  running: number;
}

export interface ConnectionsOptions {
  bounds: PeerBounds;
  /** Most connections in total; 0 for no limit. */
  total: number;
  /** Whether an address is a trusted proxy's: then only the bound in total applies. */
  isProxy(address: string): boolean;
  refused(bound: Bound): void;
}

/**
 * The clients' connections, and the number of running responses on each. `http.Server.close()` considers a
 * response complete when it was handed to the socket, and cuts off a slow client's rest; this class waits
 * until the response was sent.
 *
 * Neither one address nor one network can open so many connections that others get none. When all are taken,
 * a new connection replaces the one that has been idle longest: kept connections are only a convenience.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<Socket, Connection>();
  /** Connections without a running response, the one that has been idle longest first. */
  readonly #idle = new Set<Socket>();
  #draining = false;

  /** Called on the socket, so that an idle connection needs no closure of its own. */
  readonly #onClosed: (this: Socket) => void;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const forget = (socket: Socket) => {
      this.#forget(socket);
    };
    this.#onClosed = function () {
      forget(this);
    };
  }

  /** Open connections. */
  get size(): number {
    return this.#open.size;
  }

  /** A client has connected; its connection is closed if a bound is reached. */
  opened(socket: Socket): void {
    const { bounds, isProxy, refused } = this.#options;
    const peer = plainAddress(socket.remoteAddress);
    const address = isProxy(peer) ? undefined : peer;
    const ofPeer = address === undefined ? undefined : bounds.reached(address);
    const reached = ofPeer ?? this.#fullUnlessEvicted();
    if (reached !== undefined) {
      refused(reached);
      socket.destroy();
      return;
    }
    if (address !== undefined) bounds.add(address);
    this.#open.set(socket, { address, running: 0 });
    this.#idle.add(socket);
    socket.on("close", this.#onClosed);
  }

  /**
   * A response begins.
   *
   * @returns How many run on the connection.
   */
  begin(socket: Socket): number {
    this.#idle.delete(socket);
    return this.#add(socket, 1) ?? 0;
  }

  /** A response was sent or abandoned. */
  end(socket: Socket): void {
    if (this.#add(socket, -1) !== 0) return;
    if (this.#draining) socket.destroySoon();
    else this.#idle.add(socket);
  }

  /** Closes idle connections, and the others when they become idle. */
  drain(): void {
    this.#draining = true;
    for (const [socket, { running }] of this.#open) if (running === 0) socket.destroySoon();
  }

  /** Closes all connections now. */
  destroy(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #fullUnlessEvicted(): Bound | undefined {
    const { total } = this.#options;
    if (total === 0 || this.#open.size < total) return undefined;
    const [oldest] = this.#idle;
    if (oldest === undefined) return "total";
    // It no longer counts, although its closing takes a moment.
    this.#forget(oldest);
    oldest.destroySoon();
    return undefined;
  }

  #forget(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    this.#idle.delete(socket);
    if (connection.address !== undefined) this.#options.bounds.remove(connection.address);
  }

  #add(socket: Socket, change: number): number | undefined {
    const connection = this.#open.get(socket);
    if (connection === undefined) return undefined;
    connection.running += change;
    return connection.running;
  }
}
