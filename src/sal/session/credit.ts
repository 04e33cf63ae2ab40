/** Bytes that each flow may always receive, and that nothing else can take. */
export const FLOW_CREDIT = 64 * 1024;
/** Most bytes that one flow may have outstanding. */
export const MAX_FLOW_CREDIT = 4 * 1024 * 1024;

/** Memory of a process from which the credit of fast flows grows beyond {@link FLOW_CREDIT}. */
export class CreditPool {
  #left: number;

  /** @param bytes Size of the pool. */
  constructor(bytes = 256 * 1024 * 1024) {
    this.#left = bytes;
  }

  /** Takes memory; false if there is not enough. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** The pool of this process. */
export const creditPool = new CreditPool();
