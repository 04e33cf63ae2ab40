import type { Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import { INSTANCE_BYTES } from "../handshake/messages.ts";
import { PayloadReader } from "../wire/read.ts";

/** ALPN protocol of the connection between a provider and its relay. */
export const RELAY_ALPN = "sal-relay/1";
/** Exporter label of what a reservation is bound to. */
export const RELAY_CHANNEL_LABEL = "EXPORTER-blockcloud-sal-relay";

/**
 * The frames between a provider and its relay; they look like those of a session, and all have the flow 0
 * (docs/sal.md).
 */
export const RelayFrame = {
  ping: 0x41,
  pong: 0x42,
  /** The last frame of either side. Payload: code (1), text. */
  refused: 0x48,
  /** Relay: the nonce of the reservation. */
  challenge: 0x60,
  /** Provider: its reservation. */
  reserve: 0x61,
  /** Relay: the reservation holds. Payload: where the provider's connection comes from. */
  reserved: 0x62,
  /** Relay: open a connection that begins with this token (16). */
  open: 0x63,
  /** Provider: no connection for this token (16). */
  decline: 0x64,
  /** Relay: where this connection comes from, before a reservation. Payload: a place. */
  seen: 0x65,
} as const;
export type RelayFrame = (typeof RelayFrame)[keyof typeof RelayFrame];

export const NONCE_BYTES = 32;
export const TOKEN_BYTES = 16;
/** Longest `host:port` of a relay: a name of the DNS, and a port. */
export const MAX_RELAY_NAME = 260;
const SIGNATURE_BYTES = 65;

/** What the relay does not know of a reservation yet. */
export interface ReserveMessage {
  serviceId: Hex;
  relay: string;
  instance: Buffer;
  issuedAt: bigint;
  signature: Hex;
  /** Of a sub-service; else `0x`. */
  delegation: Hex;
}

export function encodeReserve(message: ReserveMessage): Buffer {
  const { serviceId, relay, instance, issuedAt, signature, delegation } = message;
  const name = Buffer.from(relay, "latin1");
  const numbers = Buffer.alloc(10);
  numbers.writeBigUInt64BE(issuedAt);
  numbers.writeUInt16BE(name.length, 8);
  const [id, signed, delegated] = [serviceId, signature, delegation].map(hexToBytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return Buffer.concat([id, instance, signed, numbers, name, delegated]);
}

/** @throws BlockcloudError `SAL_PROTOCOL`. */
export function decodeReserve(payload: Buffer): ReserveMessage {
  const reader = new PayloadReader(payload);
  const serviceId = bytesToHex(reader.bytes(32));
  const instance = Buffer.from(reader.bytes(INSTANCE_BYTES));
  const signature = bytesToHex(reader.bytes(SIGNATURE_BYTES));
  const issuedAt = reader.uint64();
  const relay = reader.bytes(reader.uint16()).toString("latin1");
  const delegation = bytesToHex(reader.rest());
  return { serviceId, relay, instance, issuedAt, signature, delegation };
}

/** An address and a port. */
export interface Place {
  address: string;
  port: number;
}

const MAX_ADDRESS = 45;

export function encodePlace({ address, port }: Place): Buffer {
  const text = Buffer.from(address.slice(0, MAX_ADDRESS), "latin1");
  return Buffer.concat([Buffer.of(port >> 8, port & 0xff, text.length), text]);
}

/** @throws BlockcloudError `SAL_PROTOCOL`. */
export function decodePlace(payload: Buffer): Place {
  const reader = new PayloadReader(payload);
  const port = reader.uint16();
  const address = reader.bytes(reader.byte()).toString("latin1");
  reader.end();
  return { address, port };
}
