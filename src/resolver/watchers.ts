import type { Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Change } from "./answer.ts";
import { rootIdOf } from "./ids.ts";
import { busy } from "./errors.ts";

type All = (serviceId: Hex, change: Change) => void;

/** The listeners to changes; bounded. */
export class Watchers {
  readonly #most: number;
  readonly #log: Logger;
  readonly #of = new Map<Hex, Set<(change: Change) => void>>();
  readonly #all = new Set<All>();
  #count = 0;

  constructor(most: number, log: Logger) {
    this.#most = most;
    this.#log = log;
  }

  get size(): number {
    return this.#count;
  }

  /** Whether a service has listeners. */
  has(serviceId: Hex): boolean {
    return this.#all.size > 0 || this.#of.has(serviceId);
  }

  /** Whether a listener watches this service by its ID. */
  names(serviceId: Hex): boolean {
    return this.#of.has(serviceId);
  }

  /** Watched IDs of a root service and its sub-services. */
  idsUnder(rootId: Hex): Set<Hex> {
    return new Set([...this.#of.keys()].filter((id) => rootIdOf(id) === rootId));
  }

  /** @throws BlockcloudError `RESOLVER_BUSY`. */
  watch(serviceId: Hex, listener: (change: Change) => void): () => void {
    if (this.#count >= this.#most) throw busy("watchers");
    // A separate function, so that one listener may watch twice.
    const own = (change: Change) => {
      listener(change);
    };
    const listeners = this.#of.get(serviceId) ?? new Set();
    this.#of.set(serviceId, listeners.add(own));
    this.#count += 1;
    return () => {
      if (!listeners.delete(own)) return;
      this.#count -= 1;
      if (listeners.size === 0 && this.#of.get(serviceId) === listeners) this.#of.delete(serviceId);
    };
  }

  watchAll(listener: All): () => void {
    if (this.#count >= this.#most) throw busy("watchers");
    const own: All = (serviceId, change) => {
      listener(serviceId, change);
    };
    this.#all.add(own);
    this.#count += 1;
    return () => {
      if (this.#all.delete(own)) this.#count -= 1;
    };
  }

  tell(serviceId: Hex, change: Change): void {
    for (const listener of this.#of.get(serviceId) ?? []) {
      this.#call(() => {
        listener(change);
      });
    }
    for (const listener of this.#all) {
      this.#call(() => {
        listener(serviceId, change);
      });
    }
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      // A failing listener must not keep the others from being called.
      this.#log.error("a watcher failed", { error });
    }
  }
}
