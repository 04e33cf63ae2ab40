import type { Socket } from "node:net";
import { ClosedConnection, isChunked, type Call } from "./call.ts";
import { Message } from "./message.ts";
import { ResponseParser, type ResponseEvents } from "./responseParser.ts";
import { MalformedResponse, type ResponseHead } from "./responseHead.ts";

/** The connection that carries a call. */
export interface Carrier {
  readonly socket: Socket;
  /** The response is over. */
  completed(mayBeKept: boolean): void;
  /** Gives the socket up to the program, for another protocol. */
  release(): Socket;
  destroy(): void;
}

/** An idle connection is kept for so long at most: the longer, the more likely the server closes it first. */
export const LONGEST_IDLE_MS = 2_000;
const CLOSE = /(^|,)\s*close\s*(,|$)/;
const KEEP_ALIVE = /(^|,)\s*keep-alive\s*(,|$)/;

/** One request on a connection, until its response is complete. */
export class RunningCall implements ResponseEvents {
  readonly #call: Call;
  readonly #connection: Carrier;
  readonly #parser: ResponseParser;
  readonly #chunked: boolean;
  readonly #reused: boolean;
  #received = false;
  #sent = false;
  #over = false;
  #message: Message | undefined;

  constructor(call: Call, connection: Carrier, reused: boolean) {
    this.#call = call;
    this.#connection = connection;
    this.#reused = reused;
    this.#chunked = isChunked(call.headers);
    this.#parser = new ResponseParser(call.method, this);
  }

  /** Sends a part of the body; returns false if the caller should wait until it was `drained`. */
  write(part: Buffer): boolean {
    const { socket } = this.#connection;
    // An end that the server has made is told elsewhere.
    if (this.#over || !socket.writable || part.length === 0) return true;
    if (!this.#chunked) return socket.write(part);
    socket.cork();
    socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    socket.write(part);
    const hasRoom = socket.write("\r\n", "latin1");
    socket.uncork();
    return hasRoom;
  }

  /** The body is complete. */
  end(): void {
    this.#sent = true;
    const { socket } = this.#connection;
    if (this.#chunked && !this.#over && socket.writable) socket.write("0\r\n\r\n", "latin1");
  }

  /** Gives the request up, and its connection with it, unless the response is complete; its reader is told. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.destroy();
    this.#message?.broken(new ClosedConnection());
  }

  /** Gives the request up if its body was not sent to its end. */
  cancelUnlessSent(): void {
    if (!this.#sent) this.cancel();
  }

  /** For the connection: bytes have arrived. */
  arrived(bytes: Buffer): void {
    this.#received = true;
    try {
      this.#parser.execute(bytes);
    } catch (error) {
      // Also what a reader throws: it must not end the process.
      this.broken(error as Error);
    }
  }

  /** For the connection: the server has closed its half. */
  closed(): void {
    if (!this.#parser.finish()) this.broken(new ClosedConnection());
  }

  /** For the connection: it failed. */
  broken(cause: Error): void {
    if (this.#over) return;
    this.#over = true;
    const { socket } = this.#connection;
    this.#connection.destroy();
    if (this.#message !== undefined) this.#message.broken(cause);
    else this.#call.failed({ cause, isStale: this.#reused && !this.#received, socket });
  }

  /** For the connection: there is room for more of the body. */
  drained(): void {
    if (!this.#over) this.#call.drained();
  }

  head(head: ResponseHead): void {
    if (this.#over) return;
    this.#message = new Message(head, this.#connection.socket);
    this.#call.answered(this.#message);
  }

  data(part: Buffer): void {
    if (!this.#over) this.#message?.arrived(part);
  }

  complete(trailers: string[], rest: Buffer): void {
    if (this.#over) return;
    this.#over = true;
    const message = this.#message;
    const isKept = this.#sent && rest.length === 0 && message !== undefined && staysOpen(message);
    if (message?.isPaused === true) this.#connection.socket.resume();
    this.#connection.completed(isKept);
    message?.ended(trailers);
  }

  switched(head: ResponseHead, rest: Buffer): void {
    if (this.#over) return;
    const message = new Message(head, this.#connection.socket);
    if (!this.#call.upgrade || head.headers.upgrade === undefined) {
      this.broken(new MalformedResponse("a switch to a protocol that was not asked for"));
      return;
    }
    this.#over = true;
    this.#call.switched(message, this.#connection.release(), rest);
  }
}

/** Whether the server keeps the connection, and for longer than an idle one is kept here. */
function staysOpen({ httpVersion, headers }: Message): boolean {
  const { connection, "keep-alive": terms } = headers;
  const options = connection?.toLowerCase() ?? "";
  if (CLOSE.test(options) || (httpVersion === "1.0" && !KEEP_ALIVE.test(options))) return false;
  const seconds = /(?:^|[\s,;])timeout=(\d+)/i.exec(terms ?? "")?.[1];
  return seconds === undefined || Number(seconds) * 1000 > LONGEST_IDLE_MS;
}
