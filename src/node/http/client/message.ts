import type { KnownFields, ResponseHead } from "./responseHead.ts";

/** Reads the body of a message. */
export interface BodyReader {
  data(part: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** The body breaks off. */
  failed(cause: Error): void;
}

/** The connection that a message comes from. */
export interface MessageSource {
  pause(): void;
  resume(): void;
}

/** A response: its head, and the body as it arrives. */
export class Message implements ResponseHead {
  readonly httpVersion: ResponseHead["httpVersion"];
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
  readonly headers: KnownFields;
  /** Known when the body is complete. */
  rawTrailers: string[] = [];
  readonly #source: MessageSource;
  #reader: BodyReader | undefined;
  #paused = false;
  #complete = false;
  #fault: Error | undefined;

  constructor(head: ResponseHead, source: MessageSource) {
    this.httpVersion = head.httpVersion;
    this.statusCode = head.statusCode;
    this.statusMessage = head.statusMessage;
    this.rawHeaders = head.rawHeaders;
    this.headers = head.headers;
    this.#source = source;
  }

  /** Attaches the reader. It misses what arrived before: attach it in the call that brings the message. */
  read(reader: BodyReader): void {
    this.#reader = reader;
    if (this.#fault !== undefined) reader.failed(this.#fault);
    else if (this.#complete) reader.end();
  }

  /** Whether nothing more will be read. */
  get isOver(): boolean {
    return this.#complete || this.#fault !== undefined;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Stops reading until `resume`; what has arrived is still handed over. */
  pause(): void {
    if (this.isOver || this.#paused) return;
    this.#paused = true;
    this.#source.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.isOver) this.#source.resume();
  }

  /** For the connection: a part of the body has arrived. */
  arrived(part: Buffer): void {
    this.#reader?.data(part);
  }

  /** For the connection: the body is complete. */
  ended(trailers: string[]): void {
    this.rawTrailers = trailers;
    this.#complete = true;
    this.#reader?.end();
  }

  /** For the connection: the body breaks off. */
  broken(cause: Error): void {
    if (this.isOver) return;
    this.#fault = cause;
    this.#reader?.failed(cause);
  }
}
