import type { BlockcloudError } from "../../protocol/errors.ts";
import { boundedTable, type BoundedTable } from "../../node/boundedTable.ts";

interface Failure {
  error: BlockcloudError;
  /** Unix milliseconds. */
  until: number;
  /** The service whose change may end the failure. */
  number: bigint | undefined;
  /** The label whose registration would end the failure. */
  label: string | undefined;
}

/**
 * Errors of recent lookups, kept for a short time, so that repeated lookups of missing services are cheap.
 * Bounded.
 */
export class NegativeCache {
  readonly #failures: BoundedTable<string, Failure>;
  readonly #ttlMs: number;

  constructor(options: { capacity: number; ttlMs: number }) {
    this.#failures = boundedTable(options.capacity);
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
    const { number, label } = of;
    this.#failures.set(key, { error, until: now + this.#ttlMs, number, label });
  }

  delete(key: string): void {
    this.#failures.delete(key);
  }

  /** Forgets failures that the change of a service, or the registration of a label, may have ended. */
  forget(what: { number?: bigint; label?: string }): void {
    for (const [key, { number, label }] of this.#failures) {
      const concerned =
        (number !== undefined && number === what.number) ||
        (label !== undefined && label === what.label);
      if (concerned) this.#failures.delete(key);
    }
  }
}
