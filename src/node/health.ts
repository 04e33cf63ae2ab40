/** One check of a worker's health. */
export interface HealthCheck {
  name: string;
  ok: boolean;
  /** Why it is not well; for the operator, without secrets. */
  reason?: string;
}

/** All checks together: well when each of them is. */
export interface HealthReport {
  ok: boolean;
  checks: HealthCheck[];
}

/** The checks that a worker's parts have registered. A check looks at memory only, so that asking is cheap. */
export class Health {
  readonly #checks = new Map<string, () => string | undefined>();

  /**
   * Adds a check, or replaces the one of that name.
   *
   * @param check Undefined when all is well, else the reason.
   */
  register(name: string, check: () => string | undefined): void {
    this.#checks.set(name, check);
  }

  /** Looks at everything now. */
  report(): HealthReport {
    const checks = [...this.#checks].map(([name, check]) => {
      const reason = reasonOf(check);
      return reason === undefined ? { name, ok: true } : { name, ok: false, reason };
    });
    return { ok: checks.every(({ ok }) => ok), checks };
  }
}

/** A check that breaks is a bad sign, too; what it threw may hold anything and is not told. */
function reasonOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch {
    return "the check itself failed";
  }
}
