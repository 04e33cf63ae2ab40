import { PaymentStore } from "../../src/provider/gateway/pay/store.ts";

/**
 * The end of a process at one of its steps. A first run counts the steps; then a test runs once for each of them. After
 * its end a process does nothing any more: its calls never settle.
 */
export class Crash {
  /** The steps so far, by name. */
  readonly steps: string[] = [];
  readonly #at: number;
  readonly #end = Promise.withResolvers<undefined>();
  isOver = false;

  /** @param at The step at which it ends; -1: none. */
  constructor(at = -1) {
    this.#at = at;
  }

  /** Settles when the process has ended. */
  get ended(): Promise<undefined> {
    return this.#end.promise;
  }

  /** A step of the process; it never comes back from the one at which it ends. */
  async step(name: string): Promise<void> {
    if (this.reaches(name)) await new Promise(() => undefined);
  }

  /** The same for code that does not wait. */
  reaches(name: string): boolean {
    if (!this.isOver) {
      this.steps.push(name);
      if (this.steps.length - 1 === this.#at) {
        this.isOver = true;
        this.#end.resolve(undefined);
      }
    }
    return this.isOver;
  }

  /** The same function, with a step before it and one after it. */
  around<A extends unknown[], T>(name: string, act: (...args: A) => Promise<T>) {
    return async (...args: A): Promise<T> => {
      await this.step(`before ${name}`);
      const result = await act(...args);
      await this.step(`after ${name}`);
      return result;
    };
  }
}

/** Makes each write of all payment stores a step of the crash that a function gives; returns what undoes it. */
export function stepByStore(crash: () => Crash): () => void {
  const { prototype } = PaymentStore;
  const { add, update, remove } = prototype;
  prototype.add = function (...args) {
    return crash().around("add", () => add.apply(this, args))();
  };
  prototype.update = function (...args) {
    return crash().around("update", () => update.apply(this, args))();
  };
  prototype.remove = function (...args) {
    return crash().around("remove", () => remove.apply(this, args))();
  };
  return () => {
    Object.assign(prototype, { add, update, remove });
  };
}
