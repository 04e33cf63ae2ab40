import { setTimeout as pause } from "node:timers/promises";

/** How long something may take, milliseconds; far above what it takes on a busy machine. */
export const PATIENCE_MS = 240_000;

/** Waits until a condition holds that has no event, and names it when it never does. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  pollMs = 20,
): Promise<void> {
  const limit = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`waited in vain until ${what}`);
    await pause(pollMs);
  }
}
