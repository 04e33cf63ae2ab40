import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { MoveOutcome, ProviderStore } from "../store.ts";

/** Interval between checks for the agent's answer, milliseconds. */
const LOOK_MS = 20;

/**
 * Waits until the agent has reported the outcome of a move.
 *
 * @throws BlockcloudError `AGENT_SILENT` if it does not in time, `MOVE_REPLACED`; the signal's reason.
 */
export async function waitForOutcome(
  store: Pick<ProviderStore, "move">,
  id: number,
  { waitMs, timers, signal }: { waitMs: number; timers: Timers; signal: AbortSignal },
): Promise<MoveOutcome> {
  const end = timers.monotonic() + waitMs;
  while (timers.monotonic() < end) {
    const move = store.move();
    if (move?.id !== id) {
      throw new BlockcloudError("MOVE_REPLACED", "Another move was requested meanwhile.", {
        remedy: "Look for the service's endpoint in the agent's log.",
      });
    }
    if (move.outcome !== undefined) return move.outcome;
    await timers.sleep(LOOK_MS, signal);
  }
  throw new BlockcloudError("AGENT_SILENT", `No agent accepted the move within ${waitMs} ms.`, {
    retryable: true,
    remedy: "Start provider run with this state folder: it makes the move at once.",
  });
}
