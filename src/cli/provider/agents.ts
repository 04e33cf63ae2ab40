import type { Hex } from "viem";
import { systemScheduler } from "../../node/scheduler.ts";
import type { HandoffStatus } from "../../provider/handoff/messages.ts";
import { allSockets, HandoffPlace } from "../../provider/handoff/place.ts";
import { statusOf } from "../../provider/handoff/channel.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";

/** How the agents of a state folder stand, the newest first. */
export async function agentsOf(stateDir: string): Promise<HandoffStatus[]> {
  const found = await Promise.all(
    allSockets(stateDir).map((file) =>
      // One that ends while it is asked is gone the next time.
      statusOf(file, systemScheduler).catch(() => statusOf(file, systemScheduler)),
    ),
  );
  return found.filter((each) => each !== undefined).sort((a, b) => b.since - a.since);
}

/** How an agent serves a service. */
export type AgentService = HandoffStatus["services"][number] & Pick<HandoffStatus, "pid" | "state">;

/** How the agents of a state folder serve a service, the newest first. */
export async function agentsOfService(stateDir: string, serviceId: Hex): Promise<AgentService[]> {
  const agents = await agentsOf(stateDir);
  return agents.flatMap(({ pid, state, services }) =>
    services
      .filter((each) => each.serviceId === serviceId)
      .map((service) => ({ pid, state, ...service })),
  );
}

/**
 * Checks that a process serves a root service, before something waits for it.
 *
 * @throws BlockcloudError `AGENT_ABSENT`.
 */
export async function requireAgent(stateDir: string, service: bigint): Promise<void> {
  // An agent whose folder has too long a path for a socket serves, too, and cannot be asked.
  if (!HandoffPlace.fits(stateDir)) return;
  const agents = await agentsOfService(stateDir, rootServiceId(service));
  if (agents.length > 0) return;
  throw new BlockcloudError(
    "AGENT_ABSENT",
    `No agent of service ${service} runs with the state folder ${stateDir}.`,
    {
      retryable: true,
      remedy: `Start provider run --service ${service} with this folder, or give the agent's --state.`,
    },
  );
}

/** Rows about the agents of a service, for a list of facts. */
export function agentFacts(agents: readonly AgentService[]): [string, string][] {
  return agents.flatMap(({ pid, state, sessions, flows, paths, relays = [] }) => {
    const rows: [string, string][] = [
      [`agent ${pid}`, `${state}; ${sessions} sessions, ${flows} flows`],
    ];
    if (paths !== undefined) rows.push(["paths", pathsText(paths)]);
    for (const line of relays) rows.push(["relay", relayText(line)]);
    return rows;
  });
}

function pathsText(paths: NonNullable<AgentService["paths"]>): string {
  const { direct, upgraded, relayed, away } = paths;
  return (
    `${direct} direct, ${upgraded} direct after a relay, ${relayed} over a relay, ` +
    `${away} without a connection`
  );
}

function relayText(line: NonNullable<AgentService["relays"]>[number]): string {
  const { relay, observed, visitors, failure } = line;
  if (observed === undefined) return `${relay} leads nobody here; ${failure ?? "not tried yet"}`;
  const { address, port } = observed;
  return `${relay} leads visitors here, ${visitors} now; it sees this host at ${address} port ${port}`;
}
