import type { Socket } from "node:net";

/**
 * The clients' connections, and the number of running responses on each. `http.Server.close()` considers a
 * response complete when it was handed to the socket, and cuts off a slow client's rest; this class waits
 * until the response was sent.
 */
export class Connections {
  readonly #running = new Map<Socket, number>();
  #draining = false;

  opened(socket: Socket): void {
    this.#running.set(socket, 0);
    socket.once("close", () => this.#running.delete(socket));
  }

  /** A response begins. */
  begin(socket: Socket): void {
    this.#add(socket, 1);
  }

  /** A response was sent or abandoned. */
  end(socket: Socket): void {
    if (this.#add(socket, -1) === 0 && this.#draining) socket.destroySoon();
  }

  /** Closes idle connections, and the others when they become idle. */
  drain(): void {
    this.#draining = true;
    for (const [socket, running] of this.#running) if (running === 0) socket.destroySoon();
  }

  /** Closes all connections now. */
  destroy(): void {
    for (const socket of this.#running.keys()) socket.destroy();
  }

  #add(socket: Socket, change: number): number | undefined {
    const running = this.#running.get(socket);
    if (running === undefined) return undefined;
    this.#running.set(socket, running + change);
    return running + change;
  }
}
