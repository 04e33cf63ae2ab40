import { relayError } from "../sal/relay/errors.ts";

/** What a TLS client says before anything is encrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  serverName: string | undefined;
  protocols: readonly string[];
}

/** Longest ClientHello with the headers of its records, bytes. With ML-KEM it is longer than a segment of TCP. */
export const MAX_HELLO_BYTES = 16 * 1024;

const RECORD_HEADER = 5;
const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const PROTOCOLS = 16;

/**
 * Reads a ClientHello from the first bytes of a connection. It may lie in several segments, and in several records.
 *
 * @returns Undefined if more bytes are needed.
 * @throws BlockcloudError `RELAY_REFUSED` for bytes that do not begin a ClientHello, or for one that is too long.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const message = handshakeOf(bytes);
  if (message === undefined) {
    if (bytes.length >= MAX_HELLO_BYTES) throw malformed("it is too long");
    return undefined;
  }
  const reader = new Bytes(message);
  // Version, random, session ID, cipher suites, compression.
  reader.skip(2 + 32);
  reader.skip(reader.number(1));
  reader.skip(reader.number(2));
  reader.skip(reader.number(1));
  const hello = { serverName: undefined as string | undefined, protocols: [] as string[] };
  const extensions = reader.part(reader.number(2));
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const body = extensions.part(extensions.number(2));
    if (type === SERVER_NAME) hello.serverName = serverName(body);
    if (type === PROTOCOLS) hello.protocols = protocols(body);
  }
  return hello;
}

/** The body of the first handshake message, which must be a ClientHello. */
function handshakeOf(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = 0; at + RECORD_HEADER <= bytes.length;) {
    const size = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE || size === 0) throw malformed("its record is another one");
    const part = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + size);
    parts.push(part);
    length += part.length;
    at += RECORD_HEADER + size;
  }
  const message = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, length);
  if (message.length > 0 && message[0] !== CLIENT_HELLO) throw malformed("it is another message");
  if (message.length < 4) return undefined;
  const size = message.readUIntBE(1, 3);
  if (size > MAX_HELLO_BYTES) throw malformed("it is too long");
  return message.length < 4 + size ? undefined : message.subarray(4, 4 + size);
}

function serverName(body: Bytes): string | undefined {
  const list = body.part(body.number(2));
  while (!list.isAtEnd) {
    const type = list.number(1);
    const name = list.part(list.number(2)).text();
    if (type === 0) return name;
  }
  return undefined;
}

function protocols(body: Bytes): string[] {
  const list = body.part(body.number(2));
  const names: string[] = [];
  while (!list.isAtEnd) names.push(list.part(list.number(1)).text());
  return names;
}

/** Reads fields; a lack of bytes is malformed. */
class Bytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(length: number): void {
    this.#take(length);
  }

  number(size: 1 | 2): number {
    return this.#take(size).readUIntBE(0, size);
  }

  part(length: number): Bytes {
    return new Bytes(this.#take(length));
  }

  text(): string {
    return this.#bytes.toString("latin1");
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed("a field is cut off");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

function malformed(what: string): Error {
  return relayError("refused", `Not a ClientHello: ${what}.`);
}
