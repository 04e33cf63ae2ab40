import type { BlockcloudError } from "../protocol/errors.ts";

interface Failure {
  error: BlockcloudError;
  /** Unix milliseconds. */
  until: number;
  /** The service that a change of would change it. */
  number: bigint | undefined;
  /** The label that, once taken, would change it. */
  label: string | undefined;
}

/** Why look-ups failed, for a short while, so that asking for what is not there costs little. Bounded. */
export class NegativeCache {
  readonly #failures = new Map<string, Failure>();
  readonly #capacity: number;
  readonly #ttlMs: number;

  constructor(options: { capacity: number; ttlMs: number }) {
    this.#capacity = options.capacity;
    this.#ttlMs = options.ttlMs;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** @param key A service ID, or a name in lower case. */
  get(key: string, now: number): BlockcloudError | undefined {
    const failure = this.#failures.get(key);
    if (failure === undefined || failure.until > now) return failure?.error;
    this.#failures.delete(key);
    return undefined;
  }

  set(
    key: string,
    error: BlockcloudError,
    now: number,
    of: { number?: bigint | undefined; label?: string | undefined },
  ): void {
    this.#failures.delete(key);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size < this.#capacity) break;
      this.#failures.delete(oldest);
    }
    const { number, label } = of;
    this.#failures.set(key, { error, until: now + this.#ttlMs, number, label });
  }

  delete(key: string): void {
    this.#failures.delete(key);
  }

  /** Forgets what a service's change, or a label's taking, may have changed. */
  forget(what: { number?: bigint; label?: string }): void {
    for (const [key, { number, label }] of this.#failures) {
      const concerned =
        (number !== undefined && number === what.number) ||
        (label !== undefined && label === what.label);
      if (concerned) this.#failures.delete(key);
    }
  }
}
