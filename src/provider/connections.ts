import type { Socket } from "node:net";

/**
 * The clients' connections and how many answers run on each. `http.Server.close()` counts an answer as done once
 * it was handed over, and cuts what a slow client has not yet taken; this one waits until it was sent.
 */
export class Connections {
  readonly #running = new Map<Socket, number>();
  #draining = false;

  opened(socket: Socket): void {
    this.#running.set(socket, 0);
    socket.once("close", () => this.#running.delete(socket));
  }

  /** An answer begins. */
  begin(socket: Socket): void {
    this.#add(socket, 1);
  }

  /** An answer was sent or given up. */
  end(socket: Socket): void {
    if (this.#add(socket, -1) === 0 && this.#draining) socket.destroySoon();
  }

  /** Closes what is idle, and the rest as it becomes so. */
  drain(): void {
    this.#draining = true;
    for (const [socket, running] of this.#running) if (running === 0) socket.destroySoon();
  }

  /** Closes everything now. */
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
