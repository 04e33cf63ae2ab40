import type { Socket } from "node:net";
import { requestHead, type Call } from "./call.ts";
import { Connection } from "./connection.ts";
import { LONGEST_IDLE_MS, type RunningCall } from "./runningCall.ts";

/** Idle connections are closed after one to two periods: one timer for all costs nothing for each request. */
const PERIOD_MS = LONGEST_IDLE_MS / 2;
/** Idle connections that are kept; Node's agent keeps as many. */
const MAX_IDLE = 256;

/** The connections to one server. */
export class ConnectionPool {
  readonly #connect: () => Socket;
  /** The one that was used last is the last: it is used next, and those at the front time out. */
  #idle: Connection[] = [];
  #period = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connect: () => Socket) {
    this.#connect = connect;
  }

  /**
   * Sends a request's head; the body follows by the call that is returned.
   *
   * @param isKept - Whether to use a connection that is kept, and to keep it. Otherwise it serves this request only.
   */
  send(call: Call, isKept: boolean): RunningCall {
    const head = requestHead(call, isKept);
    const connection =
      (isKept ? this.#idle.pop() : undefined) ?? new Connection(this.#connect(), isKept, this);
    return connection.send(call, head);
  }

  /** Closes idle connections, and the others when their response is complete. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** For a connection: it can be used again. Returns whether it is kept. */
  keep(connection: Connection): boolean {
    if (this.#closed || this.#idle.length >= MAX_IDLE) return false;
    connection.idleSince = this.#period;
    this.#idle.push(connection);
    this.#timer ??= setTimeout(this.#pass, PERIOD_MS).unref();
    return true;
  }

  /** For a connection: it is idle no longer, because its server has closed it. */
  lost(connection: Connection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** At the end of a period. */
  readonly #pass = (): void => {
    const fresh = this.#idle.findIndex(({ idleSince }) => idleSince >= this.#period);
    const old = this.#idle.splice(0, fresh < 0 ? this.#idle.length : fresh);
    for (const connection of old) connection.destroy();
    this.#period += 1;
    this.#timer = this.#idle.length > 0 ? setTimeout(this.#pass, PERIOD_MS).unref() : undefined;
  };
}
