import type { Flow } from "../session/flow.ts";

interface Opening {
  resolve(flow: Flow): void;
  reject(error: Error): void;
}

/** Most flows that wait: a session without a path must not collect them without end. */
const MAX_WAITING = 16_384;

/** Flows that wait for the service to accept them. */
export class Openings {
  readonly #waiting = new Map<number, Opening>();

  get isFull(): boolean {
    return this.#waiting.size >= MAX_WAITING;
  }

  /**
   * Waits for a flow's acceptance; a flow that is not accepted is destroyed.
   *
   * @throws The flow's error, that of {@link rejectAll}, or the signal's reason.
   */
  async wait(id: number, flow: Flow, signal: AbortSignal): Promise<Flow> {
    const { promise, resolve, reject } = Promise.withResolvers<Flow>();
    this.#waiting.set(id, { resolve, reject });
    const abort = () => {
      reject(signal.reason as Error);
      flow.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    flow.on("error", reject);
    try {
      const opened = await promise;
      // It may have ended since, even in the same packet.
      signal.throwIfAborted();
      if (flow.errored !== null) throw flow.errored;
      flow.off("error", reject);
      return opened;
    } catch (error) {
      // Its own error follows when it is destroyed; this one is told.
      flow.on("error", () => {});
      flow.destroy();
      throw error;
    } finally {
      this.#waiting.delete(id);
      signal.removeEventListener("abort", abort);
    }
  }

  accept(id: number, flow: Flow): void {
    this.#waiting.get(id)?.resolve(flow);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
