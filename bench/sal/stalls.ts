import { setTimeout as pause } from "node:timers/promises";
import type { Worker } from "../resolve/worker.ts";
import type { Counts, MoveSettings, Paths, Stage } from "./stage.ts";

/** Moves and false alarms while a process was stopped. */
interface Stalled {
  moves: number;
  falseAlarms: number;
}

export interface FalseMoves {
  provider: Stalled;
  path: Stalled;
}

/** Stops the provider, then the relay, some times each; a fresh session each time, as false alarms teach it patience. */
export async function countFalseMoves(
  paths: Paths,
  settings: MoveSettings,
  { provider, relay, client }: Stage,
): Promise<FalseMoves> {
  const stall = async (worker: Worker): Promise<Stalled> => {
    const sum = { moves: 0, falseAlarms: 0 };
    for (let n = 0; n < settings.stalls; n += 1) {
      await client.call("begin", paths);
      await client.call("around", { times: 1, pauseMs: settings.pauseMs });
      await worker.whileStopped(() => pause(settings.stallMs));
      await client.call("around", { times: 1, pauseMs: settings.pauseMs });
      const { moves, falseAlarms } = await client.call<Counts>("finish");
      sum.moves += moves;
      sum.falseAlarms += falseAlarms;
    }
    return sum;
  };
  return { provider: await stall(provider), path: await stall(relay) };
}
