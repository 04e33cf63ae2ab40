import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { MoveOutcome, ProviderStore } from "../store.ts";

/** Interval between checks for the agent's answer, milliseconds. */
const LOOK_MS = 20;

/**
 * Waits until the agent has reported the outcome of a move. A move that no agent takes in time, or that is
 * interrupted before one did, is withdrawn: an agent that starts later does not carry it out.
 *
 * @throws BlockcloudError `AGENT_SILENT` if no agent took it in time, `AGENT_SLOW` if one did and has not
 *   finished, `MOVE_REPLACED`; the signal's reason.
 */
export async function waitForOutcome(
  store: Pick<ProviderStore, "requestedMove" | "withdrawMove">,
  id: number,
  { waitMs, timers, signal }: { waitMs: number; timers: Timers; signal: AbortSignal },
): Promise<MoveOutcome> {
  const end = timers.monotonic() + waitMs;
  try {
    while (timers.monotonic() < end) {
      const move = store.requestedMove(id);
      if (move === undefined) {
        throw new BlockcloudError("MOVE_REPLACED", "Another move was requested meanwhile.", {
          remedy: "Look for the service's endpoint in the agent's log.",
        });
      }
      if (move.outcome !== undefined) return move.outcome;
      await timers.sleep(LOOK_MS, signal);
    }
  } catch (error) {
    if (signal.aborted) store.withdrawMove(id);
    throw error;
  }
  const seconds = (waitMs / 1000).toFixed(waitMs < 1000 ? 1 : 0);
  if (store.withdrawMove(id)) {
    throw new BlockcloudError("AGENT_SILENT", `No agent took the move within ${seconds} s.`, {
      retryable: true,
      remedy:
        "The move was withdrawn. Start provider run with this state folder, then run this command again.",
    });
  }
  throw new BlockcloudError("AGENT_SLOW", `The agent has not moved within ${seconds} s.`, {
    retryable: true,
    remedy: "It goes on: its log says how far it is. --back takes the move back.",
  });
}
