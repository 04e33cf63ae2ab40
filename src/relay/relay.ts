import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Directory } from "../chain/directory.ts";
import { plainAddress } from "../net/peer.ts";
import { PeerBounds } from "../net/peerBounds.ts";
import { listen, type ListenAddress } from "../node/listen.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Scheduler } from "../node/scheduler.ts";
import type { Domain } from "../protocol/typedData.ts";
import { relayError } from "../sal/relay/errors.ts";
import { relayName } from "../sal/relay/relayName.ts";
import type { Certificate } from "../sal/transport/certificate.ts";
import type { parseServerName } from "../sal/transport/serverName.ts";
import { refuse, type Alert } from "./alert.ts";
import { Carrier } from "./carrier.ts";
import { Doorway } from "./doorway.ts";
import type { Holder } from "./holder.ts";
import { relayLimits, type RelayWorkerLimits, type RelayWorkerLimitValues } from "./limits.ts";
import type { RelayMetrics, RelayState } from "./metrics.ts";
import { ReadBuffers } from "./readBuffers.ts";
import { Registrar } from "./registrar.ts";
import { Reservations } from "./reservations.ts";
import { Share } from "./share.ts";
import { Splice } from "./splice.ts";
import { Visitor } from "./visitor.ts";

/** Bytes that may wait for the slower side of a pair, in each direction: fewer stops of the faster side than by 64 KiB. */
const QUEUE_BYTES = 256 * 1024;
/** How long connections may take to send what is queued when the relay stops, milliseconds. */
const END_MS = 1_000;

export interface RelayOptions {
  listen: ListenAddress;
  /** `host:port` in all the ways in which providers dial the relay; default: where it listens. */
  names?: readonly string[] | undefined;
  domain: Domain;
  limits?: RelayWorkerLimits | undefined;
}

export interface RelayDependencies {
  clock: Scheduler;
  log: Logger;
  directory: Pick<Directory, "rootKey" | "onChange">;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  certificate: Certificate;
  metrics?: RelayMetrics | undefined;
}

/**
 * Leads clients to providers that cannot be reached from outside: to each by connections that it opens to the relay
 * itself. The relay knows which service a client wants, by its TLS server name, and passes bytes on; it can neither
 * read nor change them.
 */
export class Relay implements Startable, RelayState {
  readonly #options: RelayOptions;
  readonly #limits: RelayWorkerLimitValues;
  readonly #dependencies: RelayDependencies;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #splices = new Set<Splice>();
  readonly #bounds: PeerBounds;
  /** Visitors by the provider's address. */
  readonly #led: PeerBounds;
  readonly #share: Share;
  readonly #buffers = new ReadBuffers();
  readonly #tokens = new Map<string, Holder>();
  readonly #reservations: Reservations;
  #doorway: Doorway | undefined;
  #registrar: Registrar | undefined;
  #sweep = () => {};

  /** @throws BlockcloudError `RELAY_OPTIONS`. */
  constructor(options: RelayOptions, dependencies: RelayDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { clock, metrics } = dependencies;
    const limits = relayLimits(options.limits ?? {});
    this.#limits = limits;
    this.#bounds = new PeerBounds({
      total: limits.maxVisitors,
      perPeer: limits.maxVisitorsPerPeer,
    });
    this.#led = new PeerBounds({ total: 0, perPeer: limits.maxVisitorsPerProvider });
    this.#share = new Share(limits, clock);
    this.#reservations = new Reservations(limits, clock);
    this.#server = createServer({ noDelay: true, highWaterMark: QUEUE_BYTES }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#doorway?.accept(socket);
    });
    metrics?.follow(this);
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  get reservations(): number {
    return this.#reservations.size;
  }

  get visitors(): number {
    return this.#bounds.size;
  }

  get waiting(): number {
    return this.#doorway?.waiting ?? 0;
  }

  /** Bytes that wait for the slower sides of connections. */
  get queued(): number {
    return this.#share.queued;
  }

  /** Connections of providers that wait for visitors. */
  get spares(): number {
    return this.#reservations.all().reduce((sum, { spares }) => sum + spares, 0);
  }

  /** @throws BlockcloudError `RELAY_LISTEN`; `RELAY_NAME` if it has no name. */
  async start(): Promise<void> {
    const { host, port } = this.#options.listen;
    await listen(this.#server, this.#options.listen, (cause) =>
      relayError("listen", `Cannot listen on ${host}:${port}.`, cause),
    );
    const { clock, log, directory, now, certificate, metrics } = this.#dependencies;
    const names = this.#names();
    const registrar = new Registrar(
      {
        ...{ names, domain: this.#options.domain, reservations: this.#reservations },
        tokens: {
          issue: (token, holder) => this.#tokens.set(token.toString("latin1"), holder),
          revoke: (token) => this.#tokens.delete(token.toString("latin1")),
        },
      },
      {
        ...{ clock, log, directory, now },
        observer: {
          reserved: () => metrics?.reserved(),
          refused: () => metrics?.refusedReservation(),
          ended: () => metrics?.ended(),
        },
      },
    );
    this.#registrar = registrar;
    registrar.start();
    this.#doorway = new Doorway(
      {
        ...{ limits: this.#limits, certificate, registrar },
        carrier: (socket, token) => this.#carrier(socket, token),
        visitor: (socket, to, flight, decided) => {
          this.#visitor(socket, to, flight, decided);
        },
        refused: (alert) => metrics?.refused(alert),
      },
      { clock, log },
    );
    this.#server.on("error", (error) => {
      log.error("the relay cannot accept", { error });
    });
    this.#planSweep();
    log.info("relay listens", { ...this.address, names });
  }

  /** Tells the providers, and ends all connections: sessions go on over another relay. */
  async stop(): Promise<void> {
    this.#sweep();
    this.#registrar?.stop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroySoon();
    for (const splice of this.#splices) splice.destroy();
    const cancel = this.#dependencies.clock.after(END_MS, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cancel();
  }

  #names(): readonly string[] {
    const { names = [] } = this.#options;
    if (names.length > 0) return names.map((name) => name.toLowerCase());
    const { address, port } = this.address;
    if (address === "0.0.0.0" || address === "::") {
      throw relayError("name", "The relay listens on all addresses, and has no name.");
    }
    return [relayName({ host: address, port })];
  }

  #carrier(socket: Socket, token: Buffer): boolean {
    const holder = this.#tokens.get(token.toString("latin1"));
    if (holder === undefined) return false;
    const carrier = new Carrier(socket, token, holder.parts.key, this.#dependencies.clock);
    holder.arrived(token, carrier);
    return true;
  }

  #visitor(
    socket: Socket,
    { serviceId, instance }: NonNullable<ReturnType<typeof parseServerName>>,
    flight: Buffer,
    decided: () => void,
  ): void {
    const { clock, metrics } = this.#dependencies;
    const turnAway = (alert: Alert) => {
      metrics?.refused(alert);
      refuse(socket, alert);
    };
    const holder = this.#reservations.find(serviceId, instance);
    if (holder === undefined) {
      turnAway("unknown");
      return;
    }
    const address = plainAddress(socket.remoteAddress);
    if (this.#isFull(address, holder)) {
      turnAway("quota");
      return;
    }
    const left = this.#count(address, holder.address);
    const visitor = new Visitor({
      ...{ socket, holder, flight, clock, answerMs: this.#limits.handshakeMs },
      answered: (carrier) => {
        decided();
        metrics?.visited();
        this.#join(socket, carrier, holder, left);
      },
      over: (alert) => {
        if (alert !== undefined) metrics?.refused(alert);
        decided();
        left();
      },
    });
    visitor.start();
  }

  /** Counts a visitor until the function is called; that lives as long as the visitor, and knows no connection. */
  #count(address: string, provider: string): () => void {
    this.#bounds.add(address);
    this.#led.add(provider);
    return () => {
      this.#bounds.remove(address);
      this.#led.remove(provider);
    };
  }

  /** Whether a limit keeps a visitor away. Those that are here slow down instead. */
  #isFull(address: string, holder: Holder): boolean {
    if (this.#bounds.reached(address) !== undefined) return true;
    if (this.#led.reached(holder.address) === "peer") return true;
    return this.#share.isTaken || holder.parts.share.isTaken;
  }

  #join(visitor: Socket, provider: Socket, holder: Holder, left: () => void): void {
    const { clock, metrics } = this.#dependencies;
    const splice = new Splice(visitor, provider, {
      ...{ clock, buffers: this.#buffers },
      shares: [this.#share, holder.parts.share],
      carried: (bytes) => metrics?.carried(bytes),
      ended: () => {
        this.#splices.delete(splice);
        left();
      },
    });
    this.#splices.add(splice);
  }

  /** Closes what has carried nothing for the time, or at most twice as long: a host that is gone says nothing. */
  #planSweep(): void {
    this.#sweep = this.#dependencies.clock.after(this.#limits.idleMs, () => {
      for (const splice of this.#splices) {
        if (!splice.isActive) splice.destroy();
        splice.isActive = false;
      }
      this.#planSweep();
    });
  }
}
