import type { Socket } from "node:net";
import { plainAddress } from "../net/peer.ts";
import { PeerBounds } from "../net/peerBounds.ts";
import type { Logger } from "../node/logger.ts";
import { withSignal, type Scheduler } from "../node/scheduler.ts";
import { CARRIER_BYTE, PREFACE_BYTES } from "../sal/relay/carrier.ts";
import { relayError } from "../sal/relay/errors.ts";
import { RELAY_ALPN } from "../sal/relay/frames.ts";
import type { Certificate } from "../sal/transport/certificate.ts";
import { parseServerName } from "../sal/transport/serverName.ts";
import { ALPN, TlsAcceptor } from "../sal/transport/tlsTransport.ts";
import { refuse, type Alert } from "./alert.ts";
import { ClientHelloReader, type ClientHello } from "./clientHello.ts";
import { Collected } from "./collected.ts";
import type { RelayWorkerLimitValues } from "./limits.ts";
import type { Registrar } from "./registrar.ts";

const TLS_HANDSHAKE = 0x16;

/** What becomes of connections. */
export interface DoorwayParts {
  limits: RelayWorkerLimitValues;
  certificate: Certificate;
  registrar: Pick<Registrar, "accept">;
  /** A provider's connection for a visitor; the rest of its bytes is unread. False if nobody knows the token. */
  carrier(socket: Socket, token: Buffer): boolean;
  /**
   * A visitor of a service.
   *
   * @param flight What it has sent.
   * @param decided Call it when its provider has answered, or when it was refused.
   */
  visitor(
    socket: Socket,
    to: NonNullable<ReturnType<typeof parseServerName>>,
    flight: Buffer,
    decided: () => void,
  ): void;
  refused(alert: Alert | "flood"): void;
}

/**
 * Decides by its first bytes what a connection is: a provider's connection for a visitor, a provider that reserves, or
 * a visitor, whose service the TLS server name tells.
 */
export class Doorway {
  readonly #parts: DoorwayParts;
  readonly #tls: TlsAcceptor;
  readonly #handshakes: PeerBounds;
  readonly #clock: Scheduler;
  readonly #log: Logger;

  constructor(parts: DoorwayParts, dependencies: { clock: Scheduler; log: Logger }) {
    this.#parts = parts;
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
    // The relay's own name is whatever providers call it: the reservation names it, and is signed.
    this.#tls = new TlsAcceptor(parts.certificate, { protocol: RELAY_ALPN, isName: () => true });
    const { maxHandshakes, maxHandshakesPerPeer } = parts.limits;
    this.#handshakes = new PeerBounds({ total: maxHandshakes, perPeer: maxHandshakesPerPeer });
  }

  /** Connections that have not said where they lead, or whose provider has not answered. */
  get waiting(): number {
    return this.#handshakes.size;
  }

  accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    socket.on("error", ignore);
    if (this.#handshakes.reached(address) !== undefined) {
      this.#parts.refused("flood");
      socket.destroy();
      return;
    }
    this.#handshakes.add(address);
    const cancel = this.#clock.after(this.#parts.limits.handshakeMs, () => {
      socket.destroy();
    });
    let isDecided = false;
    const decided = () => {
      if (isDecided) return;
      isDecided = true;
      this.#handshakes.remove(address);
    };
    socket.once("close", () => {
      cancel();
      decided();
    });
    this.#read(socket, cancel, decided);
  }

  /** Reads what a connection begins with. Of this nothing is kept once it is clear what the connection is. */
  #read(socket: Socket, cancel: () => void, decided: () => void): void {
    const begun = new Collected();
    const reader = new ClientHelloReader();
    const read = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      begun.add(chunk);
      const act = this.#decide(socket, { begun: begun.bytes, chunk, reader }, decided);
      if (act === undefined) return;
      cancel();
      socket.off("readable", read);
      act();
    };
    socket.on("readable", read);
  }

  /** What to do with a connection after one more chunk; undefined if more bytes are needed. */
  #decide(
    socket: Socket,
    { begun, chunk, reader }: { begun: Buffer; chunk: Buffer; reader: ClientHelloReader },
    decided: () => void,
  ): (() => void) | undefined {
    if (begun[0] === CARRIER_BYTE) {
      if (begun.length < PREFACE_BYTES) return undefined;
      return () => {
        const rest = begun.subarray(PREFACE_BYTES);
        if (rest.length > 0) socket.unshift(rest);
        const token = Buffer.from(begun.subarray(1, PREFACE_BYTES));
        decided();
        if (!this.#parts.carrier(socket, token)) socket.destroy();
      };
    }
    if (begun[0] !== TLS_HANDSHAKE) return () => socket.destroy();
    try {
      const hello = reader.push(chunk);
      if (hello === undefined) return undefined;
      return () => {
        this.#lead(socket, hello, begun, decided);
      };
    } catch (error) {
      this.#log.debug("a connection begins with no ClientHello", { error });
      return () => {
        this.#refuse(socket, "protocol");
      };
    }
  }

  #lead(socket: Socket, hello: ClientHello, bytes: Buffer, decided: () => void): void {
    const { serverName = "", protocols } = hello;
    if (protocols.includes(RELAY_ALPN)) {
      socket.unshift(bytes);
      void this.#reserve(socket).finally(decided);
      return;
    }
    const to = parseServerName(serverName);
    if (to === undefined) this.#refuse(socket, "unknown");
    // The relay is no way for other protocols.
    else if (!protocols.includes(ALPN)) this.#refuse(socket, "protocol");
    else this.#parts.visitor(socket, to, bytes, decided);
  }

  #refuse(socket: Socket, alert: Alert): void {
    this.#parts.refused(alert);
    refuse(socket, alert);
  }

  async #reserve(socket: Socket): Promise<void> {
    const { handshakeMs } = this.#parts.limits;
    try {
      await withSignal(
        { milliseconds: handshakeMs, clock: this.#clock },
        () => relayError("refused", `No reservation in ${handshakeMs} ms.`),
        async (signal) => {
          const { link } = await this.#tls.accept(socket, signal);
          await this.#parts.registrar.accept(link, signal);
        },
      );
    } catch (error) {
      // Strangers knock all the time.
      this.#log.debug("a connection did not become a reservation", { error });
    }
  }
}

function ignore(): void {
  // "close" follows.
}
