import type { Socket } from "node:net";
import { Lane, type LaneParts } from "./lane.ts";
import { reread } from "./rereadSocket.ts";

/** How long what is queued may take after one side has ended, milliseconds. */
const END_MS = 10_000;

export interface SpliceDependencies extends LaneParts {
  /** Both sides are closed; called once. */
  ended(): void;
}

/**
 * Two connections, joined byte for byte; what one side cannot take waits at the other. There is no half-close: TLS of
 * the SAL has none, so when one side ends, the other one gets what is left, and ends. A part cannot be taken for the
 * whole, because the sessions inside count their bytes.
 */
export class Splice {
  /** Whether something was carried since this was last set to false. */
  isActive = true;
  readonly #sockets: readonly Socket[];
  readonly #lanes: readonly Lane[];
  readonly #dependencies: SpliceDependencies;
  #open = 2;

  /**
   * @param visitor A connection that a server has accepted; its other users must have let it go.
   * @param provider The same.
   */
  constructor(visitor: Socket, provider: Socket, dependencies: SpliceDependencies) {
    this.#dependencies = dependencies;
    const parts = {
      ...dependencies,
      carried: (bytes: number) => {
        this.isActive = true;
        dependencies.carried(bytes);
      },
    };
    const [up, down] = [new Lane(parts), new Lane(parts)];
    const [left, right] = [reread(visitor, up.onread), reread(provider, down.onread)];
    this.#lanes = [up, down];
    this.#sockets = [left.socket, right.socket];
    this.#end(left.socket, right.socket);
    this.#end(right.socket, left.socket);
    up.join(left.socket, right.socket, left.early);
    down.join(right.socket, left.socket, right.early);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** When one side ends, the other one gets what is left. */
  #end(socket: Socket, other: Socket): void {
    socket.on("error", ignore);
    const closed = () => {
      this.#closed(other);
    };
    if (socket.closed) process.nextTick(closed);
    else socket.once("close", closed);
  }

  #closed(other: Socket): void {
    this.#open -= 1;
    if (this.#open === 0) {
      for (const lane of this.#lanes) lane.end();
      this.#dependencies.ended();
      return;
    }
    if (other.destroyed) return;
    other.destroySoon();
    const cancel = this.#dependencies.clock.after(END_MS, () => {
      other.destroy();
    });
    other.once("close", cancel);
  }
}

function ignore(): void {
  // "close" follows.
}
