import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Hex } from "viem";
import { DialRules } from "../../src/net/dialRules.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import type { BlockcloudError } from "../../src/protocol/errors.ts";
import { signReservation } from "../../src/protocol/reservation.ts";
import { encodePreface, VISITOR_LABEL } from "../../src/sal/relay/carrier.ts";
import { ControlLink } from "../../src/sal/relay/controlLink.ts";
import {
  encodeReserve,
  RELAY_ALPN,
  RELAY_CHANNEL_LABEL,
  RelayFrame,
  type ReserveMessage,
} from "../../src/sal/relay/frames.ts";
import { relayName, type RelayAddress } from "../../src/sal/relay/relayName.ts";
import type { Link } from "../../src/sal/transport/link.ts";
import { dialLink } from "../../src/sal/transport/tlsTransport.ts";
import { DOMAIN, KEY, SERVICE } from "../sal/rig/salRig.ts";

export interface RawReservation {
  serviceId: Hex;
  relay: string;
  instance: Buffer;
  key: Uint8Array;
  issuedAt: bigint;
  delegation: Hex;
}

/** A provider that sends what a test wants. */
export class RawProvider {
  readonly relay: RelayAddress;
  readonly link: Link;
  readonly control: ControlLink;
  /** Tokens that the relay gave. */
  readonly tokens: Buffer[] = [];
  readonly ended: Promise<BlockcloudError>;
  readonly challenged: Promise<Buffer>;
  readonly #reserved = Promise.withResolvers<"reserved">();
  readonly #onToken = new Set<() => void>();

  private constructor(relay: RelayAddress, link: Link) {
    this.relay = relay;
    this.link = link;
    const ended = Promise.withResolvers<BlockcloudError>();
    const challenged = Promise.withResolvers<Buffer>();
    this.ended = ended.promise;
    this.challenged = challenged.promise;
    this.control = new ControlLink(
      link,
      {
        frame: (type, payload) => {
          if (type === RelayFrame.challenge) challenged.resolve(Buffer.from(payload));
          if (type === RelayFrame.reserved) this.#reserved.resolve("reserved");
          if (type === RelayFrame.open) {
            this.tokens.push(Buffer.from(payload));
            for (const tell of this.#onToken) tell();
          }
        },
        ended: ended.resolve,
      },
      systemScheduler,
      { pingMs: 0, silentMs: 600_000 },
    );
  }

  static async dial(relay: RelayAddress): Promise<RawProvider> {
    const target = { ...relay, serverName: "" };
    const rules = new DialRules({ allowLoopback: true, anyAddress: true });
    const { signal } = new AbortController();
    return new RawProvider(relay, await dialLink(target, { rules, protocol: RELAY_ALPN }, signal));
  }

  /** The reservation of the rig's service, but for what a test changes. */
  async reservation(over: Partial<RawReservation> = {}): Promise<ReserveMessage> {
    const {
      serviceId = SERVICE,
      relay = relayName(this.relay),
      instance = Buffer.alloc(8, 1),
      key = KEY,
      issuedAt = BigInt(Date.now()),
      delegation = "0x",
    } = over;
    const nonce = bytesToHex(await this.challenged);
    const channel = bytesToHex(this.link.exporter(RELAY_CHANNEL_LABEL));
    const claim = { serviceId, relay, issuedAt, nonce, channel, instance: bytesToHex(instance) };
    const signature = signReservation(claim, DOMAIN, key);
    return { serviceId, relay, instance, issuedAt, signature, delegation };
  }

  send(message: ReserveMessage): void {
    this.control.send(RelayFrame.reserve, encodeReserve(message));
  }

  /** "reserved", or the error with which the relay ended the connection. */
  outcome(): Promise<"reserved" | BlockcloudError> {
    return Promise.race([this.#reserved.promise, this.ended]);
  }

  async reserve(over: Partial<RawReservation> = {}): Promise<"reserved" | BlockcloudError> {
    this.send(await this.reservation(over));
    return this.outcome();
  }

  /** The next token that was not taken. */
  async token(): Promise<Buffer> {
    while (this.tokens.length === 0) {
      await new Promise<void>((resolve) => {
        const tell = () => {
          this.#onToken.delete(tell);
          resolve();
        };
        this.#onToken.add(tell);
      });
    }
    return this.tokens.shift() ?? Buffer.alloc(0);
  }

  get key(): Buffer {
    return this.link.exporter(VISITOR_LABEL);
  }

  /** A connection for a visitor. */
  async carry(token: Buffer): Promise<Socket> {
    const { host, port } = this.relay;
    const socket = connect({ host, port, noDelay: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(encodePreface(token));
    return socket;
  }

  /** Resolves when a connection with that token was closed by the relay. */
  async refused(token: Buffer): Promise<void> {
    const { host, port } = this.relay;
    const socket = connect({ host, port, noDelay: true });
    socket.on("error", () => {});
    socket.write(encodePreface(token));
    await once(socket.resume(), "close");
  }

  close(): void {
    this.link.destroy();
  }
}
