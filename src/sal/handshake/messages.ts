import type { Address, Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import { salError } from "../errors.ts";
import { PayloadReader } from "../wire/read.ts";
import { varintSize, writeVarint } from "../wire/varint.ts";

/** The version that this software speaks. */
export const SAL_VERSION = 1;
/** Length of a session's ID, bytes. */
export const SESSION_BYTES = 16;
/** Flags of the provider's HELLO. */
const ASKS_CLIENT = 1;
const IS_LEAVING = 2;
/** Length of an instance's ID, bytes. */
export const INSTANCE_BYTES = 8;
const MAC_BYTES = 32;
const MAX_VERSIONS = 16;
/** Most receipts in a HELLO: of the newest key, and of the epoch's key while they differ. */
const MAX_PROOFS = 2;

/** The client's HELLO: nothing that says who it is or what it wants. */
export interface ClientHello {
  /** 32 bytes. */
  nonce: Buffer;
  versions: readonly number[];
}

/** The part of a receipt that the other side does not know. */
export interface CompactReceipt {
  /** Unix milliseconds, by the chain's clock. */
  issuedAt: bigint;
  /** 65 bytes. */
  signature: Hex;
}

/** The provider's HELLO. */
export interface ProviderHello {
  version: number;
  /** The session that may begin on this connection. */
  session: Buffer;
  /** The process that answers, of several that may serve the ID: its sessions can be resumed there only. */
  instance: Buffer;
  /** Whether the service serves only clients that say who they are. */
  asksClient: boolean;
  /** Whether the provider is about to stop: sessions resume here, and none begins. */
  isLeaving: boolean;
  proofs: readonly CompactReceipt[];
}

/** Who a client is, signed by a key that it uses for this service only. */
export interface CompactClientProof extends CompactReceipt {
  client: Address;
}

export interface Begin {
  session: Buffer;
  proof: CompactClientProof | undefined;
}

export interface Resume {
  session: Buffer;
  /** Higher than any attempt before it. */
  attempt: number;
  /** Offset up to which the client has the provider's frames. */
  received: number;
  mac: Buffer;
}

export interface Resumed {
  attempt: number;
  /** Offset up to which the provider has the client's frames. */
  received: number;
  mac: Buffer;
}

export function encodeClientHello({ nonce, versions }: ClientHello): Buffer {
  return Buffer.concat([nonce, Buffer.of(versions.length, ...versions)]);
}

export function decodeClientHello(payload: Buffer): ClientHello {
  const reader = new PayloadReader(payload);
  const nonce = reader.bytes(32);
  const count = reader.byte();
  if (count === 0 || count > MAX_VERSIONS) throw malformed("HELLO", `${count} versions`);
  const versions = [...reader.bytes(count)];
  // Later versions may say more.
  reader.rest();
  return { nonce, versions };
}

export function encodeProviderHello(hello: ProviderHello): Buffer {
  const { version, session, instance, asksClient, isLeaving, proofs } = hello;
  const flags = Buffer.of((asksClient ? ASKS_CLIENT : 0) | (isLeaving ? IS_LEAVING : 0));
  return Buffer.concat([Buffer.of(version), session, instance, flags, encodeProofs(proofs)]);
}

export function decodeProviderHello(payload: Buffer): ProviderHello {
  const reader = new PayloadReader(payload);
  const version = reader.byte();
  if (version !== SAL_VERSION) {
    throw salError(
      "version",
      `The service answers in version ${version}; ${SAL_VERSION} is known.`,
    );
  }
  const session = reader.bytes(SESSION_BYTES);
  const instance = reader.bytes(INSTANCE_BYTES);
  const flags = reader.byte();
  const proofs = readProofs(reader);
  reader.end();
  // Later versions may set more flags.
  const asksClient = (flags & ASKS_CLIENT) !== 0;
  const isLeaving = (flags & IS_LEAVING) !== 0;
  return { version, session, instance, asksClient, isLeaving, proofs };
}

/** Receipts, as HELLO and PROVED have them. */
export function encodeProofs(proofs: readonly CompactReceipt[]): Buffer {
  return Buffer.concat([Buffer.of(proofs.length), ...proofs.map(encodeProof)]);
}

export function readProofs(reader: PayloadReader): CompactReceipt[] {
  const count = reader.byte();
  if (count === 0 || count > MAX_PROOFS) throw malformed("HELLO", `${count} receipts`);
  return Array.from({ length: count }, () => readProof(reader));
}

export function encodeBegin({ session, proof }: Begin): Buffer {
  if (proof === undefined) return Buffer.concat([session, Buffer.of(0)]);
  return Buffer.concat([session, Buffer.of(1), hexToBytes(proof.client), encodeProof(proof)]);
}

export function decodeBegin(payload: Buffer): Begin {
  const reader = new PayloadReader(payload);
  const session = reader.bytes(SESSION_BYTES);
  const has = reader.byte();
  if (has > 1) throw malformed("BEGIN", `${has} proofs`);
  const proof =
    has === 1 ? { client: bytesToHex(reader.bytes(20)), ...readProof(reader) } : undefined;
  reader.end();
  return { session, proof };
}

export function encodeResume({ session, attempt, received, mac }: Resume): Buffer {
  return Buffer.concat([session, number(attempt), number(received), mac]);
}

export function decodeResume(payload: Buffer): Resume {
  const reader = new PayloadReader(payload);
  const session = reader.bytes(SESSION_BYTES);
  const rest = readResumed(reader);
  return { session, ...rest };
}

export function encodeResumed({ attempt, received, mac }: Resumed): Buffer {
  return Buffer.concat([number(attempt), number(received), mac]);
}

export function decodeResumed(payload: Buffer): Resumed {
  return readResumed(new PayloadReader(payload));
}

function readResumed(reader: PayloadReader): Resumed {
  const attempt = reader.varint();
  const received = reader.varint();
  const mac = reader.bytes(MAC_BYTES);
  reader.end();
  return { attempt, received, mac };
}

function encodeProof({ issuedAt, signature }: CompactReceipt): Buffer {
  const bytes = Buffer.alloc(8 + 65);
  bytes.writeBigUInt64BE(issuedAt);
  bytes.set(hexToBytes(signature), 8);
  return bytes;
}

function readProof(reader: PayloadReader): CompactReceipt {
  return { issuedAt: reader.uint64(), signature: bytesToHex(reader.bytes(65)) };
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

function malformed(what: string, why: string): Error {
  return salError("protocol", `The peer sent ${what} with ${why}.`);
}
