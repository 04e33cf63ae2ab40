import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { listen } from "../../../node/listen.ts";
import type { Logger } from "../../../node/logger.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { addressText } from "./range.ts";

/** How long the listeners of an address stay open after it was asked for, milliseconds: programs keep addresses. */
const ASKED_MS = 600_000;

export interface MappedListenersOptions {
  /** Ports of each address. */
  ports: readonly number[];
  /** Addresses at which the proxy listens at a time. */
  maxAddresses: number;
}

export interface MappedListenersDependencies {
  accept(socket: Socket, address: number, port: number): void;
  /** Whether an address must stay open although no query asks for it. */
  isPinned(address: number): boolean;
  monotonic(): number;
  logger: Logger;
}

interface Place {
  servers: Server[];
  sockets: number;
  askedAt: number;
  opening: Promise<void>;
}

/** The proxy's listeners on mapped addresses. They open when the address is first asked for. */
export class MappedListeners {
  readonly #options: MappedListenersOptions;
  readonly #dependencies: MappedListenersDependencies;
  /** The address that was asked for longest ago comes first. */
  readonly #places = new Map<number, Place>();
  #isStopped = false;

  constructor(options: MappedListenersOptions, dependencies: MappedListenersDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Number of addresses. */
  get size(): number {
    return this.#places.size;
  }

  /** Whether programs may be using an address. */
  isInUse(address: number): boolean {
    const place = this.#places.get(address);
    return place !== undefined && !this.#isIdle(address, place);
  }

  isOpen(address: number): boolean {
    return this.#places.has(address);
  }

  /**
   * Listens on all ports of an address.
   *
   * @throws BlockcloudError `PROXY_MAP_LISTEN`, `PROXY_MAP_LISTENERS`.
   */
  async open(address: number): Promise<void> {
    const known = this.#places.get(address);
    if (known !== undefined) {
      known.askedAt = this.#dependencies.monotonic();
      this.#places.delete(address);
      this.#places.set(address, known);
      return known.opening;
    }
    if (this.#isStopped) throw stopped();
    // Before anything is waited for: the address may be asked for again at once.
    this.#makeRoom();
    const place: Place = {
      servers: this.#options.ports.map((port) => this.#server(address, port)),
      sockets: 0,
      askedAt: this.#dependencies.monotonic(),
      opening: Promise.resolve(),
    };
    this.#places.set(address, place);
    place.opening = this.#bind(address, place);
    return place.opening;
  }

  /** Stops listening everywhere at once; resolves when the open connections have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const places = [...this.#places];
    await Promise.all(
      places.map(async ([address, place]) => {
        await this.#close(address, place);
        // One that was about to listen closes by itself.
        await place.opening.catch(() => undefined);
      }),
    );
  }

  #server(address: number, port: number): Server {
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true };
    const server = createServer({ ...options, keepAliveInitialDelay: 60_000 }, (socket) => {
      const place = this.#places.get(address);
      if (place !== undefined) {
        place.sockets += 1;
        socket.once("close", () => (place.sockets -= 1));
      }
      this.#dependencies.accept(socket, address, port);
    });
    return server;
  }

  async #bind(address: number, place: Place): Promise<void> {
    const host = addressText(address);
    const results = await Promise.allSettled(
      place.servers.map((server, index) => {
        const port = this.#options.ports[index] ?? 0;
        return listen(server, { host, port }, (cause) => cannotListen(host, port, cause));
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      await this.#close(address, place);
      throw failed.reason;
    }
    // It was closed while it was being opened.
    if (this.#places.get(address) !== place) {
      await this.#close(address, place);
      throw stopped();
    }
    for (const server of place.servers) {
      server.on("error", (error: NodeJS.ErrnoException) => {
        this.#dependencies.logger.error("Proxy cannot accept", {
          address: host,
          cause: error.code,
        });
      });
    }
  }

  /** Closes the address that was asked for longest ago, if all are taken. One that may be in use stays. */
  #makeRoom(): void {
    if (this.#places.size < this.#options.maxAddresses) return;
    for (const [address, place] of this.#places) {
      if (!this.#isIdle(address, place)) continue;
      void this.#close(address, place);
      return;
    }
    throw new BlockcloudError(
      "PROXY_MAP_LISTENERS",
      `The proxy listens on ${this.#places.size} mapped addresses, and all are in use.`,
      { remedy: "Raise --map-listeners, or try again in ten minutes.", retryable: true },
    );
  }

  #isIdle(address: number, { sockets, askedAt }: Place): boolean {
    const { monotonic, isPinned } = this.#dependencies;
    return sockets === 0 && monotonic() - askedAt >= ASKED_MS && !isPinned(address);
  }

  async #close(address: number, place: Place): Promise<void> {
    if (this.#places.get(address) === place) this.#places.delete(address);
    await Promise.all(
      place.servers.map(async (server) => {
        if (!server.listening) return;
        const closed = once(server, "close");
        server.close();
        await closed;
      }),
    );
  }
}

/**
 * Checks that the proxy may listen on an address of the range, so that a missing right is known at the start.
 *
 * @throws BlockcloudError `PROXY_MAP_LISTEN`.
 */
export async function probeListen(host: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer();
    await listen(server, { host, port }, (cause) => cannotListen(host, port, cause));
    const closed = once(server, "close");
    server.close();
    await closed;
  }
}

function cannotListen(host: string, port: number, cause: unknown): BlockcloudError {
  const { code } = cause as NodeJS.ErrnoException;
  return new BlockcloudError("PROXY_MAP_LISTEN", `Cannot listen on ${host}:${port}: ${code}.`, {
    cause,
    remedy: remedyOf(code, port),
  });
}

function remedyOf(code: string | undefined, port: number): string {
  if (code === "EACCES") {
    return (
      `A port below 1024 needs a right. On Linux: sysctl -w net.ipv4.ip_unprivileged_port_start=${port}, ` +
      "or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit. docs/resolver.md has other ways."
    );
  }
  if (code === "EADDRNOTAVAIL") {
    return "This system has one loopback address. On macOS: ifconfig lo0 alias <address>, for each address of a small range.";
  }
  if (code === "EADDRINUSE") {
    return "Another program listens there, perhaps on all addresses: stop it, choose other ports, or let it listen on its own address.";
  }
  return "Choose another range or other ports.";
}

function stopped(): BlockcloudError {
  return new BlockcloudError("PROXY_STOPPED", "The proxy stops.", {
    remedy: "Start it again.",
    retryable: true,
  });
}
