import type { Socket } from "node:net";
import type { Scheduler } from "../node/scheduler.ts";
import type { ByteRate } from "./byteRate.ts";

/** How long what is queued may take after one side has ended, milliseconds. */
const END_MS = 10_000;

export interface SpliceDependencies {
  clock: Scheduler;
  /** Bytes a second of the provider, and of the relay: the slower one counts. */
  rates: readonly ByteRate[];
  /** Bytes that were passed on. */
  carried(bytes: number): void;
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
  readonly #visitor: Socket;
  readonly #provider: Socket;
  readonly #dependencies: SpliceDependencies;
  #open = 2;

  constructor(visitor: Socket, provider: Socket, dependencies: SpliceDependencies) {
    this.#visitor = visitor;
    this.#provider = provider;
    this.#dependencies = dependencies;
    this.#carry(visitor, provider);
    this.#carry(provider, visitor);
  }

  destroy(): void {
    this.#visitor.destroy();
    this.#provider.destroy();
  }

  #carry(from: Socket, to: Socket): void {
    let isPaced = false;
    from.on("data", (chunk: Buffer) => {
      const { rates, carried, clock } = this.#dependencies;
      this.isActive = true;
      carried(chunk.length);
      if (!to.write(chunk)) from.pause();
      let wait = 0;
      for (const rate of rates) wait = Math.max(wait, rate.carry(chunk.length));
      if (wait === 0 || isPaced) return;
      isPaced = true;
      from.pause();
      clock.after(wait, () => {
        isPaced = false;
        if (!to.writableNeedDrain) from.resume();
      });
    });
    to.on("drain", () => {
      if (!isPaced) from.resume();
    });
    from.once("close", () => {
      this.#closed(to);
    });
    from.resume();
  }

  #closed(other: Socket): void {
    this.#open -= 1;
    if (this.#open === 0) {
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
