import type { Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import { handoffError } from "./errors.ts";

/** Longest message of a process that has not proved itself, and of one that has, bytes: it may name many tabs. */
const MAX_MESSAGE = { stranger: 512 * 1024, proven: 8 * 1024 * 1024 };
const LENGTH_BYTES = 4;
/** A peer that does not read is cut off when this much waits for it, bytes. */
const MAX_QUEUED = 16 * 1024 * 1024;

/** Encodes a message: its length in 4 bytes, and JSON. */
export function encodeMessage(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  if (text.length > MAX_MESSAGE.proven) throw new RangeError(`A message of ${text.length} bytes.`);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/** Messages over a local socket, read one at a time: what follows a message may be bytes of another kind. */
export class HandoffWire {
  readonly #socket: Socket;
  readonly #clock: Scheduler;
  #length: number | undefined;
  #waiting: PromiseWithResolvers<unknown> | undefined;
  #failure: Error | undefined;
  #most = MAX_MESSAGE.stranger;

  constructor(socket: Socket, clock: Scheduler) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("readable", this.#read);
    socket.on("error", this.#failed);
    socket.on("end", this.#closed);
    socket.on("close", this.#closed);
  }

  /** The other side has proved itself. */
  proven(): void {
    this.#most = MAX_MESSAGE.proven;
  }

  send(message: object): void {
    if (this.#socket.writableLength > MAX_QUEUED) this.#socket.destroy();
    else if (this.#socket.writable) this.#socket.write(encodeMessage(message));
  }

  /**
   * The next message; not parsed further.
   *
   * @param milliseconds How long it may take; undefined for no limit.
   * @throws BlockcloudError `HANDOFF_FAILED`; the socket is closed then.
   */
  async next(milliseconds?: number): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#failure;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting = waiting;
    const cancel =
      milliseconds === undefined
        ? () => {}
        : this.#clock.after(milliseconds, () => {
            this.#failed(new Error(`no message in ${milliseconds} ms`));
          });
    this.#read();
    try {
      return await waiting.promise;
    } finally {
      cancel();
    }
  }

  /** Gives the socket away: what comes from here on is not read here. */
  release(): Socket {
    const socket = this.#socket;
    socket.off("readable", this.#read);
    socket.off("error", this.#failed);
    socket.off("end", this.#closed);
    socket.off("close", this.#closed);
    return socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  readonly #read = (): void => {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#length === undefined) {
      const head = this.#take(LENGTH_BYTES);
      if (head === undefined) return;
      const length = head.readUInt32BE();
      if (length === 0 || length > this.#most) {
        this.#failed(new Error(`a message of ${length} bytes`));
        return;
      }
      this.#length = length;
    }
    const body = this.#take(this.#length);
    if (body === undefined) return;
    this.#length = undefined;
    this.#waiting = undefined;
    try {
      waiting.resolve(JSON.parse(body.toString("utf8")));
    } catch (error) {
      this.#waiting = waiting;
      this.#failed(error as Error);
    }
  };

  #take(length: number): Buffer | undefined {
    const bytes = this.#socket.read(length) as Buffer | null;
    // At its end a stream gives what is left.
    return bytes?.length === length ? bytes : undefined;
  }

  readonly #failed = (cause: Error): void => {
    this.#failure ??= handoffError("HANDOFF_FAILED", `The other process: ${cause.message}.`, {
      cause,
      retryable: true,
    });
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
    this.#socket.destroy();
  };

  readonly #closed = (): void => {
    this.#failed(new Error("it has closed the connection"));
  };
}
