import type { Socket } from "node:net";
import { plainAddress } from "../../net/peer.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import type { Logger } from "../../node/logger.ts";
import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { Certificate } from "../transport/certificate.ts";
import type { Link, Place, Relayed } from "../transport/link.ts";
import { parseServerName } from "../transport/serverName.ts";
import { peerOfSocket, TlsAcceptor } from "../transport/tlsTransport.ts";
import type { SalProvider } from "./salProvider.ts";

/** First byte of a TLS handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;

/** The part of all handshakes that visitors of relays may have: a relay gives them the addresses that it likes. */
const RELAYED_PART = 0.5;

/** How long a link may take to send what is queued when its server stops, milliseconds. */
const END_MS = 1_000;

export interface SalAcceptorDependencies {
  clock: Scheduler;
  log: Logger;
}

/**
 * Decides what a new connection speaks, by its first byte: TLS is the SAL, anything else is HTTP/1.1. So a service has
 * one port for both.
 */
export class SalAcceptor {
  readonly #tls: TlsAcceptor;
  readonly #provider: SalProvider;
  readonly #onHttp: (socket: Socket) => void;
  readonly #dependencies: SalAcceptorDependencies;
  /** Connections that have not said what they speak, or whose handshake is not over. */
  readonly #handshakes: PeerBounds;
  /** Those of them that came through relays. */
  readonly #relayed: PeerBounds;
  /** Connections that speak TLS, and the link of each whose handshake is over. */
  readonly #secured = new Map<Socket, Link | undefined>();

  /** @param onHttp Takes connections that do not speak TLS; their first bytes are unread. */
  constructor(
    parts: {
      certificate: Certificate;
      provider: SalProvider;
      onHttp: (socket: Socket) => void;
    },
    dependencies: SalAcceptorDependencies,
  ) {
    this.#tls = new TlsAcceptor(parts.certificate);
    this.#provider = parts.provider;
    this.#onHttp = parts.onHttp;
    this.#dependencies = dependencies;
    const { maxHandshakes, maxHandshakesPerPeer } = parts.provider.limits;
    this.#handshakes = new PeerBounds({ total: maxHandshakes, perPeer: maxHandshakesPerPeer });
    this.#relayed = new PeerBounds({ total: Math.ceil(maxHandshakes * RELAYED_PART), perPeer: 0 });
  }

  /** Takes a connection that a server accepted. */
  accept(socket: Socket): void {
    const { clock } = this.#dependencies;
    const { handshakeMs } = this.#provider.limits;
    const address = plainAddress(socket.remoteAddress);
    socket.on("error", ignore);
    if (this.#handshakes.reached(address) !== undefined) {
      socket.destroy();
      return;
    }
    this.#handshakes.add(address);
    // The HTTP server has its own limit from the first byte on; before it, this one.
    const cancel = clock.after(handshakeMs, () => {
      socket.destroy();
    });
    const decided = () => {
      cancel();
      this.#handshakes.remove(address);
    };
    socket.once("close", decided);
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      // It ended without a byte.
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.off("close", decided);
      decided();
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) {
        this.#secured.set(socket, undefined);
        socket.once("close", () => this.#secured.delete(socket));
        void this.#greet(socket, peerOfSocket(socket));
      } else {
        socket.off("error", ignore);
        this.#onHttp(socket);
      }
    });
  }

  /**
   * Takes a connection to a relay, over which a visitor of the service speaks.
   *
   * @param visitor Where the relay says that it comes from, in a form that is no direct client's.
   * @param relayed What is needed to go round the relay.
   */
  acceptRelayed(socket: Socket, visitor: Place, relayed: Relayed = {}): void {
    socket.on("error", ignore);
    const { address } = visitor;
    const reached = this.#relayed.reached(address) ?? this.#handshakes.reached(address);
    if (reached !== undefined) {
      socket.destroy();
      return;
    }
    this.#secured.set(socket, undefined);
    socket.once("close", () => this.#secured.delete(socket));
    this.#relayed.add(address);
    void this.#greet(socket, visitor, relayed).then(() => {
      this.#relayed.remove(address);
    });
  }

  /**
   * Ends the links that came in here: their sessions go on elsewhere, or are orphans. What is queued is sent, so that
   * a client reads why its session has ended.
   */
  stop(): void {
    for (const [socket, link] of this.#secured) {
      if (link === undefined) socket.destroy();
      else link.end();
    }
    this.#dependencies.clock.after(END_MS, () => {
      for (const socket of this.#secured.keys()) socket.destroy();
    });
  }

  async #greet(socket: Socket, peer: Place, relayed?: Relayed): Promise<void> {
    const { clock, log } = this.#dependencies;
    const { address } = peer;
    this.#handshakes.add(address);
    const { handshakeMs } = this.#provider.limits;
    try {
      await withSignal(
        { milliseconds: handshakeMs, clock },
        () => salError("timeout", `No handshake in ${handshakeMs} ms.`),
        async (signal) => {
          const { link, serverName } = await this.#tls.accept(socket, signal, peer, relayed);
          if (parseServerName(serverName ?? "")?.serviceId !== this.#provider.serviceId) {
            link.destroy();
            throw salError(
              "noPath",
              `${address} asks for ${serverName ?? "no service"}, which is not served.`,
            );
          }
          if (this.#secured.has(socket)) this.#secured.set(socket, link);
          await this.#provider.accept(link, signal);
        },
      );
    } catch (error) {
      // Strangers knock all the time.
      log.debug("a connection did not become a session", { address, error });
    } finally {
      this.#handshakes.remove(address);
    }
  }
}

function ignore(): void {
  // The connection ends before anything waits for it.
}
