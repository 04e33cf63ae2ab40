import { MalformedResponse, readFields, readHead, type ResponseHead } from "./responseHead.ts";

/** What a parser has found, in the order of the bytes. */
export interface ResponseEvents {
  /** The head of the final response. */
  head(head: ResponseHead): void;
  data(part: Buffer): void;
  /** The body is complete; `rest` came behind it. */
  complete(trailers: string[], rest: Buffer): void;
  /** The connection speaks another protocol from now on. */
  switched(head: ResponseHead, rest: Buffer): void;
}

/** Largest head, and largest trailer section, bytes; as of Node's own client. */
const MAX_HEAD_BYTES = 16 * 1024;
/** Bytes of all extensions of a body's chunks, which mean nothing to anybody. */
const MAX_EXTENSION_BYTES = 16 * 1024;
const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const VERSION = Buffer.from("HTTP/1.");
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;

/** Digits of a size, then extensions (RFC 9112, 7.1.1). */
const CHUNK_LINE =
  /^([0-9a-f]{1,16})(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/i;

/** The next part of the message that is awaited. */
type Part = "head" | "size" | "chunk" | "chunkEnd" | "trailers" | "length" | "close" | "done";

/** Reads the response to one request from the bytes of a connection, and whatever interim responses precede it. */
export class ResponseParser {
  readonly #method: string;
  readonly #events: ResponseEvents;
  #part: Part = "head";
  /** Bytes of an incomplete line or head. */
  #held: Buffer = NOTHING;
  /** Bytes of the body, or of the chunk, that are missing. */
  #left = 0;
  #extensionBytes = 0;

  /** @param method The request's: the response to a HEAD has no body. */
  constructor(method: string, events: ResponseEvents) {
    this.#method = method;
    this.#events = events;
  }

  /**
   * Reads what has arrived.
   *
   * @throws MalformedResponse
   */
  execute(arrived: Buffer): void {
    const bytes = this.#held.length === 0 ? arrived : Buffer.concat([this.#held, arrived]);
    this.#held = NOTHING;
    // A part may be empty and yet have an end: each returns the bytes behind it, and undefined if it needs more.
    for (let rest: Buffer | undefined = bytes; rest !== undefined;) rest = this.#step(rest);
  }

  /** The server has closed the connection. Returns whether the response is complete. */
  finish(): boolean {
    if (this.#part === "close") this.#end([], NOTHING);
    return this.#part === "done";
  }

  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#part) {
      case "head":
        return this.#head(bytes);
      case "length":
      case "chunk":
        return this.#counted(bytes);
      case "close":
        if (bytes.length > 0) this.#events.data(bytes);
        return undefined;
      case "size":
        return this.#size(bytes);
      case "chunkEnd":
        return this.#chunkEnd(bytes);
      case "trailers":
        return this.#trailers(bytes);
      case "done":
        return undefined;
    }
  }

  #head(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(HEAD_END);
    if ((end < 0 ? bytes.length : end) > MAX_HEAD_BYTES)
      throw new MalformedResponse("a head of more than 16 KiB");
    if (end < 0) {
      // A server of another protocol often waits for its client after the first line.
      const begun = Math.min(bytes.length, VERSION.length);
      if (bytes.compare(VERSION, 0, begun, 0, begun) !== 0) {
        throw new MalformedResponse("another protocol");
      }
      return this.#hold(bytes);
    }
    const head = readHead(bytes.toString("latin1", 0, end));
    const rest = bytes.subarray(end + HEAD_END.length);
    const { statusCode, headers } = head;
    if (statusCode < 200 && head.httpVersion === "1.0") {
      throw new MalformedResponse("an interim response in HTTP/1.0");
    }
    if (statusCode === 101) {
      this.#part = "done";
      this.#events.switched(head, rest);
      return undefined;
    }
    // Nothing of an interim response is passed on; the final one follows.
    if (statusCode < 200) return rest;
    this.#part = this.#bodyOf(statusCode, headers);
    this.#left = Number(headers["content-length"] ?? 0);
    this.#events.head(head);
    if (this.#part !== "done" && (this.#part !== "length" || this.#left > 0)) return rest;
    return this.#end([], rest);
  }

  /** How the body ends (RFC 9112, 6.3). */
  #bodyOf(status: number, headers: ResponseHead["headers"]): Part {
    if (this.#method === "HEAD" || status === 204 || status === 304) return "done";
    if (headers["transfer-encoding"] !== undefined) return "size";
    return headers["content-length"] === undefined ? "close" : "length";
  }

  #counted(bytes: Buffer): Buffer | undefined {
    if (bytes.length < this.#left) {
      this.#left -= bytes.length;
      if (bytes.length > 0) this.#events.data(bytes);
      return undefined;
    }
    const part = bytes.length === this.#left ? bytes : bytes.subarray(0, this.#left);
    const rest = bytes.length === this.#left ? NOTHING : bytes.subarray(this.#left);
    this.#left = 0;
    const isWhole = this.#part === "length";
    if (!isWhole) this.#part = "chunkEnd";
    this.#events.data(part);
    return isWhole ? this.#end([], rest) : rest;
  }

  #size(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(CRLF);
    if ((end < 0 ? bytes.length : end) > MAX_EXTENSION_BYTES) {
      throw new MalformedResponse("a line of a chunk of more than 16 KiB");
    }
    if (end < 0) return this.#hold(bytes);
    const line = bytes.toString("latin1", 0, end);
    const digits = CHUNK_LINE.exec(line)?.[1];
    const size = parseInt(digits ?? "", 16);
    if (digits === undefined || !Number.isSafeInteger(size)) {
      throw new MalformedResponse("the size of a chunk");
    }
    this.#extensionBytes += line.length - digits.length;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES)
      throw new MalformedResponse("extensions of more than 16 KiB");
    this.#left = size;
    this.#part = size === 0 ? "trailers" : "chunk";
    return bytes.subarray(end + CRLF.length);
  }

  #chunkEnd(bytes: Buffer): Buffer | undefined {
    if (bytes.length < CRLF.length && (bytes.length === 0 || bytes[0] === CR)) {
      return this.#hold(bytes);
    }
    if (bytes[0] !== CR || bytes[1] !== LF) throw new MalformedResponse("the end of a chunk");
    this.#part = "size";
    return bytes.subarray(CRLF.length);
  }

  #trailers(bytes: Buffer): Buffer | undefined {
    if (bytes[0] === CR && bytes[1] === LF) return this.#end([], bytes.subarray(CRLF.length));
    const end = bytes.indexOf(HEAD_END);
    if ((end < 0 ? bytes.length : end) > MAX_HEAD_BYTES)
      throw new MalformedResponse("trailers of more than 16 KiB");
    if (end < 0) return this.#hold(bytes);
    const trailers = readFields(bytes.toString("latin1", 0, end), 0);
    return this.#end(trailers, bytes.subarray(end + HEAD_END.length));
  }

  #hold(bytes: Buffer): Buffer | undefined {
    this.#held = bytes;
    return undefined;
  }

  #end(trailers: string[], rest: Buffer): Buffer | undefined {
    this.#part = "done";
    this.#events.complete(trailers, rest);
    return undefined;
  }
}
