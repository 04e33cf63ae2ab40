import type { Agent, ClientRequest } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Closes an agent's connections that are idle for one to two periods. The agent's own option `timeout` has a timer
 * and a listener for each connection, which Node sets anew with each request: a twelfth of a small request's time.
 */
export class IdleConnections {
  readonly #periodMs: number;
  /** Idle since the current period, and since the one before. */
  #young = new Set<Duplex>();
  #old = new Set<Duplex>();
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Watches an agent, by the two methods that Node offers to override. */
  watch<A extends Agent>(agent: A): A {
    const keep = agent.keepSocketAlive.bind(agent) as (socket: Duplex) => boolean;
    agent.keepSocketAlive = (socket: Duplex): boolean => {
      // Node refuses it if the upstream has announced to close it at once.
      const isKept = keep(socket);
      if (isKept) this.#add(socket);
      return isKept;
    };
    const reuse = agent.reuseSocket.bind(agent);
    agent.reuseSocket = (socket: Duplex, request: ClientRequest) => {
      if (!this.#young.delete(socket)) this.#old.delete(socket);
      reuse(socket, request);
    };
    return agent;
  }

  #add(socket: Duplex): void {
    this.#young.add(socket);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#pass, this.#periodMs).unref();
  }

  /** At the end of a period. */
  readonly #pass = (): void => {
    for (const socket of this.#old) socket.destroy();
    this.#old = this.#young;
    this.#young = new Set();
    // One that was closed by its upstream stays in the set for a period, and is harmless.
    this.#timer = this.#old.size > 0 ? setTimeout(this.#pass, this.#periodMs).unref() : undefined;
  };
}
