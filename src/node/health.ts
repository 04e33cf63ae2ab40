/** One check of a worker's health. */
export interface HealthCheck {
  name: string;
  ok: boolean;
  /** The reason if the check fails; for the operator, without secrets. */
  reason?: string;
}

/** The result of all checks: ok if each of them is. */
export interface HealthReport {
  ok: boolean;
  checks: HealthCheck[];
}

/** The checks of a worker's parts. A check reads only memory, so it is cheap. */
export class Health {
  readonly #checks = new Map<string, () => string | undefined>();

  /**
   * Adds a check, or replaces the check with this name.
   *
   * @param check Returns undefined if it passes, else the reason.
   */
  register(name: string, check: () => string | undefined): void {
    this.#checks.set(name, check);
  }

  /** Removes a check. */
  unregister(name: string): void {
    this.#checks.delete(name);
  }

  /** Runs all checks. */
  report(): HealthReport {
    const checks = [...this.#checks].map(([name, check]) => {
      const reason = reasonOf(check);
      return reason === undefined ? { name, ok: true } : { name, ok: false, reason };
    });
    return { ok: checks.every(({ ok }) => ok), checks };
  }
}

/** A check that throws fails, too. Its error is not shown, because it may contain private data. */
function reasonOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch {
    return "the check itself failed";
  }
}
