import { existsSync } from "node:fs";
import { isAddressEqual, zeroAddress, type Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import type { HandoffStatus } from "../../provider/handoff/messages.ts";
import { systemTimers } from "../../node/timers.ts";
import { localCommand } from "../framework/command.ts";
import { state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { duration } from "../framework/values.ts";
import { agentsOf } from "./agents.ts";

/** How often the processes are asked while the command waits, milliseconds. */
const LOOK_MS = 500;

const STATES: Record<HandoffStatus["state"], string> = {
  serving: "serves new clients",
  given: "serves until the process that has its duties serves",
  tail: "serves the flows that are left",
};

/** `blockcloud provider handoff` */
export const providerHandoff = localCommand({
  flags: {
    state,
    wait: text(
      "--wait <time>",
      "wait until the processes that were replaced have ended, at most this long",
      duration,
      {},
    ),
  },
  examples: [
    "blockcloud provider handoff",
    "blockcloud provider handoff --wait 10m",
    "blockcloud provider handoff --json",
  ],
  notes: `Replace an agent by starting another one with the same state folder and keys, and "provider run --take-over";
"subservice run" and "expose" have that flag, too. This command shows the processes of a state folder: those that serve,
and those that they have replaced, with the flows that each still serves. SIGTERM to one of them ends its flows.`,
  async run({ flags, output, progress, signal }) {
    const { wait } = flags;
    if (!existsSync(flags.state)) {
      throw new BlockcloudError("STATE_MISSING", `There is no state folder ${flags.state}.`, {
        remedy: "Check --state: it is that of the agent.",
      });
    }
    const until = systemTimers.monotonic() + (wait ?? 0);
    for (;;) {
      const processes = await agentsOf(flags.state);
      const left = processes.filter((each) => each.state !== "serving");
      if (wait === undefined || left.length === 0) {
        output.print({ processes }, textOf(processes));
        return undefined;
      }
      if (systemTimers.monotonic() >= until) {
        progress.clear();
        throw new BlockcloudError(
          "HANDOFF_UNFINISHED",
          `${left.length} processes serve on: ${left.map(({ pid }) => pid).join(", ")}.`,
          { remedy: "Wait longer, or end them by SIGTERM: their flows end then.", retryable: true },
        );
      }
      progress.update(`waiting for ${flowsOf(left)} flows of ${left.length} processes`);
      await systemTimers.sleep(LOOK_MS, signal);
    }
  },
});

function flowsOf(processes: readonly HandoffStatus[]): number {
  return processes.flatMap(({ services }) => services).reduce((sum, { flows }) => sum + flows, 0);
}

function textOf(processes: readonly HandoffStatus[]): string {
  if (processes.length === 0) return "no agent runs with this state folder";
  return processes
    .map(({ pid, state: how, since, until, services }) => {
      const sessions = services.reduce((sum, each) => sum + each.sessions, 0);
      const flows = services.reduce((sum, each) => sum + each.flows, 0);
      const end = until === undefined ? "" : `, until ${new Date(until).toISOString()} at most`;
      const names = services.map(({ serviceId }) => nameOf(serviceId)).join(", ");
      return (
        `process ${pid} of ${names || "no service"} since ${new Date(since).toISOString()}: ${STATES[how]}${end}; ` +
        `${sessions} sessions, ${flows} flows`
      );
    })
    .join("\n");
}

/** A root service by its number, a sub-service by its ID. */
function nameOf(serviceId: Hex): string {
  const { prefix, self } = parseServiceId(serviceId);
  return isAddressEqual(self, zeroAddress) ? `service ${prefix}` : `sub-service ${serviceId}`;
}
