import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { reset } from "../net/reset.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { SocketReads } from "./socketReads.ts";

export interface SpliceOptions {
  timers: Timers;
  /** How long nothing may be carried; 0 for no limit. */
  idleMs: number;
  /** The same after one direction has ended. */
  halfClosedMs: number;
  /** The errors of a socket and of a flow that closed before they ended. */
  gone: { socket(): Error; flow(): Error };
  /** How the connection is read, if not as a stream. */
  reads?: SocketReads;
}

/**
 * The connection of a program or a server, and a flow, joined. Each direction ends by itself. If one does not end by
 * FIN, both sides are reset: a program must never take a part for the whole.
 *
 * This is the path of every byte, so it has neither a stream in between nor a promise for a chunk.
 */
export class Splice {
  /** Bytes from the program. */
  up = 0;
  /** Bytes to the program. */
  down = 0;
  /** Resolves when both sides are closed, with the error that ended them early. */
  readonly closed: Promise<Error | undefined>;
  readonly #client: Socket;
  readonly #flow: Duplex;
  readonly #options: SpliceOptions;
  readonly #ended = new AbortController();
  #error: Error | undefined;
  #isHalfClosed = false;

  constructor(client: Socket, flow: Duplex, options: SpliceOptions) {
    this.#client = client;
    this.#flow = flow;
    this.#options = options;
    // HTTP's time limits are over.
    client.setTimeout(0);
    this.closed = this.#join();
    if (options.idleMs > 0) this.#watch(options.idleMs);
  }

  /** Resets both sides. */
  abort(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    reset(this.#client);
    this.#flow.destroy(error);
  }

  #join(): Promise<Error | undefined> {
    const client = this.#client;
    const flow = this.#flow;
    // Not at "drain", which comes when nothing is left: then each chunk's last bytes would go in a segment of their own.
    const taken = () => {
      if (flow.writableLength < flow.writableHighWaterMark) client.resume();
    };
    const { reads } = this.#options;
    if (reads === undefined) {
      client.on("data", (chunk: Buffer) => {
        this.up += chunk.length;
        if (!flow.write(chunk, taken)) client.pause();
      });
    } else {
      reads.pipeTo(flow, client, (bytes) => {
        this.up += bytes;
      });
    }
    flow.on("data", (chunk: Buffer) => {
      this.down += chunk.length;
      if (!client.write(chunk)) flow.pause();
    });
    client.on("drain", () => flow.resume());
    this.#passEnd(client, flow);
    this.#passEnd(flow, client);
    const { gone } = this.#options;
    return Promise.all([this.#side(client, gone.socket), this.#side(flow, gone.flow)]).then(() => {
      this.#ended.abort();
      return this.#error;
    });
  }

  /** A side without unread bytes may have ended before it was joined. */
  #passEnd(from: Duplex, to: Duplex): void {
    const ended = () => {
      to.end();
      this.#halfClosed();
    };
    if (from.readableEnded) ended();
    else from.once("end", ended);
  }

  /** Watches one side until it is closed. */
  #side(stream: Duplex, gone: () => Error): Promise<void> {
    stream.on("error", (error: Error) => {
      this.abort(error);
    });
    return new Promise((resolve) => {
      const closed = () => {
        if (!stream.readableEnded || !stream.writableFinished) this.abort(stream.errored ?? gone());
        resolve();
      };
      if (stream.closed) closed();
      else stream.once("close", closed);
    });
  }

  #halfClosed(): void {
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    this.#watch(this.#options.halfClosedMs);
  }

  /** Ends the connection once it has carried nothing for a time, or at most twice as long. */
  #watch(milliseconds: number): void {
    const look = async () => {
      for (;;) {
        const before = this.up + this.down;
        await this.#options.timers.sleep(milliseconds, this.#ended.signal);
        if (this.up + this.down === before) break;
      }
      this.abort(silent(milliseconds));
    };
    // The wait ends with the connection.
    look().catch(() => {});
  }
}

function silent(milliseconds: number): Error {
  return new BlockcloudError(
    "FLOW_IDLE",
    `The connection carried nothing for ${milliseconds} ms.`,
    { remedy: "Send something now and then, or give a longer time.", retryable: true },
  );
}
