import { relayError } from "../sal/relay/errors.ts";
import { Collected } from "./collected.ts";

/** What a TLS client says before anything is encrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  serverName: string | undefined;
  protocols: readonly string[];
}

/** Longest ClientHello with the headers of its records, bytes. With ML-KEM it is longer than a segment of TCP. */
export const MAX_HELLO_BYTES = 16 * 1024;

const RECORD_HEADER = 5;
/** Type and length of a handshake message. */
const MESSAGE_HEADER = 4;
const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const PROTOCOLS = 16;

/**
 * Reads a ClientHello as it comes, in any number of segments and records. It reads each byte once: a stranger who sends
 * many small pieces costs no more than one who sends the same bytes at once.
 */
export class ClientHelloReader {
  /** The handshake message, without the headers of its records. */
  readonly #message = new Collected();
  /** The header of the present record, and how many bytes of it and of its body are missing. */
  readonly #header = Buffer.allocUnsafeSlow(RECORD_HEADER);
  #headerMissing = RECORD_HEADER;
  #bodyMissing = 0;
  #seen = 0;

  /**
   * Takes the next bytes of the connection.
   *
   * @returns Undefined if more bytes are needed.
   * @throws BlockcloudError `RELAY_REFUSED` for bytes that do not begin a ClientHello, or for one that is too long.
   */
  push(chunk: Buffer): ClientHello | undefined {
    this.#seen += chunk.length;
    for (let at = 0; at < chunk.length;) {
      at += this.#headerMissing > 0 ? this.#takeHeader(chunk, at) : this.#takeBody(chunk, at);
      const body = this.#body;
      if (body !== undefined) return parse(body);
    }
    if (this.#seen >= MAX_HELLO_BYTES) throw malformed("it is too long");
    return undefined;
  }

  /** The body of the message, once it is whole. */
  get #body(): Buffer | undefined {
    const { bytes } = this.#message;
    if (bytes.length > 0 && bytes[0] !== CLIENT_HELLO) throw malformed("it is another message");
    if (bytes.length < MESSAGE_HEADER) return undefined;
    const end = MESSAGE_HEADER + bytes.readUIntBE(1, MESSAGE_HEADER - 1);
    if (end > MAX_HELLO_BYTES) throw malformed("it is too long");
    return bytes.length < end ? undefined : bytes.subarray(MESSAGE_HEADER, end);
  }

  /** Returns how many bytes it took. */
  #takeHeader(chunk: Buffer, at: number): number {
    const header = this.#header;
    const from = RECORD_HEADER - this.#headerMissing;
    const taken = chunk.copy(header, from, at, at + this.#headerMissing);
    this.#headerMissing -= taken;
    if (header[0] !== HANDSHAKE) throw malformed("its record is another one");
    if (this.#headerMissing > 0) return taken;
    this.#bodyMissing = header.readUInt16BE(3);
    if (this.#bodyMissing === 0) throw malformed("its record is empty");
    return taken;
  }

  #takeBody(chunk: Buffer, at: number): number {
    const size = Math.min(this.#bodyMissing, chunk.length - at);
    this.#message.add(chunk, at, at + size);
    this.#bodyMissing -= size;
    if (this.#bodyMissing === 0) this.#headerMissing = RECORD_HEADER;
    return size;
  }
}

/** @throws BlockcloudError `RELAY_REFUSED`. */
function parse(message: Buffer): ClientHello {
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
