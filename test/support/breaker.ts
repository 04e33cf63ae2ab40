/** What a step throws when the power fails. */
export class PowerCut extends Error {}

/**
 * Cuts the power of a worker at one of its steps, named by what it does and the how manieth time. Without a
 * name it cuts nothing, and notes the steps.
 */
export class Breaker {
  readonly steps: string[] = [];
  readonly #at: string | undefined;
  readonly #counts = new Map<string, number>();
  readonly #tripped = Promise.withResolvers<unknown>();
  #hasTripped = false;

  constructor(at?: string) {
    this.#at = at;
  }

  /** Settles when the power fails. */
  get tripped(): Promise<unknown> {
    return this.#tripped.promise;
  }

  get hasTripped(): boolean {
    return this.#hasTripped;
  }

  /** @throws PowerCut here, and at every step from then on. */
  step(what: string): void {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    const name = `${what} #${count}`;
    this.steps.push(name);
    if (name === this.#at) {
      this.#hasTripped = true;
      this.#tripped.resolve(name);
    }
    if (this.#hasTripped) throw new PowerCut(name);
  }

  /** An object whose methods are steps, before and after, but for those that only read. */
  wrap<T extends object>(target: T, reads: readonly (keyof T)[]): T {
    return new Proxy(target, {
      get: (_, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        const isStep = !reads.includes(property as keyof T);
        return (...args: unknown[]) => {
          if (isStep) this.step(`before ${String(property)}`);
          const result: unknown = Reflect.apply(value, target, args);
          if (isStep) this.step(`after ${String(property)}`);
          return result;
        };
      },
    });
  }
}
