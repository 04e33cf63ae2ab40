import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Connections } from "../../net/connections.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import { listen } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import { readPasswordFile } from "../../node/secretFile.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { Access } from "./access.ts";
import { codeOf, report, type ProxyContext } from "./context.ts";
import type { Dial, Direct } from "./dial.ts";
import { garbage } from "./errors.ts";
import { readFirstByte } from "./handshake.ts";
import { HttpFront } from "./httpFront.ts";
import { MappedProxy, type MapEnvironment } from "./map/mappedProxy.ts";
import { parseMapRange } from "./map/range.ts";
import { blindObserver, type ProxyObserver } from "./observer.ts";
import { proxySettings, type ProxyOptions, type ProxySettings } from "./options.ts";
import { linuxPeerUser, type PeerUser } from "./peerUser.ts";
import { endAfter } from "./refusal.ts";
import { Route } from "./route.ts";
import { socks4Refusal, type SocksRequest } from "./socks.ts";
import { serveSocks, socksHandshake, type SocksRefusal } from "./socksFront.ts";

export interface ProxyDependencies {
  /** Opens flows to services. */
  dial: Dial;
  /** Opens connections to all other destinations; without it they are refused. */
  direct?: Direct | undefined;
  logger: Logger;
  timers?: Timers;
  observer?: ProxyObserver | undefined;
  /** For the option `map`. */
  map?: MapEnvironment | undefined;
  /** The user of this process, and the way to a peer's; Linux's by default. */
  ownUser?: number | undefined;
  peerUser?: PeerUser | undefined;
}

/**
 * Creates a proxy for programs as they are: SOCKS5, HTTP CONNECT and absolute form on one port, and `/proxy.pac`.
 *
 * @throws BlockcloudError `PROXY_OPTIONS`; those of `readPasswordFile`.
 * @example
 * const proxy = createSalProxy({ listen: { port: 1080 } }, { dial, logger });
 * await proxy.start();
 */
export function createSalProxy(options: ProxyOptions, dependencies: ProxyDependencies): SalProxy {
  const isLinux = process.platform === "linux";
  const peerUser = dependencies.peerUser ?? (isLinux ? linuxPeerUser : undefined);
  const settings = proxySettings(options, peerUser !== undefined);
  const { passwordFile } = settings;
  const password = passwordFile === undefined ? undefined : passwordIn(passwordFile);
  const timers = dependencies.timers ?? systemTimers;
  const access = new Access({
    private: settings.private,
    password,
    ownUser: dependencies.ownUser ?? process.getuid?.(),
    peerUser: peerUser ?? (() => Promise.resolve(undefined)),
    monotonic: () => timers.monotonic(),
  });
  return new SalProxy(settings, access, { ...dependencies, timers });
}

/** A password that SOCKS5 can carry (RFC 1929). */
function passwordIn(file: string): string {
  const password = readPasswordFile(file);
  const length = Buffer.byteLength(password);
  if (length >= 1 && length <= 255) return password;
  throw new BlockcloudError("PROXY_OPTIONS", `The proxy's password has ${length} bytes.`, {
    remedy: "Use one of 1 to 255 bytes: SOCKS5 carries no other.",
  });
}

/** The local proxy. Create it by {@link createSalProxy}. */
export class SalProxy {
  readonly #context: ProxyContext;
  readonly #connections: Connections;
  readonly #http: HttpFront;
  readonly #server: Server;
  readonly #mapped: MappedProxy | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    settings: ProxySettings,
    access: Access,
    dependencies: ProxyDependencies & { timers: Timers },
  ) {
    const { dial, direct, logger, timers, observer = blindObserver } = dependencies;
    const { maxConnections, maxConnectionsPerPeer: perPeer, connectMs } = settings;
    const route = new Route({ dial, direct, connectMs, timers });
    this.#context = { settings, route, access, timers, observer, logger, running: new Set() };
    this.#connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer }),
      total: maxConnections,
      isProxy: () => false,
      refused: (bound) => {
        observer.connectionRefused(bound);
      },
    });
    this.#http = new HttpFront(this.#context, this.#connections);
    this.#mapped = this.#createMapped(dependencies.map);
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true };
    this.#server = createServer({ ...options, keepAliveInitialDelay: 60_000 }, (socket) => {
      // Every wait for the connection ends with its closing.
      socket.on("error", () => {});
      this.#connections.opened(socket);
      if (!socket.destroyed) void this.#serve(socket);
    });
  }

  #createMapped(environment: MapEnvironment | undefined): MappedProxy | undefined {
    const { map } = this.#context.settings;
    const range = map && parseMapRange(map.range);
    if (map === undefined || range === undefined || environment === undefined) return undefined;
    const options = { ...map, range, seed: randomInt(2 ** 32) };
    const parts = { context: this.#context, connections: this.#connections };
    return new MappedProxy(options, environment, parts);
  }

  /** Where the proxy's DNS listens; undefined without mapped addresses. */
  get dns(): AddressInfo | undefined {
    return this.#mapped?.dns;
  }

  /** Where the proxy listens; known once it has started. */
  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new BlockcloudError("PROXY_NOT_LISTENING", "The proxy does not listen.", {
        remedy: "Await start() first.",
      });
    }
    return address;
  }

  /** @throws BlockcloudError `PROXY_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    if (this.#started !== undefined) {
      throw new BlockcloudError("PROXY_STARTED", "A proxy starts once.", {
        remedy: "Create a new proxy.",
      });
    }
    this.#started = this.#listen();
    await this.#started;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#context.settings.listen;
    const refuse = (cause: unknown) =>
      new BlockcloudError("PROXY_LISTEN", `Cannot listen on ${host}:${port}.`, {
        cause,
        remedy: "Choose a free port and an address of the host.",
      });
    await listen(this.#server, { host, port }, refuse);
    this.#server.on("error", (error) => {
      this.#context.logger.error("Proxy cannot accept", { cause: codeOf(error) });
    });
    try {
      await this.#mapped?.start();
    } catch (error) {
      await this.#mapped?.stop();
      const closed = once(this.#server, "close");
      this.#server.close();
      this.#connections.destroy();
      await closed;
      throw error;
    }
    this.#context.logger.info("Proxy listens", { ...this.address });
  }

  /**
   * Stops accepting, lets open connections finish until the deadline, then resets the rest: a download that was cut
   * off must not look complete.
   */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    const { settings, timers, running, logger } = this.#context;
    // The caller of `start` already knows of a failed start.
    if (!this.#server.listening) await this.#started?.catch(() => {});
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    // Its listeners close at once, and its connections with the others.
    const unmapped = this.#mapped?.stop();
    this.#http.drain();
    this.#connections.drain();
    const finished = new AbortController();
    const deadline = timers.sleep(settings.drainMs, finished.signal).then(
      () => {
        for (const each of running) each.abort(stopped());
        this.#connections.destroy();
      },
      // All have finished before.
      () => {},
    );
    await Promise.all([closed, unmapped]);
    finished.abort();
    await deadline;
    logger.info("Proxy stopped");
  }

  /** Serves one connection; never throws. */
  async #serve(client: Socket): Promise<void> {
    const { settings, timers, observer } = this.#context;
    const limit = { milliseconds: settings.handshakeMs, timers };
    try {
      const request = await within(limit, () => this.#handshake(client), handshakeLate);
      if (request === undefined) return;
      if ("answer" in request) {
        observer.refused(request.code);
        endAfter(client, request.answer, timers);
        return;
      }
      this.#connections.begin(client);
      await serveSocks(client, request, this.#context);
    } catch (error) {
      report(error, undefined, this.#context);
      client.destroy();
    }
  }

  /** Tells the form of a request by its first byte; undefined if another part serves the connection from here on. */
  async #handshake(client: Socket): Promise<SocksRequest | SocksRefusal | undefined> {
    const first = await readFirstByte(client);
    if (first === 4) return { answer: socks4Refusal, code: "PROXY_SOCKS4_REFUSED" };
    const isSocks = first === 5;
    // Methods are upper-case words.
    if (!isSocks && !(first >= 0x41 && first <= 0x5a)) throw garbage();
    const grant = await this.#context.access.grantOf(client);
    if (isSocks) return socksHandshake(client, grant, this.#context.access);
    this.#http.accept(client, grant);
    return undefined;
  }
}

function handshakeLate(): BlockcloudError {
  return new BlockcloudError("PROXY_HANDSHAKE_TIMEOUT", "The program did not say what it wants.", {
    remedy: "Use the port as a proxy for SOCKS5 or HTTP.",
  });
}

function stopped(): BlockcloudError {
  return new BlockcloudError("PROXY_STOPPED", "The proxy stops.", {
    remedy: "Start it again.",
    retryable: true,
  });
}
