import type { Scheduler } from "../../node/scheduler.ts";

/** How often a provider that leaves looks whether its flows are over, milliseconds. */
const CHECK_MS = 50;

/**
 * Waits until nothing is under way any more.
 *
 * @param milliseconds How long that may take.
 */
export async function idle(
  isBusy: () => boolean,
  milliseconds: number,
  clock: Scheduler,
): Promise<void> {
  const end = clock.monotonic() + milliseconds;
  while (isBusy() && clock.monotonic() < end) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    clock.after(Math.min(CHECK_MS, milliseconds), () => {
      resolve(undefined);
    });
    await promise;
  }
}
